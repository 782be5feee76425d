/**
 * A document with no client behind it, so that a test decides to the letter when others edit. It keeps the promises of
 * `Doc` that an editor sees: edits are checked, applied at once and told as local; `remote` is somebody else.
 */

import type { ChangeEvent, Doc, DocEvents, HeldEdit, Truth } from '../../client/api.ts'
import { HoldfastError } from '../../ops/errors.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'

type Listeners = { [E in keyof DocEvents]: Set<DocEvents[E]> }

/** Everything is on the server. */
export const calm: Truth = {
  status: 'synced',
  unsent: 0,
  saved: true,
  settled: true,
  held: 0,
  exists: true,
  error: null,
}

export class FakeDoc implements Doc {
  readonly collection = 'notes'
  readonly id = 'fake'
  readonly type: TypeName
  data: unknown
  truth: Truth = calm
  held: readonly HeldEdit[] = []
  readonly saved = Promise.resolve()
  readonly settled = Promise.resolve()
  /** What the editor sent. */
  readonly sent: unknown[] = []
  readonly announced: unknown[] = []
  readonly #listeners: Listeners = { change: new Set(), truth: new Set(), presence: new Set() }

  constructor(type: TypeName, data: unknown) {
    this.type = type
    this.data = typeOf(type).create(data)
  }
  get status() {
    return this.truth.status
  }
  get unsent() {
    return this.truth.unsent
  }
  edit(op: unknown): void {
    const fault = typeOf(this.type).check(op, this.data)
    if (fault) throw new HoldfastError(fault.code, fault.message)
    this.sent.push(op)
    this.#change(op, true)
  }
  /** Somebody else's edit arrives. */
  remote(op: unknown): void {
    const fault = typeOf(this.type).check(op, this.data)
    if (fault) throw new Error(fault.message)
    this.#change(op, false)
  }
  #change(op: unknown, local: boolean): void {
    this.data = typeOf(this.type).apply(this.data, op)
    const event: ChangeEvent = { change: { op }, local }
    for (const listener of this.#listeners.change) listener(event)
  }
  delete(): void {}
  retry(): void {}
  discard(): void {}
  async baseOf() {
    return null
  }
  async saveAs(_name: unknown, id: string) {
    return id
  }
  announce(state: unknown): void {
    this.announced.push(state)
  }
  on<E extends keyof DocEvents>(event: E, listener: DocEvents[E]): () => void {
    this.#listeners[event].add(listener)
    return () => this.#listeners[event].delete(listener)
  }
  async close(): Promise<void> {}
}
