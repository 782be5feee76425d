/**
 * The last ops of the documents that are written to, so that the edits of many who write at once are not transformed over what is
 * read and parsed again for each of them.
 */

import { type DocKey, keyText } from '../../ops/identity.ts'
import type { ReceiptedOp } from './store.ts'

/** Ops that are kept of a document, and documents of which some are kept. */
const OPS = 128
const DOCUMENTS = 1000
/** An op whose JSON text is longer is read again instead. */
const LONG = 2048

export class Recent {
  // A Map keeps the order of insertion: the document that moved last is put at the end, the first ones are forgotten.
  readonly #docs = new Map<string, ReceiptedOp[]>()

  /** After a commit; `length`: of the op as JSON text. */
  moved(key: DocKey, op: ReceiptedOp, length: number): void {
    const text = keyText(key)
    const known = this.#docs.get(text) ?? []
    this.#docs.delete(text)
    if (length > LONG) return
    const ops = known.at(-1)?.v === op.v - 1 ? known : []
    ops.push(op)
    // Half at a time: to move all by one with each op would cost as much as it saves.
    if (ops.length > 2 * OPS) ops.splice(0, OPS)
    this.#docs.set(text, ops)
    if (this.#docs.size > DOCUMENTS) this.#docs.delete(this.#docs.keys().next().value!)
  }

  /** All ops with `from <= v < to`; null where one of them is not here. */
  ops(key: DocKey, from: number, to: number): ReceiptedOp[] | null {
    const ops = this.#docs.get(keyText(key))
    if (!ops) return null
    const start = from - ops[0]!.v
    return start >= 0 && to <= ops.at(-1)!.v + 1 ? ops.slice(start, start + Math.max(0, to - from)) : null
  }
}
