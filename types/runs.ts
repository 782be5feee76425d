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

export type Insert = { readonly insert: Content; readonly attributes?: Attributes }
export type Retain = { readonly retain: number; readonly attributes?: Attributes }
export type Delete = { readonly delete: number }
/** Text or an embed. */
export type Content = string | Embed
export type Run = Insert | Retain | Delete

export const isInsert = (run: Run): run is Insert => 'insert' in run
export const isDelete = (run: Run): run is Delete => 'delete' in run

/** UTF-16 units of a run, 1 for an embed. */
export function lengthOf(run: Run): number {
  if (isInsert(run)) return typeof run.insert === 'string' ? run.insert.length : 1
  return isDelete(run) ? run.delete : run.retain
}

/** Writes runs in canonical form. */
export class RunWriter {
  readonly #runs: Run[]
  /** The run that may still grow; an insert goes before a delete, so `#deleted` stands behind it. */
  #kind: 'insert' | 'retain' | 'none' = 'none'
  #content: Content = ''
  #count = 0
  #attributes: Attributes | undefined
  #deleted = 0

  /** `runs`, canonical already, are the beginning; the list becomes the writer's. */
  constructor(runs: Run[] = []) {
    this.#runs = runs
    const last = runs.at(-1)
    if (last && isInsert(last)) {
      runs.pop()
      this.insert(last.insert, last.attributes)
    }
  }

  insert(content: Content, attributes: Attributes | undefined): void {
    const joins = this.#kind === 'insert' && typeof content === 'string' && typeof this.#content === 'string'
    if (joins && equalAttributes(this.#attributes, attributes)) {
      this.#content = (this.#content as string) + content
      return
    }
    this.#endRun()
    this.#kind = 'insert'
    this.#content = content
    this.#attributes = attributes
  }

  retain(n: number, attributes: Attributes | undefined): void {
    if (this.#kind === 'retain' && this.#deleted === 0 && equalAttributes(this.#attributes, attributes)) {
      this.#count += n
      return
    }
    this.#endRun()
    this.#endDelete()
    this.#kind = 'retain'
    this.#count = n
    this.#attributes = attributes
  }

  delete(n: number): void {
    this.#deleted += n
  }

  push(run: Run): void {
    if (isInsert(run)) this.insert(run.insert, run.attributes)
    else if (isDelete(run)) this.delete(run.delete)
    else this.retain(run.retain, run.attributes)
  }

  /** What was written, followed by what is left in `rest`; ends the writing. */
  runs(rest?: RunReader): Run[] {
    // The first run of the rest may join with what was written, and so may those around a delete; no other can.
    if (rest)
      do rest.moveTo(this)
      while (rest.kind !== 'end' && this.#deleted > 0)
    this.#endRun()
    this.#endDelete()
    rest?.copyTo(this.#runs)
    const last = this.#runs.at(-1)
    if (last && 'retain' in last && !last.attributes) this.#runs.pop()
    return this.#runs
  }

  #endRun(): void {
    if (this.#kind === 'insert') this.#runs.push(withAttributes({ insert: this.#content }, this.#attributes))
    else if (this.#kind === 'retain')
      this.#runs.push(withAttributes({ retain: this.#count }, this.#attributes))
    this.#kind = 'none'
  }

  #endDelete(): void {
    if (this.#deleted > 0) this.#runs.push({ delete: this.#deleted })
    this.#deleted = 0
  }
}

/** Reads runs piece by piece; behind the end there is room without limit. */
export class RunReader {
  kind: 'insert' | 'retain' | 'delete' | 'end' = 'end'
  /** Units of the present run that were not taken yet. */
  rest = Number.POSITIVE_INFINITY
  attributes: Attributes | undefined
  readonly #runs: readonly Run[]
  #index = 0
  #content: Content = ''

  constructor(runs: readonly Run[]) {
    this.#runs = runs
    this.#open()
  }

  /** Walks over `n` units, at most the rest of the present run. */
  take(n: number): void {
    this.rest -= n
    if (this.rest > 0) return
    this.#index++
    this.#open()
  }

  /** The next `n` units of the present insert. */
  takeContent(n: number): Content {
    let content = this.#content
    if (typeof content === 'string' && n < content.length) {
      const from = content.length - this.rest
      content = content.slice(from, from + n)
    }
    this.take(n)
    return content
  }

  /** The rest of the present run; nothing behind the end. */
  moveTo(out: RunWriter): void {
    const { kind, rest, attributes } = this
    if (kind === 'end') return
    if (kind === 'insert') {
      out.insert(this.takeContent(rest), attributes)
      return
    }
    if (kind === 'retain') out.retain(rest, attributes)
    else if (kind === 'delete') out.delete(rest)
    this.take(rest)
  }

  /** The runs that are left, as they are; the present one must be untouched. */
  copyTo(runs: Run[]): void {
    for (let i = this.#index; i < this.#runs.length; i++) runs.push(this.#runs[i]!)
  }

  /** Takes the whole inserts that `by`, at its start, only walks over: they stay as they are. */
  skipKept(by: RunReader): Run[] {
    if (by.kind !== 'retain' || by.attributes) return []
    let kept = 0
    let index = 0
    for (; index < this.#runs.length; index++) {
      const run = this.#runs[index]!
      if (!isInsert(run) || kept + lengthOf(run) > by.rest) break
      kept += lengthOf(run)
    }
    if (kept > 0) by.take(kept)
    this.#index = index
    this.#open()
    return this.#runs.slice(0, index)
  }

  #open(): void {
    const run = this.#runs[this.#index]
    this.attributes = undefined
    if (run === undefined) {
      this.kind = 'end'
      this.rest = Number.POSITIVE_INFINITY
    } else if (isDelete(run)) {
      this.kind = 'delete'
      this.rest = run.delete
    } else {
      this.attributes = run.attributes
      this.rest = lengthOf(run)
      this.kind = isInsert(run) ? 'insert' : 'retain'
      if (isInsert(run)) this.#content = run.insert
    }
  }
}

const withAttributes = <T extends Insert | Retain>(run: T, attributes: Attributes | undefined): T =>
  attributes ? { ...run, attributes } : run
