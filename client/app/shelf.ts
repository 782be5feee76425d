/** The documents that there are: those the server lists, and those on this device, which open without it. */

import { isTypeName } from '../../types/index.ts'
import type { KnownDoc } from '../api.ts'
import { openClient } from '../widget/clients.ts'
import { serverOf } from '../widget/target.ts'
import type { Address } from './address.ts'

/** The collection that this page keeps its documents in. */
export const collection = 'notes'

/** A server that has not answered in this time (ms) is treated as away. */
const patienceMs = 4_000

export interface Entry extends Address {
  /** Last change on the server, or last use on this device (ms since 1970). */
  readonly at: number
  readonly here: boolean
  readonly unsent: number
  readonly held: number
}

export interface Shelf {
  readonly entries: readonly Entry[]
  /** Why the server's part is missing, for a person; null when it is there. */
  readonly away: string | null
}

interface Listed {
  readonly id: string
  readonly type: string
  readonly at: number
}

export const server = serverOf('/') ?? location.origin

export async function loadShelf(): Promise<Shelf> {
  const [listed, known] = await Promise.allSettled([listedDocs(), knownDocs()])
  const away = listed.status === 'rejected' ? (listed.reason as Error).message : null
  return {
    away,
    entries: merge(
      listed.status === 'fulfilled' ? listed.value : [],
      known.status === 'fulfilled' ? known.value : [],
    ),
  }
}

/** One entry for each document, last used first. */
export function merge(listed: readonly Listed[], known: readonly KnownDoc[]): Entry[] {
  const entries = new Map<string, Entry>()
  for (const { id, type, at } of listed) {
    if (isTypeName(type)) entries.set(id, { collection, id, type, at, here: false, unsent: 0, held: 0 })
  }
  for (const { collection: in_, id, type, unsent, held, at } of known) {
    if (in_ !== collection || !isTypeName(type)) continue
    const at_ = Math.max(at, entries.get(id)?.at ?? 0)
    entries.set(id, { collection, id, type, at: at_, here: true, unsent, held })
  }
  return [...entries.values()].sort((a, b) => b.at - a.at)
}

async function listedDocs(): Promise<readonly Listed[]> {
  const response = await fetch(`/v1/docs/${collection}`, { signal: AbortSignal.timeout(patienceMs) }).catch(
    () => {
      throw new Error('The server cannot be reached.')
    },
  )
  if (!response.ok) throw new Error(`The server could not list its documents (${response.status}).`)
  return ((await response.json()) as { docs: Listed[] }).docs
}

/** The log belongs to one client at a time, so it is read and let go: a document may be open in another tab. */
async function knownDocs(): Promise<readonly KnownDoc[]> {
  const client = await openClient(server)
  try {
    return await client.known()
  } finally {
    await client.close()
  }
}
