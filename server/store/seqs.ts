/**
 * The last seqs of writers that this store has committed, so that their next op need not be looked up in the ledger. What
 * is remembered may be behind: that an op is new is then found to be wrong by its commit, which looks into the ledger.
 */

import { type DocKey, keyText, type Name } from '../../ops/identity.ts'

/** Writers that are remembered, over all documents: some 200 bytes each. */
const LIMIT = 20_000

export class Seqs {
  // A Map keeps the order of insertion: the document that moved last is put at the end, the first ones are forgotten.
  readonly #docs = new Map<string, Map<string, number>>()
  readonly #limit: number
  #count = 0

  constructor(limit: number = LIMIT) {
    this.#limit = limit
  }

  /** Whether the name is above the last one that is remembered of its src; false where none is. */
  isNew(key: DocKey, { src, seq }: Name): boolean {
    const last = this.#docs.get(keyText(key))?.get(src)
    return last !== undefined && seq > last
  }

  /** After a commit. */
  moved(key: DocKey, { src, seq }: Name): void {
    const text = keyText(key)
    const writers = this.#docs.get(text) ?? new Map<string, number>()
    this.#docs.delete(text)
    this.#docs.set(text, writers)
    if (!writers.has(src)) this.#count++
    writers.set(src, seq)
    for (const [oldest, { size }] of this.#docs) {
      if (this.#count <= this.#limit) break
      this.#docs.delete(oldest)
      this.#count -= size
    }
  }

  /** Forgets the document; answers whether there was anything. */
  forget(key: DocKey): boolean {
    const text = keyText(key)
    this.#count -= this.#docs.get(text)?.size ?? 0
    return this.#docs.delete(text)
  }
}
