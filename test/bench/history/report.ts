/** What `history` prints and writes: medians over the rounds side by side, ratios, and the targets that were set. */

import { figure, median, type Row, spread, table } from '../table.ts'
import type { Measured, Round } from './measure.ts'

/** In ms of server time. */
const OPEN_MS = 5
const TRAVEL_MS = 20

/** The least value that 95 of 100 do not exceed. */
export function p95(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil(0.95 * sorted.length) - 1] ?? Number.NaN
}

/** One figure for each round. */
const perRound = {
  start_ms: ({ startMs }: Round) => startMs,
  open_ms: ({ openMs }: Round) => openMs,
  version_p95_ms: ({ versionMs }: Round) => p95(versionMs),
  version_max_ms: ({ versionMs }: Round) => Math.max(...versionMs),
  delta_p95_ms: ({ deltaMs }: Round) => p95(deltaMs),
  delta_max_ms: ({ deltaMs }: Round) => Math.max(...deltaMs),
}

type Metric = keyof typeof perRound

const values = ({ rounds }: Measured, metric: Metric) => rounds.map(perRound[metric])

/** Medians over the rounds; of `..._max_ms` the greatest. */
function resultOf(measured: Measured, metric: Metric): number {
  const all = values(measured, metric)
  return metric.endsWith('max_ms') ? Math.max(...all) : median(all)
}

export function rowsOf(name: string, measured: readonly Measured[]): Row[] {
  return measured.flatMap(each => {
    const row = (metric: string, value: number) => ({ case: name, metric, system: each.system, value })
    const metrics = Object.keys(perRound) as Metric[]
    return [
      ...metrics.map(metric => row(metric, Number(resultOf(each, metric).toFixed(3)))),
      row('disk_bytes', each.diskBytes),
    ]
  })
}

const columns: readonly (readonly [title: string, metric: Metric])[] = [
  ['open ms', 'open_ms'],
  ['version p95 ms', 'version_p95_ms'],
  ['delta p95 ms', 'delta_p95_ms'],
]

export function report(name: string, count: number, measured: readonly Measured[]): string {
  const subject = measured.find(({ system }) => system.startsWith('holdfast'))
  const head = [
    'system',
    ...columns.flatMap(([title]) => [title, 'x']),
    'greatest ms',
    'disk bytes',
    'x',
    'start ms',
    'fed in s',
  ]
  return [
    `\n${name}, ${count.toLocaleString('en')} edits; median over the rounds (least-greatest), x: times ${subject?.system ?? 'Holdfast'}'s`,
    table(
      head,
      measured.map(each => lineOf(each, subject)),
    ),
    ...notesOf(measured),
    ...(subject ? verdicts(subject, measured) : []),
  ].join('\n')
}

/** What was fed together has its notes together. */
function notesOf(measured: readonly Measured[]): string[] {
  const systems = new Map<string, string[]>()
  for (const { system, notes } of measured) {
    const text = notes.join('; ')
    systems.set(text, [...(systems.get(text) ?? []), system])
  }
  return [...systems].map(([text, names]) => `${names.join(', ')}: ${text}`)
}

function lineOf(each: Measured, subject: Measured | undefined): string[] {
  const times = (own: number, of: number | undefined) => (of === undefined ? '-' : figure(own / of))
  const greatest = Math.max(resultOf(each, 'version_max_ms'), resultOf(each, 'delta_max_ms'))
  return [
    each.system,
    ...columns.flatMap(([, metric]) => [
      spread(values(each, metric)),
      times(resultOf(each, metric), subject && resultOf(subject, metric)),
    ]),
    figure(greatest),
    figure(each.diskBytes),
    times(each.diskBytes, subject?.diskBytes),
    figure(median(values(each, 'start_ms'))),
    figure(each.feedMs / 1000),
  ]
}

function verdicts(subject: Measured, measured: readonly Measured[]): string[] {
  const met = (yes: boolean) => (yes ? 'met' : 'MISSED')
  const under = (what: string, metric: Metric, limit: number) => {
    const value = resultOf(subject, metric)
    return `Target ${what} under ${limit} ms: ${figure(value)} ms, ${met(value < limit)}`
  }
  const travel = (what: 'version' | 'delta') =>
    `${under(`any ${what}`, `${what}_p95_ms`, TRAVEL_MS)} (p95); the greatest ${figure(resultOf(subject, `${what}_max_ms`))} ms`
  const yjs = measured.find(({ system }) => system === 'yjs')
  return [
    under('open', 'open_ms', OPEN_MS),
    travel('version'),
    travel('delta'),
    yjs
      ? `Target smaller on disk than Yjs's updates and snapshots: ${figure(subject.diskBytes)} to ${figure(yjs.diskBytes)} bytes, ${met(subject.diskBytes < yjs.diskBytes)}`
      : 'Target smaller on disk than Yjs: not measured',
  ]
}
