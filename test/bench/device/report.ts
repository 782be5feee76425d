/** What `device` prints and writes: the medians of a case side by side, what could not be measured, and the targets. */

import { figure, median, type Row, spread, table } from '../table.ts'
import { type Metric, metrics, printed } from './cases.ts'

export interface DeviceMeasured {
  readonly case: string
  readonly system: string
  readonly figures: ReadonlyMap<Metric, readonly number[]>
  /** Why the rest of its figures are missing. */
  readonly failure?: string
}

const SUBJECT = 'holdfast'
/** Bytes of a keystroke on 1 MB over those on 100 kB. */
const FLAT = 1.2
/** A main thread that is busy for longer lets a person notice it, in ms. */
const TASK_MS = 50

const figuresOf = ({ figures }: DeviceMeasured, metric: Metric) => figures.get(metric) ?? []

/** Medians; no row where nothing could be measured. */
export function deviceRows(measured: readonly DeviceMeasured[]): Row[] {
  return measured.flatMap(each =>
    metrics.flatMap(metric => {
      const values = figuresOf(each, metric)
      if (values.length === 0) return []
      return [{ case: each.case, metric, system: each.system, value: Number(median(values).toFixed(3)) }]
    }),
  )
}

/** The table of a case: a line for each metric, and how many times Holdfast's figure another system's is. */
export function deviceReport(name: string, measured: readonly DeviceMeasured[]): string {
  const subject = measured.find(({ system }) => system === SUBJECT)
  const lines = [...metrics, ...printed].filter(metric =>
    measured.some(each => figuresOf(each, metric).length > 0),
  )
  const cells = (each: DeviceMeasured, metric: Metric) => {
    const values = figuresOf(each, metric)
    if (each === subject || subject === undefined) return [spread(values)]
    return [spread(values), figure(median(values) / median(figuresOf(subject, metric)))]
  }
  const head = measured.flatMap(each =>
    each === subject || subject === undefined ? [each.system] : [each.system, 'x'],
  )
  return [
    `\n${name}; median (least-greatest), x: times Holdfast's`,
    table(
      ['', ...head],
      lines.map(metric => [metric.replaceAll('_', ' '), ...measured.flatMap(each => cells(each, metric))]),
    ),
    ...measured.flatMap(({ system, failure }) => (failure === undefined ? [] : [`${system}: ${failure}`])),
  ].join('\n')
}

/** Each target, met or missed. */
export function deviceVerdicts(measured: readonly DeviceMeasured[]): string {
  const of = (name: string, system: string, metric: Metric) => {
    const found = measured.find(each => each.case === name && each.system === system)
    return found ? median(figuresOf(found, metric)) : Number.NaN
  }
  const cases = [...new Set(measured.map(each => each.case))]
  const others = [...new Set(measured.map(each => each.system))].filter(system => system !== SUBJECT)
  const under = (name: string, metric: Metric, what: string) =>
    others.map(other => {
      const [own, theirs] = [of(name, SUBJECT, metric), of(name, other, metric)]
      return verdict(`${name}: ${what} than ${other}`, theirs / own, 'x', own < theirs)
    })
  const growth = of('1MB', SUBJECT, 'bytes_per_keystroke') / of('100kB', SUBJECT, 'bytes_per_keystroke')
  return [
    verdict(`bytes of a keystroke on 1 MB at most ${FLAT}x those on 100 kB`, growth, 'x', growth <= FLAT),
    ...cases.flatMap(name => {
      if (name.startsWith('merge')) {
        const longest = of(name, SUBJECT, 'longest_task_ms')
        return [verdict(`${name}: no task over ${TASK_MS} ms`, longest, ' ms', longest <= TASK_MS)]
      }
      return [
        ...under(name, 'bytes_per_keystroke', 'fewer bytes a keystroke'),
        ...under(name, 'open_ms', 'opens faster'),
        ...under(name, 'open_5000_ms', 'opens with unsent edits faster'),
      ]
    }),
  ].join('\n')
}

const verdict = (what: string, value: number, unit: string, met: boolean) =>
  `Target ${what}: ${Number.isNaN(value) ? 'not measured' : `${figure(value)}${unit}, ${met ? 'met' : 'MISSED'}`}`
