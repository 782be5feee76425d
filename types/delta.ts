/**
 * Deltas: rich text and the ops on it, as lists of runs in the form of quill-delta. Lengths are UTF-16 units.
 *
 *   run      = {insert: "text" | embed, attributes?}    an embed is one unit long
 *            | {retain: n, attributes?}                 keeps n units, and formats them
 *            | {delete: n}
 *   document = insert*                                  op = run*, what is left of the document stays
 *
 * Canonical form: neighbours with equal attributes are joined, an insert stands before a delete at the same place, the
 * last run is not a bare retain. What these functions write is canonical where what they read was.
 *
 * They give what quill-delta gives (the oracle in the tests), without its deep clones and comparisons: runs are
 * never changed, so they are shared; only a run that gets cut or joined is made anew.
 */

import {
  type Attributes,
  composeAttributes,
  diffAttributes,
  equalAttributes,
  invertAttributes,
  transformAttributes,
} from './attributes.ts'
import { difference } from './difference.ts'
import type { Side } from './type.ts'

/** One key, the kind; its value is what the kind says (formats.ts lists the kinds). */
export type Embed = Readonly<Record<string, unknown>>

export type Insert = { readonly insert: string | Embed; readonly attributes?: Attributes }
export type Retain = { readonly retain: number; readonly attributes?: Attributes }
export type Delete = { readonly delete: number }
export type Run = Insert | Retain | Delete

/** Stands for an embed where a document is compared as a string: one unit that is not typed. */
const EMBED = '\0'

export const isInsert = (run: Run): run is Insert => 'insert' in run
export const isDelete = (run: Run): run is Delete => 'delete' in run

/** UTF-16 units of a run, 1 for an embed. */
export function lengthOf(run: Run): number {
  if (isInsert(run)) return typeof run.insert === 'string' ? run.insert.length : 1
  return isDelete(run) ? run.delete : run.retain
}

/** The same in canonical form. */
export function canonical(runs: readonly Run[]): Run[] {
  const out = new DeltaWriter()
  for (const run of runs) out.push(run)
  return out.runs()
}

/** Law: `compose(d, compose(a, b)) = compose(compose(d, a), b)`; applying an op to a document is composing, too. */
export function compose(a: readonly Run[], b: readonly Run[]): Run[] {
  const first = new Reader(a)
  const second = new Reader(b)
  const out = new DeltaWriter(first.skipKept(second))
  while (second.run) {
    if (isInsert(second.run)) out.push(second.next())
    else if (first.run && isDelete(first.run)) out.push(first.next())
    else {
      const n = Math.min(first.rest, second.rest)
      const was = first.take(n)
      const does = second.take(n)!
      if (!isDelete(does)) out.push(formatted(was, does as Retain, n))
      else if (was === null || !isInsert(was)) out.push(does)
    }
  }
  return out.runs(first)
}

function formatted(was: Run | null, does: Retain, n: number): Run {
  if (was === null) return does
  if (does.attributes === undefined) return was
  const base = was as Insert | Retain
  const attributes = composeAttributes(base.attributes, does.attributes, !isInsert(was))
  const run = isInsert(was) ? { insert: was.insert } : { retain: n }
  return attributes ? { ...run, attributes } : run
}

/**
 * Law TP1, see `Type`. A tie is broken as the library does: on the `left`, what `other` inserted comes first and the
 * formats that it set stay.
 */
export function transform(op: readonly Run[], other: readonly Run[], side: Side): Run[] {
  const otherFirst = side === 'left'
  const mine = new Reader(op)
  const theirs = new Reader(other)
  const out = new DeltaWriter()
  while (mine.run && theirs.run) {
    if (isInsert(theirs.run) && (otherFirst || !isInsert(mine.run)))
      out.push({ retain: lengthOf(theirs.next()) })
    else if (isInsert(mine.run)) out.push(mine.next())
    else {
      const n = Math.min(mine.rest, theirs.rest)
      const does = mine.take(n)!
      const did = theirs.take(n)!
      if (isDelete(did)) continue
      out.push(isDelete(does) ? does : unformatted(does as Retain, did as Retain, otherFirst))
    }
  }
  return out.runs(mine)
}

