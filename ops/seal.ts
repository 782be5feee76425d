/**
 * The seal of an op: 64 bits of hash over the op as it was when it got its name, and how many edits it was composed of.
 * It tells the same op, sent again in whatever rebased form, from another one that has its name by mistake: one that a copy
 * of the device sent before the edits that were added here, or that holds some which this log has lost. It is no defence
 * against anybody. Pure.
 *
 * FNV-1a (Fowler, Noll, Vo) over UTF-16 units, in two lanes of 32 bits with primes and starts of their own.
 */

import type { Change } from './change.ts'

const LANES = [
  { start: 0x811c9dc5, prime: 0x01000193 },
  { start: 0x9e3779b9, prime: 0x85ebca6b },
] as const

const HASH_DIGITS = 16

/** Hexadecimal digits: 16 of the hash, and those of the number of edits. O(length of the change as JSON). */
export const sealOf = (change: Change, edits: number): string => hashOf(change) + edits.toString(16)

/** How many edits the op had; null for a seal from before it said so. */
export function editsIn(seal: string): number | null {
  const digits = seal.slice(HASH_DIGITS)
  return digits === '' ? null : Number.parseInt(digits, 16)
}

function hashOf(change: Change): string {
  const text = JSON.stringify(change)
  return LANES.map(({ start, prime }) => {
    let lane: number = start
    for (let i = 0; i < text.length; i++) lane = Math.imul(lane ^ text.charCodeAt(i), prime)
    return (lane >>> 0).toString(16).padStart(8, '0')
  }).join('')
}
