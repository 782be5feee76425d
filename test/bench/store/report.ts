/** What `store` prints and writes: medians of the rounds side by side, ratios, and the targets that were set. */

import { figure, median, type Row, spread, table } from '../table.ts'
import type { LoadCase, Round } from './round.ts'

export interface StoreMeasured {
  readonly case: string
  readonly system: string
  readonly rounds: readonly Round[]
  /** Why it could not be run; there is no figure then. */
  readonly failure?: string
}

/** The system that the others are held against in a table. */
const SUBJECT = 'holdfast-sqlite'

type Measurand = readonly [name: string, system: string]

/** The commits a second of one over those of another. */
interface Target {
  readonly of: Measurand
  readonly over: Measurand
  readonly least?: number
  readonly most?: number
}

const targets: readonly Target[] = [
  { of: ['w1-1kB', 'holdfast-sqlite'], over: ['w1-1MB', 'holdfast-sqlite'], most: 1.5 },
  { of: ['w1-1kB', 'holdfast-postgres'], over: ['w1-1MB', 'holdfast-postgres'], most: 1.5 },
  { of: ['w1-100kB', 'holdfast-sqlite'], over: ['w1-100kB', 'sharedb-postgres'], least: 10 },
  { of: ['w1-100kB', 'holdfast-postgres'], over: ['w1-100kB', 'sharedb-postgres'], least: 10 },
  { of: ['w1-100kB', 'holdfast-sqlite'], over: ['w1-100kB', 'sharedb-memory'], least: 1 },
]

const rates = (rounds: readonly Round[]) => rounds.map(({ commitsPerSecond }) => commitsPerSecond)

/** Medians of the rounds; a system that failed has no rows. */
export function storeRows(measured: readonly StoreMeasured[]): Row[] {
  return measured.flatMap(({ case: name, system, rounds, failure }) => {
    if (failure !== undefined) return []
    const row = (metric: string, values: readonly number[]): Row => ({
      case: name,
      metric,
      system,
      value: Number(median(values).toFixed(3)),
    })
    return [
      row('commits_per_s', rates(rounds)),
      row(
        'p99_ms',
        rounds.map(({ p99 }) => p99),
      ),
    ]
  })
}

/** The table of a case; `floor`: fsyncs that were measured between its rounds. */
export function storeReport(
  { name, writers, documents, size }: LoadCase,
  measured: readonly StoreMeasured[],
  floor: readonly Round[],
): string {
  const head = ['system', 'commits/s', 'x', 'p50 ms', 'p99 ms', 'writers cpu', 'rounds']
  const subject = measured.find(({ system, failure }) => system === SUBJECT && failure === undefined)
  const lines = [...measured, { case: name, system: '(fsync of 4 kB)', rounds: floor }]
  const failures = measured.filter(({ failure }) => failure !== undefined)
  return [
    `\n${name}: ${count(writers, 'writer')} on ${count(documents, 'document')} of ${size.toLocaleString('en')} characters; median (least-greatest) of the rounds, x: times ${SUBJECT}'s`,
    table(
      head,
      lines.map(each => lineOf(each, subject)),
    ),
    ...failures.map(({ system, failure }) => `${system} could not be run: ${failure}`),
  ].join('\n')
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`

function lineOf({ system, rounds, failure }: StoreMeasured, subject: StoreMeasured | undefined): string[] {
  if (failure !== undefined) return [system, ...Array<string>(6).fill('-')]
  const ratio = subject ? median(rates(rounds)) / median(rates(subject.rounds)) : Number.NaN
  return [
    system,
    spread(rates(rounds)),
    figure(ratio),
    spread(rounds.map(({ p50 }) => p50)),
    spread(rounds.map(({ p99 }) => p99)),
    percent(median(rounds.map(({ busy }) => busy))),
    String(rounds.length),
  ]
}

const percent = (part: number) => (Number.isNaN(part) ? '-' : `${Math.round(100 * part)}%`)

/** A line for each target: met, MISSED, or not measured. */
export function storeVerdicts(measured: readonly StoreMeasured[]): string {
  const rate = ([name, system]: Measurand): number => {
    const found = measured.find(each => each.case === name && each.system === system)
    return found && found.failure === undefined ? median(rates(found.rounds)) : Number.NaN
  }
  const lines = targets.map(({ of, over, least, most }) => {
    const wanted = `Target ${of.join(' ')} ${least === undefined ? `at most ${most}` : `at least ${least}`}x ${over.join(' ')}`
    const ratio = rate(of) / rate(over)
    if (Number.isNaN(ratio)) return `${wanted}: not measured`
    const met = ratio >= (least ?? 0) && ratio <= (most ?? Number.POSITIVE_INFINITY)
    return `${wanted}: ${figure(ratio)}x, ${met ? 'met' : 'MISSED'}`
  })
  return `\n${lines.join('\n')}`
}
