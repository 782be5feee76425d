/**
 * The type `json`: a document is a JSON value, an op is ot-json1's, in which strings are edited by `es` (the ops of the
 * type `text`) and numbers by `ena` (adding). A cursor is a path, or null when what it pointed to is gone.
 *
 * Conflicts are resolved, never thrown: `transform` is the library's `transformNoConflict`, and TP1 holds for it, moves
 * included (150,000 random cases without a failure). What gives way, on every device alike:
 *   - two values for one key or place, two moves of one thing: the `left` one stays
 *   - a write into, or a move of, what the other removed: the removal stays
 *   - two things moved into each other: both are removed
 */

import type { Doc, JSONOp } from 'ot-json1'
import { type as library } from 'ot-json1/dist/json1.release.js'
import { DEPTH_LIMIT, equalData, findFlaw } from './data.ts'
import { checkJsonOp } from './jsoncheck.ts'
import { diffJson } from './jsondiff.ts'
import { numberEdits, sums, textEdits } from './jsonedits.ts'
import { extentOfJson } from './jsonextent.ts'
import type { Fault, FaultCode, Type } from './type.ts'

library.registerSubtype(textEdits)
library.registerSubtype(numberEdits)

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }
export type JsonOp = readonly JsonPart[] | null
export type JsonPart = number | string | JsonEdit | readonly JsonPart[]
/** Insert, remove, pick, drop, edit text, add to a number. */
export interface JsonEdit {
  readonly i?: unknown
  readonly r?: unknown
  readonly p?: number
  readonly d?: number
  readonly es?: readonly unknown[]
  readonly ena?: number
}

/** A document without initial content, so that a first op can set a key. */
const EMPTY: JsonValue = {}

export const json: Type<JsonValue, JsonOp> = {
  name: 'json',
  uri: 'http://sharejs.org/types/JSONv1',
  create(initial = EMPTY) {
    const fault = checkData(initial)
    if (fault) throw new Error(fault.message)
    return initial as JsonValue
  },
  checkData,
  checkOp: checkJsonOp,
  check: (op, doc) => checkJsonOp(op) ?? tryOn(op as JsonOp, doc),
  apply: (doc, op) => library.apply(doc as Doc, op as JSONOp) as JsonValue,
  compose: (a, b) => library.compose(a as JSONOp, b as JSONOp) as JsonOp,
  transform: (op, other, side) => library.transformNoConflict(op as JSONOp, other as JSONOp, side) as JsonOp,
  yields: 'right',
  invert: (op, doc) => library.invertWithDoc(op as JSONOp, doc as Doc) as JsonOp,
  diff: diffJson,
  isNoop: op => op === null,
  equalDocs: equalData,
  equalOps: equalData,
  transformCursor: (cursor, op) =>
    Array.isArray(cursor) ? library.transformPosition(cursor, op as JSONOp) : null,
  textOf: value => JSON.stringify('doc' in value ? value.doc : value.op),
  extent: value => ('doc' in value ? { added: 1, removed: 0 } : extentOfJson(value.op)),
}

function checkData(data: unknown): Fault | null {
  const flaw = findFlaw(data)
  if (flaw === null) return null
  if (flaw === 'deep') return tooDeep()
  return fault('DATA_MALFORMED', 'A json document is plain JSON, without keys that every object has.')
}

/** The library throws where an op does not fit; what it lets through is looked for in the result. */
function tryOn(op: JsonOp, doc: JsonValue): Fault | null {
  sums.unsafe = false
  let result: unknown
  try {
    result = library.apply(doc as Doc, op as JSONOp)
  } catch {
    return fault('OP_MISFIT', 'The op names something that is not there, or of another kind.')
  }
  if (result === undefined)
    return fault('OP_MISFIT', 'The op takes the whole document away and puts nothing there.')
  if (sums.unsafe)
    return fault('OP_MISFIT', 'ena adds to whole numbers, and the sum must stay a safe integer.')
  // A move can put a deep part into a deep place; an insert cannot, because checkJsonOp counts the path.
  return hasMove(op) && findFlaw(result) ? tooDeep() : null
}

/** Whether `part` of an op picks something up. */
const hasMove = (part: unknown): boolean =>
  Array.isArray(part) ? part.some(hasMove) : typeof part === 'object' && part !== null && 'p' in part

const tooDeep = (): Fault => fault('OP_TOO_DEEP', `A json document may nest ${DEPTH_LIMIT} levels.`)

const fault = (code: FaultCode, message: string): Fault => ({ code, message })
