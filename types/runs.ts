/**
 * Runs, what rich text and the ops on it are made of, in the form of quill-delta. Lengths are UTF-16 units.
 *
 *   run      = {insert: "text" | embed, attributes?}    an embed is one unit long
 *            | {retain: n, attributes?}                 keeps n units, and formats them
 *            | {delete: n}
 *   document = insert*                                  op = run*, what is left of the document stays
 *
 * Canonical form: neighbours with equal attributes are joined, an insert stands before a delete at the same place, the
 * last run is not a bare retain. `RunWriter` writes it.
 *
 * Runs are never changed, so they are shared between ops and documents; only one that is cut or joined is made anew.
 */

import { type Attributes, equalAttributes } from './attributes.ts'

/** One key, the kind; its value is what the kind says (formats.ts lists the kinds). */
export type Embed = Readonly<Record<string, unknown>>

export type Insert = { readonly insert: string | Embed; readonly attributes?: Attributes }
export type Retain = { readonly retain: number; readonly attributes?: Attributes }
export type Delete = { readonly delete: number }
export type Run = Insert | Retain | Delete

export const isInsert = (run: Run): run is Insert => 'insert' in run
export const isDelete = (run: Run): run is Delete => 'delete' in run

/** UTF-16 units of a run, 1 for an embed. */
export function lengthOf(run: Run): number {
  if (isInsert(run)) return typeof run.insert === 'string' ? run.insert.length : 1
  return isDelete(run) ? run.delete : run.retain
}

export const retain = (n: number, attributes: Attributes | undefined): Retain =>
  attributes ? { retain: n, attributes } : { retain: n }

/** Writes runs in canonical form. */
export class RunWriter {
  readonly #runs: Run[]
  /** Units of the delete that stands at the end; kept apart because an insert goes before it. */
  #deleted = 0

  constructor(runs: Run[] = []) {
    this.#runs = runs
  }

  push(run: Run): void {
    if (isDelete(run)) {
      this.#deleted += run.delete
      return
    }
    if (this.#deleted > 0 && !isInsert(run)) this.#flush()
    const last = this.#runs.at(-1)
    const joined = last && join(last, run)
    if (joined) this.#runs[this.#runs.length - 1] = joined
    else this.#runs.push(run)
  }

  /** What was written, followed by what is left in `rest`; ends the writing. */
  runs(rest?: RunReader): Run[] {
    // The first of them may join with what was written, and so may those around a delete; the others stand as they stood.
    if (rest?.run)
      do this.push(rest.next())
      while (rest.run && this.#deleted > 0)
    this.#flush()
    rest?.copyTo(this.#runs)
    const last = this.#runs.at(-1)
    if (last && 'retain' in last && !last.attributes) this.#runs.pop()
    return this.#runs
  }

  #flush(): void {
    if (this.#deleted > 0) this.#runs.push({ delete: this.#deleted })
    this.#deleted = 0
  }
}

function join(a: Run, b: Insert | Retain): Run | null {
  if (isDelete(a) || !equalAttributes(a.attributes, b.attributes)) return null
  if (isInsert(a)) {
    if (!isInsert(b) || typeof a.insert !== 'string' || typeof b.insert !== 'string') return null
    const insert = a.insert + b.insert
    return a.attributes ? { insert, attributes: a.attributes } : { insert }
  }
  return isInsert(b) ? null : retain(a.retain + b.retain, a.attributes)
}

/** Reads runs piece by piece. */
export class RunReader {
  /** The present run, whole; null behind the end. */
  run: Run | null
  /** Units of the present run that were not taken yet; behind the end there is no limit. */
  rest: number
  readonly #runs: readonly Run[]
  #index = 0

  constructor(runs: readonly Run[]) {
    this.#runs = runs
    this.run = runs[0] ?? null
    this.rest = this.run ? lengthOf(this.run) : Number.POSITIVE_INFINITY
  }

  /** What is left of the present run. */
  next(): Run {
    return this.take(this.rest)!
  }

  /** The next `n` units of the present run; null behind the end. */
  take(n: number): Run | null {
    const run = this.run
    if (run === null) return null
    const length = lengthOf(run)
    const from = length - this.rest
    this.rest -= n
    if (this.rest === 0) this.#advance(1)
    return n === length ? run : cut(run, from, n)
  }

  /** Takes the whole inserts that `by`, at its start, only walks over: they stay as they are. */
  skipKept(by: RunReader): Run[] {
    if (!by.run || !('retain' in by.run) || by.run.attributes) return []
    let kept = 0
    let index = 0
    for (; index < this.#runs.length; index++) {
      const run = this.#runs[index]!
      if (!isInsert(run) || kept + lengthOf(run) > by.rest) break
      kept += lengthOf(run)
    }
    if (kept > 0) {
      by.take(kept)
      this.#advance(index)
    }
    return this.#runs.slice(0, index)
  }

  copyTo(runs: Run[]): void {
    for (let i = this.#index; i < this.#runs.length; i++) runs.push(this.#runs[i]!)
  }

  #advance(by: number): void {
    this.#index += by
    this.run = this.#runs[this.#index] ?? null
    this.rest = this.run ? lengthOf(this.run) : Number.POSITIVE_INFINITY
  }
}

function cut(run: Run, from: number, n: number): Run {
  if (isDelete(run)) return { delete: n }
  if (!isInsert(run)) return retain(n, run.attributes)
  const insert = (run.insert as string).slice(from, from + n)
  return run.attributes ? { insert, attributes: run.attributes } : { insert }
}
