/** A document in the hands of an app: a typed face on an attachment of its tab. */

import type { Change, Content } from '../ops/change.ts'
import { HoldfastError } from '../ops/errors.ts'
import { type DocKey, type Name, sameName } from '../ops/identity.ts'
import { nameFault } from '../ops/names.ts'
import type { TypeName } from '../types/type.ts'
import type { Doc, DocEvents, EditOptions, HeldEdit, Status, Truth } from './api.ts'
import { alone, carried, joins, type Stroke, strokeOf } from './engine/grouping.ts'
import { documentOf } from './rescued.ts'
import type { Listener } from './tab/handle.ts'
import type { Attachment, Tab } from './tab/tab.ts'

type Listeners = { [E in keyof DocEvents]: Set<DocEvents[E]> }

const keyOf = ({ collection, id }: DocKey): DocKey => ({ collection, id })

export class Document<Data, Op> implements Doc<Data, Op> {
  readonly collection: string
  readonly id: string
  readonly type: TypeName
  readonly #tab: Tab
  readonly #listeners: Listeners
  #attachment!: Attachment
  /** The last edit made here, where it is now: the next one may belong to its group. */
  #stroke: Stroke = alone
  readonly #now: () => number
  #closed = false

  private constructor(tab: Tab, key: DocKey, type: TypeName, listeners: Listeners, now: () => number) {
    this.#tab = tab
    this.collection = key.collection
    this.id = key.id
    this.type = type
    this.#listeners = listeners
    this.#now = now
  }

  static async open<Data, Op>(
    tab: Tab,
    key: DocKey,
    type: TypeName,
    now: () => number,
  ): Promise<Document<Data, Op>> {
    const listeners: Listeners = { change: new Set(), truth: new Set(), presence: new Set() }
    const made = new Document<Data, Op>(tab, key, type, listeners, now)
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
    made.#attachment = await tab.attach(key, type, listener)
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

  edit(op: Op, { after = [] }: EditOptions = {}): void {
    this.#change({ op }, after.map(keyOf))
  }

  undo(): Promise<void> {
    return this.#take('undo')
  }

  redo(): Promise<void> {
    return this.#take('redo')
  }

  async restore(keep: 'mine' | 'theirs'): Promise<void> {
    const attachment = this.#open()
    attachment.act({ t: 'restore', keep })
    await attachment.settled()
  }

  delete(): void {
    this.#change({ del: true }, [])
  }

  retry(name: Name): void {
    this.#attachment.act({ t: 'retry', name })
  }

  discard(name: Name): void {
    this.#attachment.act({ t: 'discard', name })
  }

  baseOf(name: Name): Promise<Content | null> {
    return this.#attachment.baseOf(name)
  }

  async saveAs(name: Name, id: string): Promise<string> {
    const held = this.held.find(edit => sameName(edit.name, name))
    if (!held) throw new HoldfastError('NOT_FOUND', 'There is no held edit of this name.')
    checkName('id', id)
    const content = documentOf(held, await this.baseOf(name))
    const key = { collection: this.collection, id }
    const made = await this.#tab.attach(key, held.type, { change() {}, truth() {}, presence() {} })
    try {
      if (made.truth.exists)
        throw new HoldfastError('DOCUMENT_EXISTS', `There is a document ${id} already; choose another name.`)
      made.edit({ create: content as Content & { type: TypeName } }, false)
      await made.saved()
    } finally {
      await made.detach()
    }
    this.discard(name)
    return id
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

  #change(change: Change, after: readonly DocKey[]): void {
    const attachment = this.#open()
    const stroke = strokeOf(change, this.type, this.#now())
    const joined = joins(this.#stroke, stroke)
    this.#stroke = stroke
    attachment.edit(change, joined, after)
  }

  async #take(way: 'undo' | 'redo'): Promise<void> {
    const attachment = this.#open()
    attachment.act({ t: way })
    await attachment.saved().catch(() => {}) // whether it could be saved is told in `truth`
  }

  #open(): Attachment {
    if (this.#closed) throw new HoldfastError('CLIENT_CLOSED')
    return this.#attachment
  }
}

/** Throws `NAME_INVALID` for what a collection or a document (`what`) cannot be called. */
export function checkName(what: string, name: string): void {
  const fault = nameFault(String(name))
  if (fault !== null) throw new HoldfastError('NAME_INVALID', `${what}: ${fault}`)
}
