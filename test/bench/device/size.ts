/**
 * What a record weighs in IndexedDB, by one rule for all systems: the value as V8 serialises it (browsers store a
 * structured clone in such a form: a tag, a length, one byte a character of Latin-1 and two of other texts) and its key
 * as Chromium encodes keys. What a database puts around a record of its own accord is not counted.
 */

const HEADER = 2
const DOUBLE = 8

/** Bytes of the clone of a value that is made of JSON, undefined, binary data, dates, maps and sets. */
export const cloneSize = (value: unknown): number => HEADER + sizeOf(value)

function sizeOf(value: unknown): number {
  switch (typeof value) {
    case 'undefined':
    case 'boolean':
      return 1
    case 'number':
      return numberSize(value)
    case 'string':
      return stringSize(value)
    case 'object':
      return value === null ? 1 : objectSize(value)
    default:
      throw new Error(`a ${typeof value} has no clone that this knows the size of`)
  }
}

function objectSize(value: object): number {
  if (Array.isArray(value)) return 3 + 2 * varint(value.length) + sum(value)
  if (value instanceof ArrayBuffer) return 1 + varint(value.byteLength) + value.byteLength
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value
    return objectSize(buffer) + 3 + varint(byteOffset) + varint(byteLength)
  }
  if (value instanceof Date) return 1 + DOUBLE
  if (value instanceof Map) return 2 + varint(2 * value.size) + sum([...value].flat())
  if (value instanceof Set) return 2 + varint(value.size) + sum([...value])
  const entries = Object.entries(value)
  return 2 + varint(entries.length) + sum(entries.flat())
}

const sum = (values: readonly unknown[]) => values.reduce<number>((bytes, value) => bytes + sizeOf(value), 0)

function numberSize(value: number): number {
  const isSmall = Number.isInteger(value) && !Object.is(value, -0) && value >= -(2 ** 30) && value < 2 ** 30
  return isSmall ? 1 + varint(value < 0 ? -2 * value - 1 : 2 * value) : 1 + DOUBLE
}

function stringSize(text: string): number {
  const bytes = isLatin(text) ? text.length : 2 * text.length
  return 1 + varint(bytes) + bytes
}

const isLatin = (text: string) => !/[^\0-\xff]/.test(text)

/** Bytes of a whole number from 0, seven bits in each. */
const varint = (value: number) => Math.max(1, Math.ceil(Math.log2(value + 1) / 7))

/** Bytes of a key; a text takes two for each UTF-16 unit. */
export function keySize(key: IDBValidKey): number {
  if (typeof key === 'string') return 1 + varint(key.length) + 2 * key.length
  if (Array.isArray(key))
    return 1 + varint(key.length) + key.reduce<number>((bytes, part) => bytes + keySize(part), 0)
  if (key instanceof ArrayBuffer || ArrayBuffer.isView(key))
    return 1 + varint(key.byteLength) + key.byteLength
  return 1 + DOUBLE
}
