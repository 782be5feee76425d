/**
 * Feeds the systems once, then asks them round by round: in each round every system has a process that has just been
 * started, opens the document, shows the versions and then the deltas. Every answer is held against the plain string.
 */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Splice } from '../../traces/splice.ts'
import { stockTypes } from '../peers/stock.ts'
import { Peer } from '../process.ts'
import type { KeeperCalls } from './keeper.ts'
import { type Questions, shown, textsAt } from './questions.ts'
import type { Kept } from './systems.ts'

export interface Plan {
  readonly kept: readonly Kept[]
  readonly edits: readonly Splice[]
  readonly questions: Questions
  readonly rounds: number
  /** Is told what is going on. */
  readonly say: (line: string) => void
}

export interface Round {
  readonly startMs: number
  readonly openMs: number
  readonly versionMs: readonly number[]
  readonly deltaMs: readonly number[]
}

export interface Measured {
  readonly system: string
  /** Of all files that the system left. */
  readonly diskBytes: number
  readonly feedMs: number
  /** What the system says of its sizes. */
  readonly notes: readonly string[]
  readonly rounds: readonly Round[]
}

/** Throws when a system answers wrong. */
export async function measureHistory(plan: Plan): Promise<Measured[]> {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-history-'))
  try {
    const texts = textsFor(plan)
    const fed = []
    for (const kept of plan.kept) fed.push(...(await feed(kept, root, plan)))
    const rounds = new Map(fed.map(({ system }) => [system, [] as Round[]]))
    for (let round = 0; round < plan.rounds; round++) {
      plan.say(`round ${round + 1} of ${plan.rounds}`)
      for (const { system, kept, directory } of fed)
        rounds.get(system)!.push(await ask(system, kept, directory, plan, texts))
    }
    return fed.map(({ system, diskBytes, feedMs, notes }) => {
      return { system, diskBytes, feedMs, notes, rounds: rounds.get(system)! }
    })
  } finally {
    rmSync(root, { recursive: true })
  }
}

/** Every text that some system will be asked for. */
function textsFor({ kept, edits, questions }: Plan): ReadonlyMap<number, string> {
  const asked = [...questions.versions, ...questions.ranges.flatMap(({ from, to }) => [from, to])]
  const wanted = kept.flatMap(({ every }) => asked.map(edit => shown(edit, every)))
  return textsAt(edits, [...wanted, edits.length])
}

async function feed(kept: Kept, root: string, { edits, say }: Plan) {
  const directories = Object.fromEntries(kept.systems.map(system => [system, join(root, system)]))
  for (const directory of Object.values(directories)) mkdirSync(directory)
  const { module, every, rungs } = kept
  const feedMs = performance.now()
  const notes = await withProcess(module, keeper => keeper.ask('feed', { directories, edits, every, rungs }))
  return Object.entries(directories).map(([system, directory]) => {
    const fed = {
      system,
      kept,
      directory,
      notes,
      diskBytes: sizeOf(directory),
      feedMs: performance.now() - feedMs,
    }
    say(`${system} has ${edits.length.toLocaleString('en')} edits, after ${Math.round(fed.feedMs / 1000)} s`)
    return fed
  })
}

const sizeOf = (directory: string) =>
  readdirSync(directory).reduce((sum, file) => sum + statSync(join(directory, file)).size, 0)

function ask(
  system: string,
  { module, every, rungs }: Kept,
  directory: string,
  { edits, questions }: Plan,
  texts: ReadonlyMap<number, string>,
): Promise<Round> {
  const wrong = (what: string) => new Error(`${system}: ${what} is not what the edits make`)
  const versions = questions.versions.map(asked => shown(asked, every))
  const ranges = questions.ranges.map(({ from, to }) => ({ from: shown(from, every), to: shown(to, every) }))
  return withProcess(module, async keeper => {
    const opened = await keeper.ask('open', { directory, rungs })
    if (opened.value !== texts.get(edits.length)) throw wrong('the document')
    const versionMs: number[] = []
    for (const version of versions) {
      const { ms, value } = await keeper.ask('version', version)
      if (value !== texts.get(version)) throw wrong(`the version after ${version} edits`)
      versionMs.push(ms)
    }
    const deltaMs: number[] = []
    for (const range of ranges) {
      const { ms, value } = await keeper.ask('delta', range)
      const made = stockTypes['ot-text']!.apply(texts.get(range.from), value)
      if (made !== texts.get(range.to)) throw wrong(`the delta from ${range.from} to ${range.to} edits`)
      deltaMs.push(ms)
    }
    return { startMs: opened.startMs, openMs: opened.ms, versionMs, deltaMs }
  })
}

async function withProcess<T>(module: URL, work: (keeper: Peer<KeeperCalls>) => Promise<T>): Promise<T> {
  const keeper = new Peer<KeeperCalls>(module)
  try {
    return await work(keeper)
  } finally {
    await keeper.stop()
  }
}
