/** One round of a system: a new server, its documents, a crowd that is connected to them, and what it is asked to do. */

import type { CrowdCalls, Typed, Typing } from '../peers/crowd.ts'
import { Peer } from '../process.ts'
import { hookArguments, profiled } from '../profile.ts'
import { startArguments } from '../start.ts'
import { textOf } from '../store/edits.ts'
import { percentile } from '../table.ts'
import { cpuOf, memoryOf, usageArguments } from '../usage.ts'
import type { Server, ServerSystem } from './systems.ts'

export interface ServerCase {
  readonly name: string
  readonly connections: number
  /** Each has as many of the connections as any other. */
  readonly documents: number
  /** Characters of a document. */
  readonly size: number
  /** Connections that write; 0: nothing happens, and it is the memory that is measured. */
  readonly writers: number
  /** Keystrokes a second, of all together, at which it is measured how long one takes. */
  readonly perSecond: number
}

export interface RoundPlan extends ServerCase {
  readonly system: ServerSystem
  readonly warmMs: number
  readonly windowMs: number
  /** Prints where the time goes. */
  readonly profile: boolean
}

export interface Round {
  /** Edits that somebody else was told of, and edits that were taken, a second; as fast as it goes. */
  readonly delivered: number
  readonly taken: number
  /** From a keystroke to its coming to somebody else, or where there is nobody to its being taken; ms, at the steady load. */
  readonly p50: number
  readonly p99: number
  /** What an idle connection takes of the server's memory. */
  readonly bytes: number
  /** CPU time that the server takes for an edit that is delivered, or where nobody is to be told for one that is taken, in µs. */
  readonly cost: number
  /** CPU time of the crowd's process while it went as fast as it goes, as a share of the time. */
  readonly busy: number
}

/** Connections that come and go before memory is measured, so that what a server makes once is not counted. */
const BEFORE = 200
/** How long opening the documents and telling the last edits may take, in ms. */
const GRACE_MS = 60_000

export async function measureRound(plan: RoundPlan): Promise<Round> {
  const { system, documents, size, profile } = plan
  const node = [...startArguments, ...usageArguments, ...(profile ? hookArguments : [])]
  const server = await system.start(node)
  try {
    const ids = Array.from({ length: documents }, (_, index) => `document-${index}`)
    for (const [index, id] of ids.entries()) await server.create(id, textOf(size, index))
    return await (plan.writers > 0 ? measureTyping(plan, server, ids) : measureMemory(plan, server, ids))
  } finally {
    await server.stop()
  }
}

async function measureTyping(plan: RoundPlan, server: Server, ids: readonly string[]): Promise<Round> {
  const { writers, perSecond, warmMs, windowMs, profile } = plan
  const crowd = await openCrowd(plan, server, ids, plan.connections)
  try {
    const type = (typing: Typing): Promise<Typed> =>
      crowd.ask('type', typing, typing.warmMs + typing.windowMs + GRACE_MS)
    const fast = () => type({ writers, perSecond: null, warmMs, windowMs })
    const before = await cpuOf(server.child)
    const fastest = await (profile ? profiled({ crowd: crowd.child, server: server.child }, fast) : fast())
    const cpuMs = (await cpuOf(server.child)) - before
    const steady = await type({ writers, perSecond, warmMs: warmMs / 2, windowMs })
    await compare(server, ids, await crowd.ask('written', undefined))
    return { ...typedRound(fastest, steady), cost: costOf(fastest, cpuMs), bytes: Number.NaN }
  } finally {
    await crowd.stop()
  }
}

export const typedRound = (fastest: Typed, steady: Typed): Omit<Round, 'bytes' | 'cost'> => ({
  delivered: (fastest.delivered / fastest.ms) * 1000,
  taken: (fastest.taken / fastest.ms) * 1000,
  p50: percentile(steady.latencies, 0.5),
  p99: percentile(steady.latencies, 0.99),
  busy: fastest.busy,
})

const costOf = ({ all }: Typed, cpuMs: number) => (1000 * cpuMs) / (all.delivered || all.taken)

/** What was told is right, the crowd says; here it is what was kept. */
async function compare(server: Server, ids: readonly string[], written: number): Promise<void> {
  const edits = await Promise.all(ids.map(id => server.edits(id)))
  const kept = edits.reduce((sum, each) => sum + each, 0)
  if (kept !== written) throw new Error(`${written} edits were written, and the server has ${kept}`)
}

async function measureMemory(plan: RoundPlan, server: Server, ids: readonly string[]): Promise<Round> {
  const first = await openCrowd(plan, server, ids, Math.min(BEFORE, plan.connections))
  await first.stop()
  const before = await memoryOf(server.child)
  const crowd = await openCrowd(plan, server, ids, plan.connections)
  try {
    const bytes = ((await memoryOf(server.child)) - before) / plan.connections
    const none = Number.NaN
    return { delivered: none, taken: none, p50: none, p99: none, busy: none, cost: none, bytes }
  } finally {
    await crowd.stop()
  }
}

async function openCrowd(
  { system, size, profile }: RoundPlan,
  { url }: Server,
  ids: readonly string[],
  connections: number,
): Promise<Peer<CrowdCalls>> {
  const crowd = new Peer<CrowdCalls>(
    new URL('../peers/crowd.ts', import.meta.url),
    profile ? hookArguments : [],
  )
  const documents = Array.from({ length: connections }, (_, index) => ids[index % ids.length]!)
  try {
    await crowd.ask('open', { url, protocol: system.protocol, documents, size }, GRACE_MS)
    return crowd
  } catch (error) {
    await crowd.stop()
    throw error
  }
}
