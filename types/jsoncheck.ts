/**
 * Whether a value is an op of the type `json`. Our own walk comes first and uses no recursion, because the library's check
 * overflows the stack on an op of 12 kB that nests 6,000 deep; what passes it is shallow enough for the library.
 */

import { type } from 'ot-json1/dist/json1.release.js'
import { DEPTH_LIMIT, type Finding, findFlaw, isSafeKey } from './data.ts'
import { text } from './text.ts'
import type { Fault, FaultCode } from './type.ts'

/** A list of the op, and the number of keys that lead to it. */
type Place = readonly [list: readonly unknown[], depth: number]

export function checkJsonOp(op: unknown): Fault | null {
  if (op === null) return null
  if (!Array.isArray(op)) return fault('OP_MALFORMED', 'A json op is null or a list.')
  const found = walk(op)
  if (found) return found
  try {
    type.checkValidOp(op)
    return null
  } catch {
    return fault('OP_MALFORMED', 'The op is not in the form of ot-json1.')
  }
}

function walk(op: readonly unknown[]): Fault | null {
  let level: Place[] = [[op, 0]]
  while (level.length > 0) {
    const next: Place[] = []
    for (const place of level) {
      const found = checkList(place, next)
      if (found) return found
    }
    level = next
  }
  return null
}

function checkList([list, above]: Place, next: Place[]): Fault | null {
  let depth = above
  for (const part of list) {
    if (Array.isArray(part)) {
      if (typeof part[0] === 'object')
        return fault('OP_MALFORMED', 'A nested list begins with a key or an index.')
      next.push([part, depth])
    } else if (typeof part === 'object' && part !== null) {
      const found = checkEdit(part, depth)
      if (found) return found
    } else {
      if (++depth > DEPTH_LIMIT) return flawed('deep')
      if (typeof part === 'string' ? !isSafeKey(part) : !isIndex(part)) return flawed('key')
    }
  }
  return null
}

function checkEdit(edit: object, depth: number): Fault | null {
  for (const [verb, value] of Object.entries(edit)) {
    const found = checkVerb(verb, value, depth)
    if (found) return found
  }
  return null
}

function checkVerb(verb: string, value: unknown, depth: number): Fault | null {
  if (verb === 'p' || verb === 'd')
    return isIndex(value) ? null : fault('OP_MALFORMED', 'A slot is a whole number.')
  if (verb === 'es') return text.checkOp(value)
  if (verb === 'ena')
    return Number.isSafeInteger(value) ? null : fault('OP_MALFORMED', 'ena adds a safe integer.')
  if (verb !== 'i' && verb !== 'r') return fault('OP_MALFORMED', 'An edit has i, r, p, d, es and ena only.')
  const flaw = findFlaw(value, DEPTH_LIMIT - depth)
  return flaw && flawed(flaw)
}

/** ot-json1 counts with 31 bits. */
const isIndex = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value === (value | 0)

const flawed = (flaw: Finding): Fault =>
  ({
    deep: fault('OP_TOO_DEEP', `An op and what it inserts may nest ${DEPTH_LIMIT} levels.`),
    key: fault('OP_MALFORMED', 'A key is one that every object has, or not a string or index.'),
    value: fault('OP_MALFORMED', 'An inserted value is not JSON.'),
  })[flaw]

function fault(code: FaultCode, message: string): Fault {
  return { code, message }
}
