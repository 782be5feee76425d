/**
 * `npm run bench -- history`: a document with a long past. How long a server takes to open it, to show it as it was and to
 * say what changed between two versions, and how many bytes stand on its disk for that.
 *
 * The past is the trace automerge-paper, 259,778 edits by one author, each a version of its own. Every system is fed once.
 * Then, in each round, it gets a process that has just been started, on the stored data: it opens the document (`open_ms`,
 * from the opened database to the whole text), shows it at 50 random versions (`version_p95_ms`) and makes the delta
 * between 50 random pairs of versions (`delta_p95_ms`). The time is that of the process alone, without a network; the file
 * is in the cache of the system, as it was written just before. Every answer is checked. All systems are asked the same.
 *
 * Yjs and ShareDB answer from memory once they have opened the document; Holdfast reads its database each time. Yjs can
 * show only versions that a snapshot was taken of: one every 1,000 edits, as often as ShareDB saves a milestone, and each
 * question is about the last of these. `disk_bytes` counts files (see `history/*.ts` for what is in them): Yjs's after
 * VACUUM, Holdfast's as they are.
 */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readSequential } from '../traces/files.ts'
import { measureHistory } from './history/measure.ts'
import { questionsOf } from './history/questions.ts'
import { report, rowsOf } from './history/report.ts'
import { type Kept, keptBy, only } from './history/systems.ts'

interface Options {
  readonly rounds: number
  readonly quick: boolean
  readonly kept: readonly Kept[]
  readonly json?: string
}

const TRACE = 'automerge-paper'
/** Edits of a quick run. */
const QUICK = 20_000
/** Versions, and pairs of versions. */
const ASKED = 50
const SEED = 259_778
/** Edits between two of Yjs's snapshots. */
const EVERY = 1000

export async function history(args: string[]): Promise<void> {
  const { rounds, quick, kept, json } = readOptions(args)
  const { splices } = readSequential(TRACE)
  const edits = quick ? splices.slice(0, QUICK) : splices
  const name = quick ? `${TRACE}-${QUICK}` : TRACE
  const questions = questionsOf(edits.length, ASKED, SEED)
  const measured = await measureHistory({ kept, edits, questions, rounds, say: line => console.log(line) })
  console.log(report(name, edits.length, measured))
  if (json) writeFileSync(json, `${JSON.stringify({ rows: rowsOf(name, measured) }, null, 2)}\n`)
}

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      system: { type: 'string', multiple: true },
      rungs: { type: 'string', multiple: true },
    },
  })
  const { quick, json } = values
  const rounds = Number(values.rounds ?? (quick ? 1 : 5))
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1')
  const all = keptBy(EVERY, values.rungs?.map(ladderOf))
  const names = all.flatMap(({ systems }) => systems.map(system => system.split(' ')[0]!))
  const unknown = values.system?.find(name => !names.includes(name))
  if (unknown !== undefined)
    throw new Error(`--system ${unknown}: there are ${[...new Set(names)].join(', ')}`)
  return { rounds, quick, json, kept: values.system ? only(all, values.system) : all }
}

function ladderOf(text: string): number[] {
  const sizes = text.split(',').map(Number)
  const fits = sizes.every(
    (size, i) => Number.isSafeInteger(size) && size > 1 && size % (sizes[i - 1] ?? 1) === 0,
  )
  if (!fits) throw new Error('--rungs takes sizes of which each divides the next, joined by commas: 64,4096')
  return sizes
}
