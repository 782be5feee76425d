/** Which request a frame is, or an answer answers: the fields that both have in common, by action. */

import { isObject } from './schemas.ts'

export type Address = Readonly<Record<string, unknown>>

/** Clients find the request of an answer by these fields; null when there is no telling which request a frame was. */
export function addressOf(raw: unknown): Address | null {
  if (!isObject(raw) || typeof raw.a !== 'string') return null
  const { a, c, d, src, seq, ch, id, pv, b } = raw
  const doc = typeof c === 'string' && typeof d === 'string'
  switch (a) {
    case 'hs':
    case 'pp':
    case 'h.token':
    case 'h.device':
      return { a }
    case 'op':
      return doc ? { a, c, d, ...scalars({ src, seq }) } : null
    case 'h.catchup':
      return doc ? { a, c, d, from: typeof raw.v === 'number' ? raw.v : null } : null
    case 'f':
    case 's':
    case 'u':
      return doc ? { a, c, d } : null
    case 'bf':
    case 'bs':
    case 'bu':
      return typeof c === 'string' ? { a, c, b: namesIn(b) } : null
    case 'p':
    case 'ps':
    case 'pu':
    case 'pr':
      return typeof ch === 'string' ? { a, ch, ...scalars({ id, seq, pv }) } : null
    case 'nf':
    case 'nt':
    case 'qf':
    case 'qs':
    case 'qu':
      return typeof id === 'number' ? { a, id } : null
    default:
      return null
  }
}

const scalars = (fields: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => typeof value === 'string' || typeof value === 'number'),
  )

function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.filter(each => typeof each === 'string')
  return isObject(value) ? Object.keys(value) : []
}
