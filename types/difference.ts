/**
 * What changed between two strings, as parts to keep, drop and add; bounded in time, never parting a surrogate pair.
 * The search itself is Myers's, from fast-diff.
 */

import search from 'fast-diff'
import { splitsPair } from './points.ts'

export type Part = readonly [kind: 'keep' | 'drop' | 'add', text: string]

/** Above this product of the lengths of what differs (UTF-16 units squared) the difference is one replacement. */
const SEARCH_LIMIT = 1_000_000

/** The parts in order: keep and drop make up `a`, keep and add make up `b`. */
export function difference(a: string, b: string): Part[] {
  const head = commonHead(a, b)
  const tail = commonTail(a, b, head)
  const parts: Part[] = []
  if (head > 0) parts.push(['keep', a.slice(0, head)])
  parts.push(...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)))
  if (tail > 0) parts.push(['keep', a.slice(a.length - tail)])
  return parts
}

function middle(a: string, b: string): Part[] {
  if (a === '' || b === '' || a.length * b.length > SEARCH_LIMIT) {
    const parts: Part[] = []
    if (b !== '') parts.push(['add', b])
    if (a !== '') parts.push(['drop', a])
    return parts
  }
  return search(a, b).map(([kind, text]) => [
    kind === search.EQUAL ? 'keep' : kind === search.INSERT ? 'add' : 'drop',
    text,
  ])
}

function commonHead(a: string, b: string): number {
  const limit = Math.min(a.length, b.length)
  let n = 0
  while (n < limit && a.charCodeAt(n) === b.charCodeAt(n)) n++
  return splitsPair(a, n) || splitsPair(b, n) ? n - 1 : n
}

function commonTail(a: string, b: string, head: number): number {
  const limit = Math.min(a.length, b.length) - head
  let n = 0
  while (n < limit && a.charCodeAt(a.length - 1 - n) === b.charCodeAt(b.length - 1 - n)) n++
  return splitsPair(a, a.length - n) || splitsPair(b, b.length - n) ? n - 1 : n
}
