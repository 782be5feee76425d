/**
 * `npm run bench -- server`: what a server bears, beside ShareDB, Hocuspocus and a bare server of ws.
 *
 * A server and the crowd that is connected to it are processes of their own on one machine. The crowd speaks each system's wire
 * protocol by hand over sockets that cost next to nothing (`peers/crowd.ts`), the same for all; its CPU time stands in the
 * table, because near 100% it would be the crowd that was measured. An edit types a letter over another one at a moving place of a
 * text of 10,000 characters, or of 100,000 where the case says so. A round is a new server: its documents are created, the crowd connects, each connection follows
 * its document, and then
 *
 *   as fast as it goes   each writer sends the next edit when the last was taken: deliveries and edits a second
 *   at a steady load     all writers together press so many keys a second: from the keystroke to the screens of others
 *
 * or, with 5,000 connections that do nothing, the server's memory is compared with what it was before. A round counts only if
 * everybody was told every edit of their document, once, as it was written and in one order, and the server has them all.
 *
 * Holdfast is at its defaults, on SQLite with an fsync before it acknowledges; only its limits of what one address may ask are
 * lifted. All servers run with the arguments for Node of `npm start`. What an fsync of 4 kB takes, between the rounds, stands below each table. ShareDB has its memory database, Hocuspocus no database: they save nothing. `ws` sends on what it hears as one ready
 * string, and knows nothing.
 *
 * Edits are what counts, and all systems are loaded alike: as many writers, each of which waits until its edit was taken. Hocuspocus
 * joins what comes within one turn of its event loop to one message; Holdfast sends a message for each edit, and hands over to the
 * system in one go what is told in one turn, or after the rest of a document with many readers (server/bus/pace.ts): some ten edits
 * a write, both of them. ShareDB and ws write each message by itself.
 *
 * Where one writes alone there is `ws+sync`, too: ws that appends what it hears to a file and syncs it before it answers. That is
 * the floor of any store that is durable, and between it and ws lies what is the disk's; a target against a memory database is one
 * against less work.
 */

import { type Options, readOptions, writeRows } from './options.ts'
import { type ServerMeasured, serverReport, serverRows, serverVerdicts } from './server/report.ts'
import { measureRound, type Round, type ServerCase } from './server/round.ts'
import { type ServerSystem, serverSystems, systemsFor } from './server/systems.ts'
import { measureFsync } from './store/fsync.ts'

/** Characters of a document: some three pages. */
const SIZE = 10_000

const cases: readonly ServerCase[] = [
  { name: 'fan100', connections: 100, documents: 1, writers: 10, perSecond: 100, size: SIZE },
  { name: 'fan1000', connections: 1000, documents: 1, writers: 10, perSecond: 10, size: SIZE },
  { name: 'w1', connections: 1, documents: 1, writers: 1, perSecond: 100, size: SIZE },
  { name: 'w1-100kB', connections: 1, documents: 1, writers: 1, perSecond: 100, size: 100_000 },
  { name: 'd100', connections: 100, documents: 100, writers: 100, perSecond: 500, size: SIZE },
  { name: 'w50', connections: 50, documents: 1, writers: 50, perSecond: 100, size: SIZE },
  { name: 'idle5000', connections: 5000, documents: 100, writers: 0, perSecond: 0, size: SIZE },
]

/** It takes V8 some 20,000 edits to compile what each of them runs through; a server that has just started does a quarter less. */
const TIMES = { warmMs: 5000, windowMs: 1500 }
const QUICK_TIMES = { warmMs: 100, windowMs: 200 }

/** Exit code 1 if a system could not be run. */
export async function server(args: string[]): Promise<void> {
  const quick = ({ connections }: ServerCase) => connections < 1000
  const options = readOptions(args, { cases, systems: serverSystems, quick })
  const measured: ServerMeasured[] = []
  for (const each of options.cases) measured.push(...(await measureCase(each, options)))
  console.log(serverVerdicts(measured))
  writeRows(options.json, serverRows(measured))
  if (measured.some(({ failure }) => failure !== undefined)) process.exitCode = 1
}

/** Round by round, each time another system first. */
async function measureCase(
  each: ServerCase,
  { systems: all, rounds, quick, profile }: Options<ServerCase, ServerSystem>,
): Promise<ServerMeasured[]> {
  const systems = systemsFor(each.writers, all)
  const measured = systems.map(({ name }) => ({
    case: each.name,
    system: name,
    rounds: [] as Round[],
    failure: undefined as string | undefined,
  }))
  const times = quick ? QUICK_TIMES : TIMES
  const syncs: number[] = []
  for (let round = 0; round < rounds; round++) {
    syncs.push((await measureFsync()).p50)
    for (let turn = 0; turn < systems.length; turn++) {
      const index = (round + turn) % systems.length
      const entry = measured[index]!
      if (entry.failure !== undefined) continue
      try {
        entry.rounds.push(await measureRound({ ...each, ...times, system: systems[index]!, profile }))
      } catch (error) {
        entry.failure = error instanceof Error ? error.message : String(error)
      }
    }
  }
  console.log(serverReport(each, measured, syncs))
  return measured
}
