/** Plain JSON from outside: what may stand in a document. Walks without recursion, so that no depth can hurt it. */

/** So many arrays and objects may stand inside each other, in a document and in an op. */
export const DEPTH_LIMIT = 64

export type Finding = 'deep' | 'key' | 'value'

/**
 * What is wrong with `data` as JSON, or null: `deep` nests more than `limit` levels; `key` a key that every object
 * inherits (`__proto__`, `constructor`, `toString`, ...), which code mistakes for data; `value` not JSON, or half a
 * surrogate pair.
 */
export function findFlaw(data: unknown, limit = DEPTH_LIMIT): Finding | null {
  let level: unknown[] = [data]
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = []
    for (const value of level) {
      if (typeof value !== 'object' || value === null) {
        if (!isScalar(value)) return 'value'
        continue
      }
      if (depth >= limit) return 'deep'
      const flaw = Array.isArray(value) ? addItems(value, next) : addEntries(value, next)
      if (flaw) return flaw
    }
    level = next
  }
  return null
}

/** Whether `key` may name an entry of an object. */
export const isSafeKey = (key: string): boolean =>
  !(key in Object.prototype) && key !== 'prototype' && key.isWellFormed()

function isScalar(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  return value === null || typeof value === 'boolean' || Number.isFinite(value)
}

function addItems(list: readonly unknown[], next: unknown[]): null {
  for (const item of list) next.push(item)
  return null
}

function addEntries(value: object, next: unknown[]): Finding | null {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return 'value'
  for (const [key, item] of Object.entries(value)) {
    if (!isSafeKey(key)) return 'key'
    next.push(item)
  }
  return null
}

/** Deep equality of JSON values; the order of keys does not count. */
export function equalData(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, i) => equalData(item, b[i]))
    )
  }
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every(key => Object.hasOwn(b, key) && equalData(entry(a, key), entry(b, key)))
  )
}

const entry = (value: object, key: string): unknown => (value as Record<string, unknown>)[key]
