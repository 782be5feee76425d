/**
 * An op that takes one json document to another: objects by key, lists by what their ends have in common and then item
 * by item, strings by their text. Small rather than smallest: a moved item is removed and inserted.
 */

import { equalData } from './data.ts'
import type { JsonOp, JsonPart, JsonValue } from './json.ts'
import { text } from './text.ts'

type Entries = { readonly [key: string]: JsonValue }

export function diffJson(a: JsonValue, b: JsonValue): JsonOp {
  const parts = change(a, b)
  return parts.length > 0 ? parts : null
}

/** What follows the path to `a` in the op; empty when the two are equal. Depth is limited by `checkData`. */
function change(a: JsonValue, b: JsonValue): JsonPart[] {
  if (a === b) return []
  if (typeof a === 'string' && typeof b === 'string') return [{ es: text.diff(a, b) }]
  if (Array.isArray(a) && Array.isArray(b)) return branch(items(a, b))
  if (isEntries(a) && isEntries(b)) return branch(entries(a, b))
  return [{ r: true, i: b }]
}

function entries(a: Entries, b: Entries): JsonPart[][] {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].sort().map(key => {
    if (!Object.hasOwn(b, key)) return [key, { r: true }]
    if (!Object.hasOwn(a, key)) return [key, { i: b[key]! }]
    return [key, ...change(a[key]!, b[key]!)]
  })
}

function items(a: readonly JsonValue[], b: readonly JsonValue[]): JsonPart[][] {
  const limit = Math.min(a.length, b.length)
  let head = 0
  while (head < limit && equalData(a[head], b[head])) head++
  let tail = 0
  while (tail < limit - head && equalData(a.at(-1 - tail), b.at(-1 - tail))) tail++
  const children: JsonPart[][] = []
  for (let i = head; i < Math.max(a.length, b.length) - tail; i++) {
    if (i >= b.length - tail) children.push([i, { r: true }])
    else if (i >= a.length - tail) children.push([i, { i: b[i]! }])
    else children.push([i, ...change(a[i]!, b[i]!)])
  }
  return children
}

/** Children without a change are left out; a single one continues the path without a list of its own. */
function branch(children: JsonPart[][]): JsonPart[] {
  const changed = children.filter(child => child.length > 1)
  return changed.length === 1 ? changed[0]! : changed
}

const isEntries = (value: JsonValue): value is Entries =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
