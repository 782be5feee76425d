/**
 * What changed between two strings, as parts to keep, drop and add; bounded in time, never parting a surrogate pair. The search
 * goes by characters: by UTF-16 units, one of two would be kept by halves, of others, and so not at all.
 */

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

/** Keeps a longest sequence of characters that both have; O(product of the lengths). */
function middle(a: string, b: string): Part[] {
  const parts: Part[] = []
  const put = (kind: Part[0], text: string) => text !== '' && parts.push([kind, text])
  if (a.length * b.length > SEARCH_LIMIT) {
    put('add', b)
    put('drop', a)
    return parts
  }
  const [from, to] = [[...a], [...b]]
  const width = to.length + 1
  /** At `i * width + j`: how many characters both have behind i and j; no more than the root of the limit. */
  const common = new Uint16Array((from.length + 1) * width)
  for (let i = from.length; i-- > 0; )
    for (let j = to.length; j-- > 0; ) {
      const at = i * width + j
      common[at] =
        from[i] === to[j] ? common[at + width + 1]! + 1 : Math.max(common[at + width]!, common[at + 1]!)
    }
  for (let i = 0, j = 0; i < from.length || j < to.length; ) {
    const [drop, add] = [i, j]
    while (from[i] !== to[j]) {
      const at = i * width + j
      if (i < from.length && (j === to.length || common[at + width]! >= common[at + 1]!)) i++
      else j++
    }
    put('drop', from.slice(drop, i).join(''))
    put('add', to.slice(add, j).join(''))
    const keep = i
    for (; i < from.length && from[i] === to[j]; i++) j++
    put('keep', from.slice(keep, i).join(''))
  }
  return parts
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
