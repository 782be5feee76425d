/** The documents that there are, from the two places that know of some. Pure. */

import { isTypeName } from '../../types/index.ts'
import type { KnownDoc } from '../api.ts'
import type { Address } from './address.ts'

export interface Entry extends Address {
  /** Last change on the server, or last use on this device (ms since 1970). */
  readonly at: number
  readonly here: boolean
  readonly unsent: number
  readonly held: number
}

/** A document as the server lists it. */
export interface Listed {
  readonly id: string
  readonly type: string
  readonly at: number
}

/** One entry for each document, last used first. */
export function merge(collection: string, listed: readonly Listed[], known: readonly KnownDoc[]): Entry[] {
  const entries = new Map<string, Entry>()
  for (const { id, type, at } of listed) {
    if (isTypeName(type)) entries.set(id, { collection, id, type, at, here: false, unsent: 0, held: 0 })
  }
  for (const { type, kept: _, ...doc } of known) {
    if (doc.collection !== collection || !isTypeName(type)) continue
    const at = Math.max(doc.at, entries.get(doc.id)?.at ?? 0)
    entries.set(doc.id, { ...doc, type, at, here: true })
  }
  return [...entries.values()].sort((a, b) => b.at - a.at)
}
