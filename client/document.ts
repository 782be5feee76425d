/** A document in the hands of an app: a typed face on an attachment to the hub. */

import type { Change } from '../ops/change.ts'
import { HoldfastError } from '../ops/errors.ts'
import type { DocKey, Name } from '../ops/identity.ts'
import type { TypeName } from '../types/type.ts'
import type { Doc, DocEvents, HeldEdit, Status, Truth } from './api.ts'
import { alone, carried, joins, type Stroke, strokeOf } from './engine/grouping.ts'
import type { Attachment, Hub, Listener } from './hub/hub.ts'

type Listeners = { [E in keyof DocEvents]: Set<DocEvents[E]> }

export class Document<Data, Op> implements Doc<Data, Op> {
  readonly collection: string
  readonly id: string
  readonly type: TypeName
  readonly #listeners: Listeners
  #attachment!: Attachment
  /** The last edit made here, where it is now: the next one may belong to its group. */
  #stroke: Stroke = alone
  readonly #now: () => number
  #closed = false

  private constructor(key: DocKey, type: TypeName, listeners: Listeners, now: () => number) {
    this.collection = key.collection
    this.id = key.id
    this.type = type
    this.#listeners = listeners
    this.#now = now
  }

  static async open<Data, Op>(
    hub: Hub,
    key: DocKey,
    type: TypeName,
    now: () => number,
  ): Promise<Document<Data, Op>> {
    const listeners: Listeners = { change: new Set(), truth: new Set(), presence: new Set() }
    const made = new Document<Data, Op>(key, type, listeners, now)
    const listener: Listener = {
      change: (change, local, undone) => {
        if (!local) made.#stroke = undone ? alone : carried(made.#stroke, change, type)
        for (const each of listeners.change) each({ change, local, undone })
      },
      truth: truth => {
        for (const each of listeners.truth) each(truth)
      },
      presence: peers => {
        for (const each of listeners.presence) each(peers)
      },
    }
    made.#attachment = await hub.attach(key, type, listener)
    return made
  }

  get data(): Data {
    return this.#attachment.view.data as Data
  }

  get truth(): Truth {
    return this.#attachment.truth
  }

  get status(): Status {
    return this.truth.status
  }

  get unsent(): number {
    return this.truth.unsent
  }

  get held(): readonly HeldEdit[] {
    return this.#attachment.held
  }

  get saved(): Promise<void> {
    return this.#attachment.saved()
  }

  get settled(): Promise<void> {
    return this.#attachment.settled()
  }

  edit(op: Op): void {
    this.#change({ op })
  }

  undo(): void {
    this.#open().undo()
  }

  redo(): void {
    this.#open().redo()
  }

  delete(): void {
    this.#change({ del: true })
  }

  retry(name: Name): void {
    this.#attachment.retry(name)
  }

  discard(name: Name): void {
    this.#attachment.discard(name)
  }

  announce(state: unknown): void {
    if (!this.#closed) this.#attachment.announce(state)
  }

  on<E extends keyof DocEvents>(event: E, listener: DocEvents[E]): () => void {
    this.#listeners[event].add(listener)
    return () => this.#listeners[event].delete(listener)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const set of Object.values(this.#listeners)) set.clear()
    await this.#attachment.detach()
  }

  #change(change: Change): void {
    const attachment = this.#open()
    const stroke = strokeOf(change, this.type, this.#now())
    const joined = joins(this.#stroke, stroke)
    this.#stroke = stroke
    attachment.edit(change, joined)
  }

  #open(): Attachment {
    if (this.#closed) throw new HoldfastError('CLIENT_CLOSED')
    return this.#attachment
  }
}
