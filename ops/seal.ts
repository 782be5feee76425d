/**
 * The seal of an op: 64 bits of hash over the op as it was when it got its name. It tells the same op, sent again in
 * whatever rebased form, from another one that has its name by mistake; it is no defence against anybody. Pure.
 *
 * FNV-1a (Fowler, Noll, Vo) over UTF-16 units, in two lanes of 32 bits with primes and starts of their own.
 */

import type { Change } from './change.ts'

const LANES = [
  { start: 0x811c9dc5, prime: 0x01000193 },
  { start: 0x9e3779b9, prime: 0x85ebca6b },
] as const

/** 16 hexadecimal digits. O(length of the change as JSON). */
export function sealOf(change: Change): string {
  const text = JSON.stringify(change)
  return LANES.map(({ start, prime }) => {
    let lane: number = start
    for (let i = 0; i < text.length; i++) lane = Math.imul(lane ^ text.charCodeAt(i), prime)
    return (lane >>> 0).toString(16).padStart(8, '0')
  }).join('')
}
