/**
 * The algebra of rich text: compose, transform, invert and diff of lists of runs (see runs.ts). They give what quill-delta
 * gives (the oracle in the tests), without its deep clones and comparisons.
 *
 * What they write is canonical where what they read was.
 */

import {
  composeAttributes,
  diffAttributes,
  equalAttributes,
  invertAttributes,
  transformAttributes,
} from './attributes.ts'
import { difference } from './difference.ts'
import {
  type Insert,
  isDelete,
  isInsert,
  lengthOf,
  type Retain,
  type Run,
  RunReader,
  RunWriter,
  retain,
} from './runs.ts'
import type { Side } from './type.ts'

/** Stands for an embed where a document is compared as a string: one unit that is not typed. */
const EMBED = '\0'

/** The same in canonical form. */
export function canonical(runs: readonly Run[]): Run[] {
  const out = new RunWriter()
  for (const run of runs) out.push(run)
  return out.runs()
}

/** Law: `compose(d, compose(a, b)) = compose(compose(d, a), b)`; applying an op to a document is composing, too. */
export function compose(a: readonly Run[], b: readonly Run[]): Run[] {
  const first = new RunReader(a)
  const second = new RunReader(b)
  const out = new RunWriter(first.skipKept(second))
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
  const mine = new RunReader(op)
  const theirs = new RunReader(other)
  const out = new RunWriter()
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
  const base = new RunReader(doc)
  const out = new RunWriter()
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
  const before = new RunReader(a)
  const after = new RunReader(b)
  const out = new RunWriter()
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
