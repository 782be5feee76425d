/**
 * How large documents are, without writing a megabyte as JSON for every keystroke. A document is measured once; then
 * each op adds its own size, which is about the most that it can make the document grow. Only when that estimate
 * passes the limit is the document measured again, so the cost stays O(op) but for one measurement in every
 * (limit - size) bytes of ops.
 */

import type { Type } from '../types/type.ts'

/** Documents whose size is remembered; one that was forgotten is measured again. */
const REMEMBERED = 10_000

export interface Sizes {
  /** Whether `op` would take the document past the limit and make it larger than it is. */
  refuses(key: string, type: Type, data: unknown, op: unknown): boolean
  /** Whether a new document is past the limit. */
  refusesNew(key: string, data: unknown): boolean
}

/** `limit` in bytes of JSON in UTF-8. */
export function openSizes(limit: number): Sizes {
  const estimates = new Map<string, number>()

  function remember(key: string, bytes: number): void {
    estimates.delete(key)
    estimates.set(key, bytes)
    if (estimates.size > REMEMBERED) estimates.delete(estimates.keys().next().value as string)
  }

  return {
    refuses(key, type, data, op) {
      const estimate = (estimates.get(key) ?? bytesOf(data)) + bytesOf(op)
      remember(key, estimate)
      if (estimate <= limit) return false
      const before = bytesOf(data)
      const after = bytesOf(type.apply(data, op))
      const refused = after > limit && after > before
      remember(key, refused ? before : after)
      return refused
    },
    refusesNew(key, data) {
      const bytes = bytesOf(data)
      remember(key, bytes)
      return bytes > limit
    },
  }
}

const bytesOf = (value: unknown): number =>
  value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value))
