/** What `reconnect` prints and writes: medians side by side, ratios, and the targets that were set. */

import type { Floor } from './floor.ts'
import type { Sample } from './session.ts'
import { figure, median, type Row, spread, table } from './table.ts'

export interface Measured {
  readonly case: string
  readonly system: string
  readonly cold: readonly Sample[]
  readonly warm: readonly Sample[]
  /** The limit that a merge went over, in ms; there is no figure then. */
  readonly overMs: number | null
}

interface Target {
  readonly case: string
  readonly against: string
  readonly what: 'time' | 'bytes'
  /** The other system's figure over ours is to be at least this. */
  readonly ratio: number
}

const targets: readonly Target[] = [
  { case: '10000x10000', against: 'sharedb', what: 'time', ratio: 100 },
  { case: '10000x10000', against: 'sharedb-ot-text', what: 'time', ratio: 15 },
  { case: '10000x10000', against: 'yjs', what: 'time', ratio: 1 },
  { case: '10000x10000', against: 'yjs', what: 'bytes', ratio: 4 },
  { case: '10000x10000-rich', against: 'sharedb', what: 'time', ratio: 5 },
]

const times = (samples: readonly Sample[]) => samples.map(({ ms }) => ms)
const wires = (samples: readonly Sample[]) => samples.map(({ traffic }) => traffic.in + traffic.out)

/**
 * `time_ms` is the cold median, what somebody who comes back once sees; `time_ms_warm` that of the same processes going on;
 * `wire_bytes` counts both directions. A system that took too long has no rows.
 */
export function rowsOf(measured: readonly Measured[]): Row[] {
  return measured.flatMap(({ case: name, system, cold, warm }) => {
    const row = (metric: string, values: readonly number[]): Row[] =>
      values.length === 0 ? [] : [{ case: name, metric, system, value: Number(median(values).toFixed(3)) }]
    return [
      ...row('time_ms', times(cold)),
      ...row('time_ms_warm', times(warm)),
      ...row('wire_bytes', wires([...cold, ...warm])),
    ]
  })
}

export function report(
  name: string,
  base: number,
  measured: readonly Measured[],
  floor: Floor | undefined,
): string {
  const subject = measured.find(({ system }) => system === 'holdfast')
  const head = [
    'system',
    'cold ms',
    'x',
    'warm ms',
    'x',
    'bytes out',
    'bytes in',
    'x',
    'offline ms',
    'merges',
  ]
  const lines = measured.map(each => lineOf(each, subject))
  return [
    `\n${name}, on a document of ${base.toLocaleString('en')} characters; median (least-greatest), x: times Holdfast's`,
    table(head, floor ? [...lines, floorLine(floor)] : lines),
    ...(subject && floor ? [distance(subject, floor)] : []),
    ...targets.filter(target => target.case === name).map(target => verdict(target, measured)),
  ].join('\n')
}

function lineOf({ system, cold, warm, overMs }: Measured, subject: Measured | undefined): string[] {
  if (overMs !== null) return [system, `> ${overMs / 1000} s`, ...Array<string>(8).fill('-')]
  const all = [...cold, ...warm]
  const times_ = (of: (samples: Measured) => readonly number[], own: readonly number[]) =>
    subject ? figure(median(own) / median(of(subject))) : '-'
  return [
    system,
    spread(times(cold)),
    times_(each => times(each.cold), times(cold)),
    spread(times(warm)),
    times_(each => times(each.warm), times(warm)),
    figure(median(all.map(({ traffic }) => traffic.out))),
    figure(median(all.map(({ traffic }) => traffic.in))),
    times_(each => wires([...each.cold, ...each.warm]), wires(all)),
    figure(median(all.map(({ editMs }) => editMs))),
    `${cold.length}+${warm.length}`,
  ]
}

const floorLine = ({ cold, warm }: Floor) => [
  '(bare ws trip)',
  spread(cold),
  '',
  spread(warm),
  '',
  '',
  '',
  '',
  '',
  `${cold.length}+${warm.length}`,
]

function distance(subject: Measured, floor: Floor): string {
  const over = (samples: readonly Sample[], trips: readonly number[]) =>
    figure(median(times(samples)) - median(trips) - 1)
  return `Over "a round trip plus a millisecond": ${over(subject.cold, floor.cold)} ms cold, ${over(subject.warm, floor.warm)} ms warm.`
}

/** Cold against cold; a system that was stopped at its limit counts with the limit. */
function verdict({ against, what, ratio }: Target, measured: readonly Measured[]): string {
  const of = (system: string) => measured.find(each => each.system === system)
  const [own, other] = [of('holdfast'), of(against)]
  if (!own || !other) return `Target ${what} ${ratio}x against ${against}: not measured`
  const value = ({ cold, overMs }: Measured) => overMs ?? median(what === 'time' ? times(cold) : wires(cold))
  const reached = value(other) / value(own)
  return `Target ${what} at least ${ratio}x against ${against}: ${figure(reached)}x, ${reached >= ratio ? 'met' : 'MISSED'}`
}
