/**
 * Sittings: a document's history in the pieces that people remember it by, "Tuesday afternoon, Ann and Bob". Pure.
 *
 * A summary says who changed how much in a stretch of consecutive versions. The smallest is that of one op, neighbouring
 * ones merge, and a sitting is the summary of a stretch in which nobody stopped. Between two neighbouring ops a sitting ends
 *   - where the pause is longer than `gap`
 *   - where a new day begins, at 04:00 of the reader's clock: so a document that is never left alone for a `gap` (a
 *     status board, people around the world, a robot) has an entry a day, not one without end
 *   - at a marked version, one with a name, say: so it can be found as the end of a sitting
 *
 * Only the two neighbours count. So a sitting that has ended stays as it is, only the newest one grows; and sittings are
 * the same whether they are put together from ops or from blocks of them, from one reading or from several:
 *
 *   sittingsOf([...sittingsOf(newer), ...older]) = sittingsOf([...newer, ...older])
 *
 * Reading goes backwards, newest first. The cursor of a page is a version, `before`: the page has what lies below it, and
 * `before` of the next one is where its oldest sitting begins. Read on until `pageOf` has a page.
 */

import type { Extent } from '../types/type.ts'

/** What one writer did. */
export interface Share extends Extent {
  readonly ops: number
}

/** The versions from `v` to `v + n`: `n` ops, the first of which was made to version `v`. */
export interface Summary {
  readonly v: number
  readonly n: number
  /** When the first and the last op were committed, ms since 1970. A clock that was set back may have `to` before `from`. */
  readonly from: number
  readonly to: number
  /** The longest pause between two neighbouring ops of it, ms; 0 for a single op. */
  readonly pause: number
  readonly writers: Readonly<Record<string, Share>>
}

/** Where sittings end. The same for all pages of one reading. */
export interface SittingRule {
  /** The longest pause inside a sitting, ms. Default 30 minutes. */
  readonly gap?: number
  /** How far the reader's clock is ahead of UTC, ms. Default 0. */
  readonly zone?: number
  /** Versions at which a sitting ends in any case. */
  readonly marks?: ReadonlySet<number>
}

export interface Page {
  /** Newest first. */
  readonly sittings: readonly Summary[]
  /** The cursor of the next page; null: there is no more. */
  readonly before: number | null
}

const MINUTE = 60_000
const GAP = 30 * MINUTE
const DAY = 24 * 60 * MINUTE
const DAY_STARTS = 4 * 60 * MINUTE

/** The summary of the op that was committed to version `v` at time `at`. */
export const summaryOf = (v: number, at: number, writer: string, extent: Extent): Summary => ({
  v,
  n: 1,
  from: at,
  to: at,
  pause: 0,
  writers: Object.fromEntries([[writer, { ops: 1, added: extent.added, removed: extent.removed }]]),
})

/**
 * The summary of a stretch from those of its parts, oldest first, at least one. Throws where they leave a gap.
 *
 * Law: associative, `mergeSummaries([mergeSummaries([a, b]), c])` equals `mergeSummaries([a, mergeSummaries([b, c])])`.
 */
export function mergeSummaries(parts: readonly Summary[]): Summary {
  const [first, last] = [parts[0]!, parts.at(-1)!]
  let pause = first.pause
  for (const [i, part] of parts.entries()) {
    if (i > 0) pause = Math.max(pause, pauseBetween(parts[i - 1]!, part), part.pause)
  }
  return {
    v: first.v,
    n: last.v + last.n - first.v,
    from: first.from,
    to: last.to,
    pause,
    writers: sumShares(parts),
  }
}

/** The sittings that `summaries` make up; both newest first. The oldest may go on beyond what was read. */
export function sittingsOf(summaries: readonly Summary[], rule: SittingRule = {}): Summary[] {
  const sittings: Summary[] = []
  let start = 0
  for (let i = 1; i <= summaries.length; i++) {
    if (i < summaries.length && !endsBetween(summaries[i]!, summaries[i - 1]!, rule)) continue
    sittings.push(mergeSummaries(summaries.slice(start, i).reverse()))
    start = i
  }
  return sittings
}

/**
 * Whether a sitting may end inside a block of ops: then only the ops themselves can tell where. (A clock that was set
 * back over 04:00 may hide that a day began.)
 */
export function mayPart({ v, n, from, to, pause }: Summary, rule: SittingRule = {}): boolean {
  if (pause > (rule.gap ?? GAP) || dayOf(from, rule) !== dayOf(to, rule)) return true
  for (const mark of rule.marks ?? []) if (mark > v && mark < v + n) return true
  return false
}

/**
 * The first `limit` (1 or more) of the sittings that were read, newest first; null where more must be read to know where
 * the last of them begins. `ended`: what was read reaches to the beginning of the history.
 */
export function pageOf(sittings: readonly Summary[], limit: number, ended: boolean): Page | null {
  if (sittings.length > limit) {
    const page = sittings.slice(0, limit)
    return { sittings: page, before: page.at(-1)!.v }
  }
  return ended ? { sittings, before: null } : null
}

function endsBetween(older: Summary, newer: Summary, rule: SittingRule): boolean {
  return (
    pauseBetween(older, newer) > (rule.gap ?? GAP) ||
    dayOf(older.to, rule) !== dayOf(newer.from, rule) ||
    rule.marks?.has(newer.v) === true
  )
}

/** Below 0 where the clock was set back. */
function pauseBetween(older: Summary, newer: Summary): number {
  if (older.v + older.n !== newer.v) throw new Error(`summaries leave a gap before version ${newer.v}`)
  return newer.from - older.to
}

const dayOf = (time: number, { zone = 0 }: SittingRule): number =>
  Math.floor((time + zone - DAY_STARTS) / DAY)

/** Through a Map: a writer may be called `__proto__`. */
function sumShares(parts: readonly Summary[]): Record<string, Share> {
  const sums = new Map<string, Share>()
  for (const { writers } of parts) {
    for (const [writer, share] of Object.entries(writers)) {
      const sum = sums.get(writer)
      sums.set(writer, sum ? addShares(sum, share) : share)
    }
  }
  return Object.fromEntries(sums)
}

const addShares = (a: Share, b: Share): Share => ({
  ops: a.ops + b.ops,
  added: a.added + b.added,
  removed: a.removed + b.removed,
})
