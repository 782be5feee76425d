/**
 * Edits on their way into the op log, by document. The next edit of a document goes on top of them without waiting for the disk,
 * so that they are written together; nobody but the next edit sees them before they are durable.
 *
 * Law: what was made on top of an edit that was not committed is not committed either.
 */

import { type DocKey, keyText } from '../../ops/identity.ts'
import type { Commit, Full } from './adapter.ts'
import type { StoredOp } from './store.ts'

export class Drafts {
  /** In the order of their versions. */
  readonly #docs = new Map<string, Commit[]>()
  /** What documents would have been. */
  readonly #lost = new WeakSet<Full>()

  /** The document as it is when all is written; null: as the op log says. */
  latest(key: DocKey): Full | null {
    return this.#docs.get(keyText(key))?.at(-1)?.after ?? null
  }

  /** Ops on their way with `from <= v < to`. */
  ops(key: DocKey, from: number, to: number): StoredOp[] {
    const all = this.#docs.get(keyText(key)) ?? []
    return all.flatMap(({ op }) => (op.v >= from && op.v < to ? [op] : []))
  }

  /** The last seq of a src that is on its way; null without any. */
  lastSeq(key: DocKey, src: string): number | null {
    const all = this.#docs.get(keyText(key)) ?? []
    return all.findLast(({ op }) => op.src === src)?.op.seq ?? null
  }

  /** Answers false, and takes nothing, where what it was made on was lost. */
  add(commit: Commit): boolean {
    if (this.isLost(commit)) return false
    const text = keyText(commit.key)
    const all = this.#docs.get(text)
    if (all) all.push(commit)
    else this.#docs.set(text, [commit])
    return true
  }

  /** The first one of its document is settled; where it was not committed, what was made on top of it is lost. */
  settle(commit: Commit, committed: boolean): void {
    const text = keyText(commit.key)
    const all = this.#docs.get(text)
    // Lost with one before it.
    if (all?.[0] !== commit) return
    if (!committed) for (const { after } of all.splice(0)) this.#lost.add(after)
    else all.shift()
    if (all.length === 0) this.#docs.delete(text)
  }

  isLost({ base }: Commit): boolean {
    return base !== undefined && this.#lost.has(base)
  }
}
