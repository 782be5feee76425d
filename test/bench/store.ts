/**
 * `npm run bench -- store`: how many edits a second a system makes durable, and how long one takes to be so.
 *
 * Server, writers and Postgres are processes of their own on one machine. The writers speak the wire protocol by hand,
 * each over a WebSocket of its own, and send the next edit when the former was acknowledged (`peers/writers.ts`). An
 * edit types a letter over another one at a moving place (`store/edits.ts`), so documents keep their size; they are ASCII
 * texts that compress about as prose does. A round is a new server with an empty store: its documents are created, the
 * writers warm up, then a window counts. The systems take turns, round by round. A round counts only if its store has
 * at the end just the edits that were acknowledged.
 *
 * Acknowledged means durable but for `sharedb-memory`, which saves nothing. Holdfast and Postgres are at their defaults:
 * an fsync before each acknowledgement. For Hocuspocus it is the word that its extension stored a state with the edit
 * in it. By itself Hocuspocus acknowledges an edit that it has in memory, and stores the document once it was quiet
 * for 2 s, after 10 s at the latest: a crash takes away what was acknowledged meanwhile. Here it stores as soon as it
 * can (`store/systems.ts`).
 *
 * 50 writers on one document are all sent what the others write, as every client of these systems is. They follow it
 * as far as their next edit needs: an op is put on the newest version heard of, and the server transforms it over
 * what has crossed it; an update of Yjs stands between items that its writer knows, and needs no more.
 */

import { type Options, readOptions, writeRows } from './options.ts'
import { measureFsync } from './store/fsync.ts'
import { Databases } from './store/places.ts'
import { type StoreMeasured, storeReport, storeRows, storeVerdicts } from './store/report.ts'
import { type LoadCase, measureRound, type Round } from './store/round.ts'
import { type StoreSystem, storeSystems } from './store/systems.ts'

const cases: readonly LoadCase[] = [
  { name: 'w1-1kB', writers: 1, documents: 1, size: 1000 },
  { name: 'w1-100kB', writers: 1, documents: 1, size: 100_000 },
  { name: 'w1-1MB', writers: 1, documents: 1, size: 1_000_000 },
  { name: 'd100-1kB', writers: 100, documents: 100, size: 1000 },
  { name: 'w50-1kB', writers: 50, documents: 1, size: 1000 },
]

const TIMES = { warmMs: 1000, windowMs: 3000 }
const QUICK_TIMES = { warmMs: 200, windowMs: 500 }

/** Exit code 1 if a system could not be run. */
export async function store(args: string[]): Promise<void> {
  const options = readOptions(args, { cases, systems: storeSystems })
  // Before anything is measured; what fails here is told of the system that needs it.
  await Promise.allSettled(options.systems.map(system => system.provide?.()))
  const databases = new Databases()
  try {
    const measured: StoreMeasured[] = []
    for (const load of options.cases) measured.push(...(await measureCase(load, options, databases)))
    console.log(storeVerdicts(measured))
    writeRows(options.json, storeRows(measured))
    if (measured.some(({ failure }) => failure !== undefined)) process.exitCode = 1
  } finally {
    await databases.stop()
  }
}

async function measureCase(
  load: LoadCase,
  options: Options<LoadCase, StoreSystem>,
  databases: Databases,
): Promise<StoreMeasured[]> {
  const times = options.quick ? QUICK_TIMES : TIMES
  const rounds = new Map(options.systems.map(({ name }) => [name, [] as Round[]]))
  const failures = new Map<string, string>()
  const floor: Round[] = []
  for (let round = 0; round < options.rounds; round++) {
    floor.push(await measureFsync())
    for (const system of options.systems.filter(({ name }) => !failures.has(name))) {
      try {
        const plan = { ...load, system, ...times, profile: options.profile, databases }
        rounds.get(system.name)!.push(await measureRound(plan))
      } catch (error) {
        failures.set(system.name, error instanceof Error ? error.message : String(error))
      }
    }
  }
  const measured = options.systems.map(({ name }) => ({
    case: load.name,
    system: name,
    rounds: rounds.get(name)!,
    failure: failures.get(name),
  }))
  console.log(storeReport(load, measured, floor))
  return measured
}
