/** One round of a system under a load: a new server with an empty store, its documents, its writers. */

import type { Load, Measure, WritersCalls } from '../peers/writers.ts'
import { Peer } from '../process.ts'
import { hookArguments, profiled } from '../profile.ts'
import { percentile } from '../table.ts'
import { textOf } from './edits.ts'
import { type Databases, newFolder, type Place } from './places.ts'
import type { StoreServer, StoreSystem } from './systems.ts'

export interface LoadCase {
  readonly name: string
  readonly writers: number
  /** Each has as many of the writers as any other. */
  readonly documents: number
  /** Characters of a document. */
  readonly size: number
}

export interface RoundPlan extends LoadCase {
  readonly system: StoreSystem
  readonly warmMs: number
  readonly windowMs: number
  /** Prints where the time goes. */
  readonly profile: boolean
  readonly databases: Databases
}

export interface Round {
  readonly commitsPerSecond: number
  /** Median and 99th percentile of the time from sending an edit to its acknowledgement, in ms. */
  readonly p50: number
  readonly p99: number
  /** CPU time of the writers' process, as a share of the time. */
  readonly busy: number
}

/** How long opening the documents and waiting for the last acknowledgements may take, in ms. */
const GRACE_MS = 60_000

/** Throws when the store has another number of edits at the end than were acknowledged. */
export async function measureRound(plan: RoundPlan): Promise<Round> {
  const { system, databases } = plan
  await system.provide?.()
  const place = await (system.keepsIn === 'folder' ? newFolder() : databases.make())
  try {
    return await measureOn(place, plan)
  } finally {
    await place.remove()
  }
}

async function measureOn(place: Place, plan: RoundPlan): Promise<Round> {
  const { system, writers, documents, size, warmMs, windowMs, profile } = plan
  const node = profile ? hookArguments : []
  const server = await system.start({ place, node, writers: writers / documents })
  const client = new Peer<WritersCalls>(system.client, node)
  try {
    const ids = Array.from({ length: documents }, (_, index) => `document-${index}`)
    await Promise.all(ids.map((id, index) => server.create(id, textOf(size, index))))
    const written = Array.from({ length: writers }, (_, index) => ids[index % documents]!)
    const load: Load = { url: server.url, documents: written, size, warmMs, windowMs }
    const work = () => client.ask('run', load, warmMs + windowMs + GRACE_MS)
    const measure = await (profile ? profiled({ writers: client.child, server: server.child }, work) : work())
    await compare(server, ids, measure.total)
    return roundOf(measure)
  } finally {
    await client.stop()
    await server.stop()
  }
}

export function roundOf({ latencies, ms, busy }: Omit<Measure, 'total'>): Round {
  return {
    commitsPerSecond: (latencies.length / ms) * 1000,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    busy,
  }
}

async function compare(server: StoreServer, ids: readonly string[], acknowledged: number): Promise<void> {
  const edits = await Promise.all(ids.map(id => server.edits(id)))
  const stored = edits.reduce((sum, each) => sum + each, 0)
  if (stored !== acknowledged) {
    throw new Error(`${acknowledged} edits were acknowledged, and the store has ${stored}`)
  }
}
