/**
 * The type `rich`: a document and an op are both {ops: runs}, as Quill and rich-text write them (see runs.ts).
 * All lengths and cursors are UTF-16 units; an embed is one unit. A cursor is an index, or Quill's {index, length}.
 *
 * The library takes any lengths and stores a broken document for them; `check` refuses what does not fit. It also refuses
 * a cut through a surrogate pair, and formats or embeds that are not on the list of formats.ts.
 */

import { canonical, compose, diff, equalRuns, invert, plainText, transform, transformIndex } from './delta.ts'
import { checkAttributes, checkEmbed } from './formats.ts'
import { splitsPair } from './points.ts'
import { type Insert, isDelete, isInsert, lengthOf, type Run } from './runs.ts'
import type { Extent, Fault, Type } from './type.ts'

export interface RichOp {
  readonly ops: readonly Run[]
}
export interface RichDoc {
  readonly ops: readonly Insert[]
}
export type RichCursor = number | { readonly index: number; readonly length: number }

export const rich: Type<RichDoc, RichOp> = {
  name: 'rich',
  uri: 'http://sharejs.org/types/rich-text/v1',
  create(initial = { ops: [] }) {
    const data = runsIn(initial)
    const fault = checkData(data)
    if (fault) throw new Error(fault.message)
    return { ops: canonical((data as RichDoc).ops) as Insert[] }
  },
  checkData: data => checkData(runsIn(data)),
  checkOp,
  check: (op, doc) => checkOp(op) ?? checkFit((op as RichOp).ops, doc.ops),
  apply: (doc, op) => ({ ops: compose(doc.ops, op.ops) as Insert[] }),
  compose: (a, b) => ({ ops: compose(a.ops, b.ops) }),
  transform: (op, other, side) => ({ ops: transform(op.ops, other.ops, side) }),
  yields: 'left',
  invert: (op, doc) => ({ ops: invert(op.ops, doc.ops) }),
  diff: (a, b) => ({ ops: a === b ? [] : diff(a.ops, b.ops) }),
  isNoop: op => op.ops.every(run => 'retain' in run && !run.attributes),
  equalDocs: equal,
  equalOps: equal,
  transformCursor(cursor, op, own) {
    if (cursor === null || cursor === undefined) return null
    if (typeof cursor === 'number') return transformIndex(cursor, op.ops, own)
    const { index, length } = cursor as { index: number; length: number }
    const start = transformIndex(index, op.ops, own)
    return { ...cursor, index: start, length: transformIndex(index + length, op.ops, own) - start }
  },
  textOf: value => ('doc' in value ? plainText(value.doc.ops, PICTURE) : insertedText(value.op.ops)),
  extent: value => extentOf('doc' in value ? value.doc.ops : value.op.ops),
}

/** Stands for an embed in copied text: OBJECT REPLACEMENT CHARACTER. */
const PICTURE = '\ufffc'

function equal(a: RichOp, b: RichOp): boolean {
  return equalRuns(a.ops, b.ops) || equalRuns(canonical(a.ops), canonical(b.ops))
}

/** Inserts at different places stand on lines of their own. */
function insertedText(ops: readonly Run[]): string {
  let out = ''
  let apart = false
  for (const run of ops) {
    if (isInsert(run)) {
      out += (apart ? '\n' : '') + plainText([run], PICTURE)
      apart = false
    } else if ('retain' in run) apart = out !== ''
  }
  return out
}

/** Formats are not counted. */
function extentOf(ops: readonly Run[]): Extent {
  let added = 0
  let removed = 0
  for (const run of ops) {
    if (isInsert(run)) added += lengthOf(run)
    else if (isDelete(run)) removed += run.delete
  }
  return { added, removed }
}

/** Stock clients create with a bare list of runs, too. */
const runsIn = (data: unknown): unknown => (Array.isArray(data) ? { ops: data } : data)

function checkData(data: unknown): Fault | null {
  const fault = checkOp(data)
  if (fault) return { code: 'DATA_MALFORMED', message: fault.message }
  if ((data as RichOp).ops.every(isInsert)) return null
  return { code: 'DATA_MALFORMED', message: 'A rich document is a list of inserts only.' }
}

function checkOp(op: unknown): Fault | null {
  if (!isPlainObject(op) || Object.keys(op).join() !== 'ops' || !Array.isArray(op.ops)) {
    return malformed('A rich op is {ops: [...]}.')
  }
  for (const run of op.ops) {
    const fault = checkRun(run)
    if (fault) return fault
  }
  return null
}

function checkRun(run: unknown): Fault | null {
  if (!isPlainObject(run)) return malformed('A run is an object.')
  const keys = Object.keys(run).filter(key => key !== 'attributes')
  const [verb] = keys
  if (keys.length !== 1 || (verb !== 'insert' && verb !== 'retain' && verb !== 'delete')) {
    return malformed('A run has one of insert, retain and delete, and perhaps attributes.')
  }
  const fault = verb === 'insert' ? checkInsert(run.insert) : checkLength(run[verb])
  if (fault || !('attributes' in run)) return fault
  if (verb === 'delete') return malformed('A delete has no attributes.')
  return checkAttributes(run.attributes, verb === 'insert')
}

function checkInsert(insert: unknown): Fault | null {
  if (typeof insert !== 'string') return checkEmbed(insert)
  if (insert === '') return malformed('An insert must not be empty.')
  return insert.isWellFormed() ? null : malformed('Half of a surrogate pair stands alone.')
}

const checkLength = (length: unknown): Fault | null =>
  Number.isSafeInteger(length) && (length as number) > 0
    ? null
    : malformed('A length is a safe integer above 0.')

/** Whether every length ends inside the document, and at no place between the halves of a pair. */
function checkFit(op: readonly Run[], doc: readonly Insert[]): Fault | null {
  let index = 0
  /** Units of `doc[index]` that the op has walked over. */
  let used = 0
  for (const run of op) {
    if (isInsert(run)) continue
    used += lengthOf(run)
    while (index < doc.length && used >= lengthOf(doc[index]!)) used -= lengthOf(doc[index++]!)
    const here = doc[index]?.insert
    if (here === undefined && used > 0) return misfit('The op reaches beyond the end of the text.')
    if (typeof here === 'string' && splitsPair(here, used))
      return misfit('The op cuts through a surrogate pair.')
  }
  return null
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const malformed = (message: string): Fault => ({ code: 'OP_MALFORMED', message })
const misfit = (message: string): Fault => ({ code: 'OP_MISFIT', message })
