/**
 * `npm run bench -- reconnect`: how long a client that was away takes until both sides are equal, and how many bytes.
 *
 * N edits were made offline on the client, N others were committed by the server meanwhile (`branches.ts` says which).
 * Server and client are separate processes over a loopback WebSocket. Time runs from the moment the client begins to
 * connect until it holds everything and was told that the server does; bytes are WebSocket payloads both ways. Each
 * session's first merge is cold (neither process has merged before; every server is the process that took the edits), its
 * further ones are warm. Both sides are compared by hash after each merge, and all systems by the set of characters they
 * ended with.
 *
 * Holdfast saves what it commits (SQLite, synchronous=FULL); ShareDB's memory database and Yjs save nothing.
 */

import { readSequential } from '../traces/files.ts'
import { type Branches, makeBranches } from './branches.ts'
import type { Kind } from './content.ts'
import { measureFloor } from './floor.ts'
import { type Options, readOptions, writeRows } from './options.ts'
import { TookTooLong } from './process.ts'
import { type Measured, report, rowsOf } from './report.ts'
import { runSession, type Sample } from './session.ts'
import { type System, systems } from './systems.ts'

interface Case {
  readonly name: string
  readonly kind: Kind
  /** Edits on each side. */
  readonly count: number
}

const cases: readonly Case[] = [
  { name: '10000x10000', kind: 'text', count: 10_000 },
  { name: '10000x10000-rich', kind: 'rich', count: 10_000 },
  { name: '50000x50000', kind: 'text', count: 50_000 },
]

/** A merge that takes longer is stopped and has no figure, in ms. */
const LIMIT_MS = 120_000
/** Sessions of a system that takes minutes for one. */
const SLOW_ROUNDS = 3

export async function reconnect(args: string[]): Promise<void> {
  const options = readOptions(args, { cases, systems, quick: ({ count }) => count <= 10_000 })
  const paper = readSequential('automerge-paper')
  const blog = readSequential('seph-blog1')
  const all: Measured[] = []
  for (const { name, kind, count } of options.cases) {
    const branches = makeBranches(paper, blog, count, kind)
    const measured: Measured[] = []
    for (const system of options.systems.filter(({ kinds }) => kinds.includes(kind))) {
      measured.push({ case: name, system: system.name, ...(await measure(system, kind, branches, options)) })
    }
    compareLetters(measured)
    const subject = measured.find(({ system, warm }) => system === 'holdfast' && warm.length > 0)
    const floor = subject && (await measureFloor(subject.warm[0]!.traffic, options.rounds))
    console.log(report(name, branches.base.length, measured, floor))
    all.push(...measured)
  }
  writeRows(options.json, rowsOf(all))
}

async function measure(system: System, kind: Kind, branches: Branches, options: Options<Case, System>) {
  const slow = system.name.startsWith('sharedb')
  const huge = branches.client.length > 20_000
  const rounds = slow || huge ? Math.min(SLOW_ROUNDS, options.rounds) : options.rounds
  const documents = slow && huge ? 1 : options.quick ? 2 : 3
  const cold: Sample[] = []
  const warm: Sample[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      const plan = { system, kind, branches, documents, limitMs: LIMIT_MS, profile: options.profile }
      const [first, ...others] = await runSession(plan)
      cold.push(first!)
      warm.push(...others)
    }
  } catch (error) {
    if (!(error instanceof TookTooLong)) throw error
    return { cold: [], warm: [], overMs: LIMIT_MS }
  }
  return { cold, warm, overMs: null }
}

/** Ties may be broken another way by each system, but nobody may lose or double a character. */
function compareLetters(measured: readonly Measured[]): void {
  const letters = measured.flatMap(({ system, cold, warm }) =>
    [...cold, ...warm].map(sample => [system, sample.letters] as const),
  )
  const odd = letters.find(([, each]) => each !== letters[0]![1])
  if (odd) throw new Error(`${odd[0]} and ${letters[0]![0]} ended with other characters`)
}
