/**
 * `npm run bench -- drivers`: the two drivers for Postgres, in the ways they can be used, at the work of our store.
 *
 * Every driver has one connection and a process of its own; all work on one private server at its default settings, so a
 * commit is an fsync. They take turns, a slice of time each, so that whatever else the machine does meets them all: figures are
 * medians of the slices' medians. At the end the tables are checked for what each says it has written.
 */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { openLine } from '../browser/harness/line.ts'
import { type Postgres, startPostgres } from '../harness/postgres.ts'
import { drivers } from './drivers/drivers.ts'
import type { DriverCalls, Slice, Work } from './drivers/peer.ts'
import { DOCUMENTS, documentsOf, tables } from './drivers/work.ts'
import { Peer } from './process.ts'
import { figure, median, type Row, spread, table } from './table.ts'

interface Case {
  readonly name: string
  readonly what: string
  readonly work: Work
  /** How far away the server is: what each flush takes in each direction, in ms. */
  readonly delayMs?: number
}

const cases: readonly Case[] = [
  { name: 'single', what: 'one row, committed', work: { kind: 'single' } },
  { name: 'group-1', what: 'a transaction of two flushes with 1 op', work: { kind: 'group', size: 1 } },
  { name: 'group-50', what: 'the same with 50 ops', work: { kind: 'group', size: 50 } },
  {
    name: 'group-50-far',
    what: 'the same, the server 1 ms away',
    work: { kind: 'group', size: 50 },
    delayMs: 1,
  },
  { name: 'read-10000', what: 'reading 10,000 rows', work: { kind: 'history' } },
  { name: 'read-1MB', what: 'reading one text of 1 MB', work: { kind: 'snapshot' } },
]

export interface Measured {
  readonly case: string
  readonly system: string
  readonly slices: readonly Slice[]
  readonly rssBytes: number
}

interface Plan {
  readonly rounds: number
  readonly sliceMs: number
}

export async function compareDrivers(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'string' },
      rounds: { type: 'string', default: '25' },
      quick: { type: 'boolean', default: false },
    },
  })
  const rounds = Number(values.rounds)
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1')
  const plan = values.quick ? { rounds: 1, sliceMs: 20 } : { rounds, sliceMs: 150 }
  const server = await startPostgres()
  try {
    const all: Measured[] = []
    for (const each of cases) {
      const measured = await measure(server, each, plan)
      console.log(report(`${each.name}: ${each.what}`, measured))
      all.push(...measured)
    }
    if (values.json) writeFileSync(values.json, `${JSON.stringify({ rows: rowsOf(all) }, null, 2)}\n`)
  } finally {
    await server.stop()
  }
}

/** All drivers at one case, in a database of its own. */
export async function measure(
  server: Pick<Postgres, 'port' | 'createDatabase'>,
  plan: Case,
  { rounds, sliceMs }: Plan,
): Promise<Measured[]> {
  const url = await server.createDatabase()
  const names = Object.keys(drivers)
  await withClient(url, async client => {
    await client.query(tables)
    for (const [system] of names.entries()) await client.query(documentsOf(system))
  })
  const line = await openLine(server)
  line.delayMs = plan.delayMs ?? 0
  const peers = names.map(() => new Peer<DriverCalls>(new URL('./drivers/peer.ts', import.meta.url)))
  try {
    const far = new URL(url)
    if (plan.delayMs !== undefined) far.port = String(line.port)
    for (const [system, peer] of peers.entries())
      await peer.ask('open', { driver: names[system]!, url: far.href, system })
    if (plan.work.kind !== 'group') await checkEqual(names, peers, plan.work)
    const slices = await takeTurns(peers, plan.work, { rounds, sliceMs })
    const ends = await Promise.all(peers.map(peer => peer.ask('end', undefined)))
    if (plan.work.kind === 'group') await checkWritten(url, ends, plan.work.size)
    return names.map((system, i) => ({
      case: plan.name,
      system,
      slices: slices[i]!,
      rssBytes: ends[i]!.rssBytes,
    }))
  } finally {
    await Promise.all(peers.map(peer => peer.stop()))
    await line.close()
  }
}

/** Round by round, each time another one first; the first round warms them up and does not count. */
async function takeTurns(
  peers: readonly Peer<DriverCalls>[],
  work: Work,
  { rounds, sliceMs }: Plan,
): Promise<Slice[][]> {
  const slices: Slice[][] = peers.map(() => [])
  for (let round = 0; round <= rounds; round++) {
    for (let turn = 0; turn < peers.length; turn++) {
      const system = (round + turn) % peers.length
      const slice = await peers[system]!.ask('slice', { work, ms: sliceMs })
      if (round > 0) slices[system]!.push(slice)
    }
  }
  return slices
}

async function checkEqual(
  names: readonly string[],
  peers: readonly Peer<DriverCalls>[],
  work: Work,
): Promise<void> {
  const digests = await Promise.all(peers.map(peer => peer.ask('digest', work)))
  const odd = digests.findIndex(digest => digest !== digests[0])
  if (odd > 0) throw new Error(`${names[odd]} and ${names[0]} read different values`)
}

/** That the tables hold the groups of each system, whole and no others. */
async function checkWritten(
  url: string,
  ends: readonly { readonly groups: number }[],
  size: number,
): Promise<void> {
  const counts = `
    SELECT doc / ${DOCUMENTS} AS system, count(*)::int AS ops, max(v) + 1 AS head FROM ops GROUP BY 1 ORDER BY 1`
  const { rows } = await withClient(url, client => client.query(counts))
  for (const [system, { groups }] of ends.entries()) {
    const { ops, head } = rows.find(row => Number(row.system) === system) ?? { ops: 0, head: 0 }
    if (ops !== groups * size || head !== groups)
      throw new Error(
        `system ${system} says it committed ${groups} groups of ${size}, there are ${ops} ops up to ${head}`,
      )
  }
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const times = ({ slices }: Measured) => slices.map(({ ms }) => ms)
const cpus = ({ slices }: Measured) => slices.map(({ cpuMs }) => cpuMs)

export function report(title: string, measured: readonly Measured[]): string {
  const least = Math.min(...measured.map(each => median(times(each))))
  const lines = measured.map(each => [
    each.system,
    spread(times(each)),
    figure(median(times(each)) / least),
    figure(median(cpus(each))),
    figure(each.rssBytes / 2 ** 20),
  ])
  return `\n${title}; median (least-greatest) of ${measured[0]!.slices.length} slices\n${table(['driver', 'ms', 'x', 'cpu ms', 'memory MB'], lines)}`
}

/** `time_ms` and `cpu_ms` of one repetition, `memory_bytes` of the driver's process at its most. */
export function rowsOf(measured: readonly Measured[]): Row[] {
  return measured.flatMap(each => {
    const row = (metric: string, value: number): Row => ({
      case: each.case,
      metric,
      system: each.system,
      value: Number(value.toFixed(3)),
    })
    return [
      row('time_ms', median(times(each))),
      row('cpu_ms', median(cpus(each))),
      row('memory_bytes', each.rssBytes),
    ]
  })
}
