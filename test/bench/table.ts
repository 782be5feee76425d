/** Numbers for people to read and for programs to take. */

export interface Row {
  readonly case: string
  readonly metric: string
  readonly system: string
  readonly value: number
}

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >>> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The value that a share of the values, `part` in [0, 1], does not exceed. */
export function percentile(values: Iterable<number>, part: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
}

/** Three figures are as many as these measurements carry. */
export function figure(value: number): string {
  if (Number.isNaN(value)) return '-'
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}

/** The median, and in brackets the least and the greatest. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return '-'
  const middle = figure(median(values))
  return values.length === 1
    ? middle
    : `${middle} (${figure(Math.min(...values))}-${figure(Math.max(...values))})`
}

/** Columns as wide as their widest cell; the first stands left, the rest right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]!.length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd()
  return [line(head), widths.map(width => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}
