/**
 * What the subscribers of one document on this server are told: its ops from the version on at which they began, each
 * once and in order, however they are heard of.
 *
 *   starting  --start-->  following: `next` is the version expected; a gap before a newer one is filled from the store
 */

import type { SharedbOp } from '../sharedb.ts'
import { isWhole } from './message.ts'

export interface FollowerParts {
  /** Tells the subscribers. */
  tell(op: SharedbOp): void
  /** Ops `from <= v < to` from the store. */
  read(from: number, to: number): Promise<readonly SharedbOp[]>
  /** Ops were missing, so many. */
  filled(count: number): void
  failed(error: unknown): void
}

/** Ops that are kept while earlier ones are fetched; those beyond are fetched as well. */
const KEPT = 64
/** Ops that are fetched at a time. */
const STRETCH = 500

export class Follower {
  readonly #parts: FollowerParts
  readonly #kept = new Map<number, SharedbOp>()
  /** Null while it is starting. */
  #next: number | null = null
  /** All below it are in the store. */
  #end = 0
  #filling = false
  #closed = false

  constructor(parts: FollowerParts) {
    this.#parts = parts
  }

  /** `head`: a version that the document had after the first op could be heard, and before any subscriber read it. */
  start(head: number): void {
    this.#next = head
    this.#advance()
  }

  /** An op was heard of, maybe without its content. */
  hear(op: SharedbOp & { v: number }): void {
    if (this.#next !== null && op.v < this.#next) return
    this.#end = Math.max(this.#end, op.v + 1)
    if (isWhole(op) && (op.v === this.#next || this.#kept.size < KEPT)) this.#kept.set(op.v, op)
    this.#advance()
  }

  /** The document stands at `head` in the store. */
  reach(head: number): void {
    this.#end = Math.max(this.#end, head)
    this.#advance()
  }

  close(): void {
    this.#closed = true
    this.#kept.clear()
  }

  /** Tells what can be told, and has the rest fetched. */
  #advance(): void {
    if (this.#next === null || this.#filling || this.#closed) return
    for (const v of this.#kept.keys()) if (v < this.#next) this.#kept.delete(v)
    for (let op = this.#kept.get(this.#next); op; op = this.#kept.get(this.#next)) {
      this.#kept.delete(this.#next++)
      this.#parts.tell(op)
    }
    if (this.#next < this.#end) void this.#fill(this.#next)
  }

  async #fill(from: number): Promise<void> {
    this.#filling = true
    try {
      const until = Math.min(this.#end, from + STRETCH, ...this.#kept.keys())
      const ops = await this.#parts.read(from, until)
      if (this.#closed) return
      this.#take(ops)
    } catch (error) {
      // What was heard of is not forgotten: the next op or check tries again.
      if (!this.#closed) this.#parts.failed(error)
      return
    } finally {
      this.#filling = false
    }
    this.#advance()
  }

  #take(ops: readonly SharedbOp[]): void {
    if (ops.length === 0) {
      // It was committed, and heard of, since the store was asked.
      if (this.#kept.has(this.#next!)) return
      // The store knows better than whoever said so.
      this.#end = this.#next!
      this.#kept.clear()
      return
    }
    this.#parts.filled(ops.length)
    for (const op of ops) this.#parts.tell(op)
    this.#next = ops.at(-1)!.v! + 1
  }
}
