/** What `server` prints and writes: medians of the rounds side by side, ratios, and the targets that were set. */

import { figure, median, type Row, spread, table } from '../table.ts'
import type { Round, ServerCase } from './round.ts'

export interface ServerMeasured {
  readonly case: string
  readonly system: string
  readonly rounds: readonly Round[]
  /** Why it could not be run; there is no figure then. */
  readonly failure?: string | undefined
}

const SUBJECT = 'holdfast'

/** Names of the metrics, and whether more is better. */
const metrics = {
  delivered_per_s: ({ delivered }: Round) => delivered,
  ops_per_s: ({ taken }: Round) => taken,
  p50_ms: ({ p50 }: Round) => p50,
  p99_ms: ({ p99 }: Round) => p99,
  bytes_per_connection: ({ bytes }: Round) => bytes,
} as const

type Metric = keyof typeof metrics

interface Target {
  readonly case: string
  readonly metric: Metric
  readonly peer: string
  /** Ours over the peer's. */
  readonly least?: number
  readonly most?: number
}

const targets: readonly Target[] = ['fan100', 'fan1000']
  .flatMap((name): Target[] => [
    { case: name, metric: 'delivered_per_s', peer: 'sharedb', least: 3 },
    { case: name, metric: 'delivered_per_s', peer: 'hocuspocus', least: 1 },
    { case: name, metric: 'delivered_per_s', peer: 'ws', least: 0.8 },
  ])
  .concat(
    ['w1', 'w1-100kB'].flatMap((name): Target[] => [
      { case: name, metric: 'ops_per_s', peer: 'sharedb', least: 1 },
      { case: name, metric: 'p50_ms', peer: 'sharedb', most: 1 },
    ]),
  )

const middle = (rounds: readonly Round[], metric: Metric) => median(rounds.map(metrics[metric]))

/** Medians of the rounds; nothing where a system failed or nothing was measured. */
export function serverRows(measured: readonly ServerMeasured[]): Row[] {
  return measured.flatMap(({ case: name, system, rounds, failure }) =>
    (Object.keys(metrics) as Metric[]).flatMap(metric => {
      const value = failure === undefined ? middle(rounds, metric) : Number.NaN
      // Nobody else is there to be told.
      const isNone = Number.isNaN(value) || (metric === 'delivered_per_s' && value === 0)
      return isNone ? [] : [{ case: name, metric, system, value: Number(value.toFixed(3)) }]
    }),
  )
}

/** The table of a case; `syncs`: ms of an fsync, measured between its rounds. */
export function serverReport(
  { name, connections, documents, size, writers, perSecond }: ServerCase,
  measured: readonly ServerMeasured[],
  syncs: readonly number[] = [],
): string {
  const who = `${count(connections, 'connection')} on ${count(documents, 'document')} of ${size.toLocaleString('en')} characters`
  const title =
    writers === 0
      ? `${who}, idle`
      : `${who}, ${count(writers, 'writer')}; the latencies at ${count(perSecond, 'keystroke')} a second`
  const main =
    writers === 0 ? 'bytes_per_connection' : connections > documents ? 'delivered_per_s' : 'ops_per_s'
  const subject = measured.find(({ system, failure }) => system === SUBJECT && failure === undefined)
  const lines = measured.map(each => lineOf(each, main, subject))
  const failures = measured.filter(({ failure }) => failure !== undefined)
  return [
    `\n${name}: ${title}; median (least-greatest) of the rounds, x: times ${SUBJECT}'s ${main}`,
    writers === 0
      ? table(['system', 'bytes/connection', 'x', 'rounds'], lines.map(idleCells))
      : table(
          ['system', 'delivered/s', 'edits/s', 'x', 'p50 ms', 'p99 ms', 'server µs', 'crowd cpu', 'rounds'],
          lines.map(busyCells),
        ),
    ...(syncs.length > 0 ? [`An fsync of 4 kB takes ${spread(syncs)} ms.`] : []),
    ...failures.map(({ system, failure }) => `${system} could not be run: ${failure}`),
  ].join('\n')
}

const count = (number: number, what: string) =>
  `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`

interface Line {
  readonly system: string
  readonly rounds: readonly Round[]
  readonly ratio: number
}

function lineOf(
  { system, rounds, failure }: ServerMeasured,
  metric: Metric,
  subject: ServerMeasured | undefined,
): Line {
  const valid = failure === undefined ? rounds : []
  return { system, rounds: valid, ratio: middle(valid, metric) / middle(subject?.rounds ?? [], metric) }
}

const idleCells = ({ system, rounds, ratio }: Line): string[] => [
  system,
  spread(rounds.map(metrics.bytes_per_connection)),
  figure(ratio),
  String(rounds.length),
]

const busyCells = ({ system, rounds, ratio }: Line): string[] => [
  system,
  spread(rounds.map(metrics.delivered_per_s)),
  spread(rounds.map(metrics.ops_per_s)),
  figure(ratio),
  spread(rounds.map(metrics.p50_ms)),
  spread(rounds.map(metrics.p99_ms)),
  spread(rounds.map(({ cost }) => cost)),
  percent(median(rounds.map(({ busy }) => busy))),
  String(rounds.length),
]

const percent = (part: number) => (Number.isNaN(part) ? '-' : `${Math.round(100 * part)}%`)

/** A line for each target: met, MISSED, or not measured. */
export function serverVerdicts(measured: readonly ServerMeasured[]): string {
  const middleOf = (target: Target, system: string) => {
    const found = measured.find(each => each.case === target.case && each.system === system)
    return found && found.failure === undefined ? middle(found.rounds, target.metric) : Number.NaN
  }
  const lines = targets.map(target => {
    const { case: name, metric, peer, least, most } = target
    const wanted = `Target ${name} ${metric} ${least === undefined ? `at most ${most}` : `at least ${least}`}x ${peer}`
    const ratio = middleOf(target, SUBJECT) / middleOf(target, peer)
    if (Number.isNaN(ratio)) return `${wanted}: not measured`
    const isMet = ratio >= (least ?? 0) && ratio <= (most ?? Number.POSITIVE_INFINITY)
    return `${wanted}: ${figure(ratio)}x, ${isMet ? 'met' : 'MISSED'}`
  })
  return `\n${lines.join('\n')}`
}