function unformatted(does: Retain, did: Retain, otherWins: boolean): Retain {
  const attributes = transformAttributes(does.attributes, did.attributes, otherWins)
  if (attributes === does.attributes) return does
  return attributes ? { retain: does.retain, attributes } : { retain: does.retain }
}

/** The op that takes `compose(doc, op)` back to `doc`. */
export function invert(op: readonly Run[], doc: readonly Run[]): Run[] {
  const base = new Reader(doc)
  const out = new DeltaWriter()
  for (const run of op) {
    if (isInsert(run)) {
      out.push({ delete: lengthOf(run) })
      continue
    }
    for (let left = lengthOf(run); left > 0; ) {
      const n = Math.min(left, base.rest)
      const was = base.take(n) as Insert | null
      if (was === null) throw new Error('The op reaches beyond the end of the text.')
      left -= n
      if (isDelete(run)) out.push(was)
      else out.push(retain(n, run.attributes && invertAttributes(run.attributes, was.attributes)))
    }
  }
  return out.runs()
}

/** An op that takes document `a` to document `b`. */
export function diff(a: readonly Run[], b: readonly Run[]): Run[] {
  const before = new Reader(a)
  const after = new Reader(b)
  const out = new DeltaWriter()
  for (const [kind, part] of difference(plainText(a), plainText(b))) {
    for (let left = part.length; left > 0; ) {
      const n = Math.min(left, kind === 'add' ? left : before.rest, kind === 'drop' ? left : after.rest)
      const was = kind === 'add' ? null : (before.take(n) as Insert)
      const is = kind === 'drop' ? null : (after.take(n) as Insert)
      if (was && is && equalInserts(was, is))
        out.push(retain(n, diffAttributes(was.attributes, is.attributes)))
      else {
        if (is) out.push(is)
        if (was) out.push({ delete: n })
      }
      left -= n
    }
  }
  return out.runs()
}

/** Text of a document, each embed as one unit. */
export const plainText = (doc: readonly Run[], embed: string = EMBED): string =>
  doc.map(run => (isInsert(run) ? (typeof run.insert === 'string' ? run.insert : embed) : '')).join('')

/** Where unit index `index` of the document goes; at an insert it stays before it, or goes after it when `own`. */
export function transformIndex(index: number, op: readonly Run[], own: boolean): number {
  let at = 0
  let moved = index
  for (const run of op) {
    if (at > moved) break
    const n = lengthOf(run)
    if (isDelete(run)) {
      moved -= Math.min(n, moved - at)
      continue
    }
    if (isInsert(run) && (at < moved || own)) moved += n
    at += n
  }
  return moved
}

export function equalRuns(a: readonly Run[], b: readonly Run[]): boolean {
  return a === b || (a.length === b.length && a.every((run, i) => equalRun(run, b[i]!)))
}

function equalRun(a: Run, b: Run): boolean {
  if (a === b) return true
  if (isDelete(a) || isDelete(b)) return isDelete(a) && isDelete(b) && a.delete === b.delete
  if (!equalAttributes(a.attributes, b.attributes)) return false
  return isInsert(a) ? isInsert(b) && equalInserts(a, b) : !isInsert(b) && a.retain === b.retain
}

function equalInserts(a: Insert, b: Insert): boolean {
  if (typeof a.insert === 'string' || typeof b.insert === 'string') return a.insert === b.insert
  const [kind] = Object.keys(a.insert)
  return kind !== undefined && kind === Object.keys(b.insert)[0] && a.insert[kind] === b.insert[kind]
}

const retain = (n: number, attributes: Attributes | undefined): Retain =>
  attributes ? { retain: n, attributes } : { retain: n }

/** Writes runs in canonical form. */
class DeltaWriter {
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
  runs(rest?: Reader): Run[] {
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
class Reader {
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
  skipKept(by: Reader): Run[] {
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
