/** The documents that there are: those the server lists, and those on this device, which open without it. */

import type { KnownDoc } from '../api.ts'
import { sharedClient } from '../widget/clients.ts'
import { serverOf } from '../widget/target.ts'
import { type Entry, type Listed, merge } from './entries.ts'

/** The collection that this page keeps its documents in. */
export const collection = 'notes'

/** A server that has not answered in this time (ms) is treated as away. */
const patienceMs = 4_000

export interface Shelf {
  readonly entries: readonly Entry[]
  /** Why the server's part is missing, for a person; null when it is there. */
  readonly away: string | null
}

export const server = serverOf('/') ?? location.origin

export async function loadShelf(): Promise<Shelf> {
  const [listed, known] = await Promise.allSettled([listedDocs(), knownDocs()])
  const away = listed.status === 'rejected' ? (listed.reason as Error).message : null
  return {
    away,
    entries: merge(
      collection,
      listed.status === 'fulfilled' ? listed.value : [],
      known.status === 'fulfilled' ? known.value : [],
    ),
  }
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

const knownDocs = (): Promise<readonly KnownDoc[]> => sharedClient(server).known()
