/**
 * The type `text`: a document is a string, an op is ot-text-unicode's (see textop.ts). All lengths are code points.
 *
 * `apply` cuts the pieces of the document where the op says (pieces.ts), so it costs what the op costs. Only a piece
 * with characters of two units needs any counting.
 */

import { difference, type Part } from './difference.ts'
import { joined, type Piece, PieceReader, PieceWriter, piecesOf } from './pieces.ts'
import { countPoints } from './points.ts'
import { compose, lengthOf, type TextOp, TextWriter, transform, transformPoint } from './textop.ts'
import type { Extent, Fault, Type } from './type.ts'

export type { TextComponent, TextOp } from './textop.ts'

/** A cursor is one index, or [anchor, focus]; both count code points. */
export type TextCursor = number | readonly [anchor: number, focus: number]

export const text: Type<string, TextOp> = {
  name: 'text',
  uri: 'http://sharejs.org/types/text-unicode',
  create(initial = '') {
    const fault = checkData(initial)
    if (fault) throw new Error(fault.message)
    return initial as string
  },
  checkData,
  checkOp,
  check(op, doc) {
    const fault = checkOp(op)
    if (fault) return fault
    let length = 0
    for (const component of op as TextOp) if (typeof component !== 'string') length += lengthOf(component)
    const fits = length <= doc.length && length <= pointsOf(recall(doc))
    return fits ? null : { code: 'OP_MISFIT', message: 'The op reaches beyond the end of the text.' }
  },
  apply,
  compose,
  transform,
  // Two inserts are all that can tie: the right one comes second.
  yields: 'right',
  invert,
  diff,
  isNoop: op => op.length === 0,
  equalDocs: (a, b) => a === b,
  equalOps: (a, b) =>
    a.length === b.length &&
    a.every((component, i) => typeof component === typeof b[i] && equalComponents(component, b[i]!)),
  transformCursor(cursor, op, own) {
    if (cursor === null || cursor === undefined) return null
    if (typeof cursor === 'number') return transformPoint(cursor, op, own)
    return (cursor as readonly number[]).map(point => transformPoint(point, op, own))
  },
  textOf: value => ('doc' in value ? value.doc : insertedText(value.op)),
  extent: value => ('doc' in value ? { added: countPoints(value.doc), removed: 0 } : extentOf(value.op)),
}

/** Inserts at different places stand on lines of their own. */
function insertedText(op: TextOp): string {
  let out = ''
  let apart = false
  for (const component of op) {
    if (typeof component === 'string') {
      out += (apart ? '\n' : '') + component
      apart = false
    } else if (typeof component === 'number') apart = out !== ''
  }
  return out
}

function extentOf(op: TextOp): Extent {
  let added = 0
  let removed = 0
  for (const component of op) {
    if (typeof component === 'string') added += countPoints(component)
    else if (typeof component === 'object') removed += lengthOf(component)
  }
  return { added, removed }
}

function checkData(data: unknown): Fault | null {
  if (typeof data === 'string' && data.isWellFormed()) return null
  return { code: 'DATA_MALFORMED', message: 'A text document is a string of whole Unicode characters.' }
}

function checkOp(op: unknown): Fault | null {
  if (!Array.isArray(op)) return malformed('A text op is a list of components.')
  let last = ''
  for (const component of op) {
    const fault = checkComponent(component)
    if (fault) return fault
    if (typeof component === last) return malformed('Neighbouring components of one kind must be joined.')
    last = typeof component
  }
  return last === 'number' ? malformed('An op must not end with a skip.') : null
}

function checkComponent(component: unknown): Fault | null {
  if (typeof component === 'number' || typeof component === 'string') return checkExtent(component)
  if (typeof component !== 'object' || component === null || Array.isArray(component)) {
    return malformed('A component is a number, a string or {d}.')
  }
  if (Object.keys(component).join() !== 'd') return malformed('A delete has the one key d.')
  return checkExtent((component as { d: unknown }).d)
}

function checkExtent(extent: unknown): Fault | null {
  if (typeof extent === 'number') {
    return Number.isSafeInteger(extent) && extent > 0
      ? null
      : malformed('A length is a safe integer above 0.')
  }
  if (typeof extent !== 'string') return malformed('A delete is a length or the deleted text.')
  if (extent === '') return malformed('A string must not be empty.')
  return extent.isWellFormed() ? null : malformed('Half of a surrogate pair stands alone.')
}

function apply(doc: string, op: TextOp): string {
  const reader = new PieceReader(recall(doc))
  const out = new PieceWriter()
  for (const component of op) {
    if (typeof component === 'string') out.insert(component)
    else if (!reader.take(lengthOf(component), typeof component === 'number' ? out : null))
      throw new Error('The op reaches beyond the end of the text.')
  }
  reader.drain(out)
  const pieces = out.pieces()
  const result = joined(pieces)
  remember(result, pieces)
  return result
}

/** The op that gives the deleted text back; so it needs the document. */
function invert(op: TextOp, doc: string): TextOp {
  const reader = new PieceReader(recall(doc))
  const out = new TextWriter()
  for (const component of op) {
    const n = lengthOf(component)
    if (typeof component === 'string') {
      out.delete(n)
      continue
    }
    const gone = typeof component === 'number' ? null : new PieceWriter()
    reader.take(n, gone)
    if (gone) out.insert(joined(gone.pieces()))
    else out.keep(n)
  }
  return out.op()
}

function diff(a: string, b: string): TextOp {
  const out = new TextWriter()
  for (const [kind, part] of a === b ? ([] as Part[]) : difference(a, b)) {
    if (kind === 'add') out.insert(part)
    else if (kind === 'keep') out.keep(lengthOf(part))
    else out.delete(lengthOf(part))
  }
  return out.op()
}

const equalComponents = (a: TextOp[number], b: TextOp[number]): boolean =>
  typeof a === 'object' ? lengthOf(a) === lengthOf(b) : a === b

/**
 * The documents of the last few ops with their pieces, the newest last. It only saves time, whatever it holds; so one
 * memory can serve all documents of a process. The newest is asked first: it is mostly the one, by identity, while the
 * versions before it may have its length and would be compared with it letter by letter.
 */
const recent: { readonly doc: string; readonly pieces: readonly Piece[] }[] = []
const RECENT = 8

function recall(doc: string): readonly Piece[] {
  const known = recent.findLast(each => each.doc === doc)
  return known ? known.pieces : remember(doc, piecesOf(doc))
}

function remember(doc: string, pieces: readonly Piece[]): readonly Piece[] {
  if (recent.length === RECENT) recent.shift()
  recent.push({ doc, pieces })
  return pieces
}

const pointsOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { points }) => sum + points, 0)

const malformed = (message: string): Fault => ({ code: 'OP_MALFORMED', message })
