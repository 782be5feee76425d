/**
 * A document with no client behind it, so that a test decides to the letter when others edit. It keeps the promises of
 * `Doc` that an editor sees: edits are checked, applied at once and told as local; `remote` is somebody else.
 */

import type { ChangeEvent, Doc, DocEvents, HeldEdit, Truth } from '../../client/api.ts'
import { alone, carried, joins, strokeOf } from '../../client/engine/grouping.ts'
import { type ReplicaEvent, reduce } from '../../client/engine/replica.ts'
import { nothing, type Replica } from '../../client/engine/state.ts'
import { takeBack, type Way } from '../../client/engine/undo.ts'
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
  canUndo: false,
  canRedo: false,
  wentBack: false,
  error: null,
}

export class FakeDoc implements Doc {
  readonly collection = 'notes'
  readonly id = 'fake'
  readonly type: TypeName
  truth: Truth = calm
  held: readonly HeldEdit[] = []
  readonly saved = Promise.resolve()
  readonly settled = Promise.resolve()
  /** What the editor sent. */
  readonly sent: unknown[] = []
  readonly announced: unknown[] = []
  #replica: Replica
  #stroke = alone
  readonly #listeners: Listeners = { change: new Set(), truth: new Set(), presence: new Set() }

  constructor(type: TypeName, data: unknown) {
    this.type = type
    const content = { type, data: typeOf(type).create(data) }
    this.#replica = reduce(nothing, { t: 'snapshot', v: 1, content, own: [] })[0]
  }
  get data(): unknown {
    return this.#replica.view.data
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
    const stroke = strokeOf({ op }, this.type, 0)
    const joined = joins(this.#stroke, stroke) && { joins: true as const }
    this.#stroke = stroke
    this.#tell({ t: 'edit', change: { op }, ...joined }, { local: true, undone: false })
    this.#commit()
  }
  async restore(): Promise<void> {}
  async undo(): Promise<void> {
    this.#goBack('undo')
  }
  async redo(): Promise<void> {
    this.#goBack('redo')
  }
  #goBack(way: Way): void {
    const taken = takeBack(this.#replica.undo, way, this.#replica.view)
    if (taken === null) return
    this.#stroke = alone
    this.#tell({ t: way, ...taken }, { local: false, undone: true })
    if (taken.op !== undefined) this.#commit()
  }
  /** The server has it at once. */
  #commit(): void {
    for (const t of ['seal', 'ack'] as const) this.#tell({ t }, { local: true, undone: false })
  }
  /** Somebody else's edit arrives. */
  remote(op: unknown): void {
    const fault = typeOf(this.type).check(op, this.data)
    if (fault) throw new Error(fault.message)
    this.#stroke = carried(this.#stroke, { op }, this.type)
    this.#tell({ t: 'steps', steps: [{ n: 1, change: { op } }] }, { local: false, undone: false })
  }
  #tell(event: ReplicaEvent, by: Omit<ChangeEvent, 'change'>): void {
    const [replica, shown] = reduce(this.#replica, event)
    this.#replica = replica
    const { undo, redo } = replica.undo
    this.truth = { ...this.truth, canUndo: undo.length > 0, canRedo: redo.length > 0 }
    for (const change of shown) for (const listener of this.#listeners.change) listener({ change, ...by })
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
