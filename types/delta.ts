/**
 * The algebra of rich text: compose, transform, invert and diff of lists of runs (see runs.ts). They give what quill-delta
 * gives (the oracle in the tests), without its deep clones and comparisons.
 *
 * What they write is canonical where what they read was.
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
import { type Content, isDelete, isInsert, lengthOf, type Run, RunReader, RunWriter } from './runs.ts'
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
  while (second.kind !== 'end') {
    if (second.kind === 'insert') second.moveTo(out)
    else if (first.kind === 'delete') first.moveTo(out)
    else {
      const n = Math.min(first.rest, second.rest)
      if (second.kind === 'retain') composeRetain(out, first, second.attributes, n)
      else {
        if (first.kind !== 'insert') out.delete(n)
        first.take(n)
      }
      second.take(n)
    }
  }
  return out.runs(first)
}

/** The next `n` units of `first`, formatted. */
function composeRetain(out: RunWriter, first: RunReader, formats: Attributes | undefined, n: number): void {
  const inserts = first.kind === 'insert'
  const attributes = formats ? composeAttributes(first.attributes, formats, !inserts) : first.attributes
  if (inserts) out.insert(first.takeContent(n), attributes)
  else {
    out.retain(n, attributes)
    first.take(n)
  }
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
  while (mine.kind !== 'end' && theirs.kind !== 'end') {
    if (theirs.kind === 'insert' && (otherFirst || mine.kind !== 'insert')) {
      out.retain(theirs.rest, undefined)
      theirs.take(theirs.rest)
    } else if (mine.kind === 'insert') mine.moveTo(out)
    else {
      const n = Math.min(mine.rest, theirs.rest)
      if (theirs.kind === 'retain') {
        if (mine.kind === 'delete') out.delete(n)
        else out.retain(n, transformAttributes(mine.attributes, theirs.attributes, otherFirst))
      }
      mine.take(n)
      theirs.take(n)
    }
  }
  return out.runs(mine)
}

/** The op that takes `compose(doc, op)` back to `doc`. */
export function invert(op: readonly Run[], doc: readonly Run[]): Run[] {
  const base = new RunReader(doc)
  const out = new RunWriter()
  for (const run of op) {
    if (isInsert(run)) {
      out.delete(lengthOf(run))
      continue
    }
    for (let left = lengthOf(run); left > 0; ) {
      if (base.kind === 'end') throw new Error('The op reaches beyond the end of the text.')
      const n = Math.min(left, base.rest)
      const was = base.attributes
      const content = base.takeContent(n)
      if (isDelete(run)) out.insert(content, was)
      else out.retain(n, run.attributes && invertAttributes(run.attributes, was))
      left -= n
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
      if (kind === 'keep') diffKept(out, before, after, n)
      else if (kind === 'drop') {
        out.delete(n)
        before.take(n)
      } else {
        const { attributes } = after
        out.insert(after.takeContent(n), attributes)
      }
      left -= n
    }
  }
  return out.runs()
}

/** The next `n` units of both look the same; their formats may differ, and an embed may be another one. */
function diffKept(out: RunWriter, before: RunReader, after: RunReader, n: number): void {
  const [was, is] = [before.attributes, after.attributes]
  const content = after.takeContent(n)
  if (equalContents(before.takeContent(n), content)) out.retain(n, diffAttributes(was, is))
  else {
    out.insert(content, is)
    out.delete(n)
  }
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
  return isInsert(a)
    ? isInsert(b) && equalContents(a.insert, b.insert)
    : !isInsert(b) && a.retain === b.retain
}

function equalContents(a: Content, b: Content): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  const [kind] = Object.keys(a)
  return kind !== undefined && kind === Object.keys(b)[0] && a[kind] === b[kind]
}
