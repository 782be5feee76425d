/** Sittings against grouping the single ops by their times. */

import assert from 'node:assert/strict'
import {
  mayPart,
  mergeSummaries,
  pageOf,
  type Share,
  type SittingRule,
  type Summary,
  sittingsOf,
  summaryOf,
} from '../../ops/sittings.ts'
import { Random } from '../random.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const SEEDS = Array.from({ length: 300 }, (_, i) => i + 1)

/** Writers whose names are traps for a plain object. */
const WRITERS = ['ann', 'bob', '7', '', '__proto__', 'constructor']

interface Made {
  readonly v: number
  readonly at: number
  readonly writer: string
  readonly added: number
  readonly removed: number
}

/** Ops in the order of their versions; with `setBack` the clock is now and then set back. */
function randomOps(rng: Random, setBack = false): Made[] {
  const gap = 30 * MINUTE
  const steps = [0, SECOND, MINUTE, gap - 1, gap, gap + 1, 3 * HOUR, 20 * HOUR, 50 * HOUR]
  const first = rng.int(100)
  let at = Date.UTC(2026, 10, 24) + rng.int(24) * HOUR
  return Array.from({ length: 1 + rng.int(60) }, (_, i) => {
    at +=
      setBack && rng.chance(0.1) ? -rng.int(5 * HOUR) : rng.chance(0.6) ? rng.int(MINUTE) : rng.pick(steps)
    return { v: first + i, at, writer: rng.pick(WRITERS), added: rng.int(9), removed: rng.int(3) }
  })
}

function randomRule(rng: Random, ops: readonly Made[]): SittingRule {
  if (rng.chance(0.2)) return {}
  const marks = new Set(ops.filter(() => rng.chance(0.05)).map(({ v }) => v))
  return { gap: rng.pick([0, MINUTE, 30 * MINUTE, 4 * HOUR]), zone: (rng.int(27) - 12) * HOUR, marks }
}

const single = ({ v, at, writer, added, removed }: Made): Summary =>
  summaryOf(v, at, writer, { added, removed })
const newestFirst = (ops: readonly Made[]): Summary[] => ops.map(single).reverse()

/** The ops in groups, both in order, by the wording of the rule. */
function grouped(
  ops: readonly Made[],
  { gap = 30 * MINUTE, zone = 0, marks = new Set() }: SittingRule,
): Made[][] {
  const night = (at: number) => new Date(at + zone - 4 * HOUR).toISOString().slice(0, 10)
  const groups: Made[][] = []
  for (const [i, op] of ops.entries()) {
    const last = ops[i - 1]
    if (last && op.at - last.at <= gap && night(op.at) === night(last.at) && !marks.has(op.v))
      groups.at(-1)!.push(op)
    else groups.push([op])
  }
  return groups
}

/** The summary of a group, counted anew. */
function counted(ops: readonly Made[]): Summary {
  const shares = WRITERS.map((writer): [string, Share] => {
    const own = ops.filter(op => op.writer === writer)
    const sum = (side: 'added' | 'removed') => own.reduce((total, op) => total + op[side], 0)
    return [writer, { ops: own.length, added: sum('added'), removed: sum('removed') }]
  })
  const pauses = ops.slice(1).map((op, i) => op.at - ops[i]!.at)
  return {
    v: ops[0]!.v,
    n: ops.length,
    from: ops[0]!.at,
    to: ops.at(-1)!.at,
    pause: Math.max(0, ...pauses),
    writers: Object.fromEntries(shares.filter(([, share]) => share.ops > 0)),
  }
}

/** A list cut at random places, never into nothing. */
function cut<T>(list: readonly T[], rng: Random): T[][] {
  const parts: T[][] = []
  for (const item of list) {
    if (parts.length === 0 || rng.chance(0.3)) parts.push([item])
    else parts.at(-1)!.push(item)
  }
  return parts
}

describe('sittings', () => {
  const noon = Date.UTC(2026, 10, 24, 12)
  const op = (v: number, at: number, writer = 'ann') => summaryOf(v, at, writer, { added: 1, removed: 0 })
  const spans = (summaries: Summary[], rule?: SittingRule) =>
    sittingsOf(summaries.toReversed(), rule).map(({ v, n }) => [v, v + n])

  it('[V4] end where nobody edits for longer than the gap', () => {
    const times = [0, 10, 40, 71, 75].map((minutes, v) => op(v, noon + minutes * MINUTE))
    assert.deepEqual(spans(times), [
      [3, 5],
      [0, 3],
    ]) // prettier-ignore
    assert.deepEqual(spans(times, { gap: HOUR }), [[0, 5]])
    assert.deepEqual(spans(times, { gap: 5 * MINUTE }), [
      [3, 5],
      [2, 3],
      [1, 2],
      [0, 1],
    ]) // prettier-ignore
  })
  it('[V4] end at four in the morning where the reader is, however late it got', () => {
    const everyTwenty = Array.from({ length: 72 }, (_, v) => op(v, noon + v * 20 * MINUTE))
    assert.deepEqual(spans(everyTwenty), [
      [48, 72],
      [0, 48],
    ]) // prettier-ignore
    assert.deepEqual(spans(everyTwenty, { zone: -8 * HOUR }), [[0, 72]])
    assert.deepEqual(spans(everyTwenty, { zone: 5.5 * HOUR }), [
      [32, 72],
      [0, 32],
    ]) // prettier-ignore
  })
  it('[V4] end at a version with a name', () => {
    const typed = Array.from({ length: 9 }, (_, v) => op(v, noon + v * SECOND))
    assert.deepEqual(spans(typed, { marks: new Set([0, 4, 9]) }), [
      [4, 9],
      [0, 4],
    ]) // prettier-ignore
  })
  it('[V4] end nowhere else, and have the counts of their ops', () => {
    for (const seed of SEEDS) {
      const rng = new Random(seed)
      const ops = randomOps(rng, true)
      const rule = randomRule(rng, ops)
      assert.deepEqual(
        sittingsOf(newestFirst(ops), rule).reverse(),
        grouped(ops, rule).map(counted),
        `seed ${seed}`,
      )
    }
    assert.deepEqual(sittingsOf([]), [])
  })

  it('[V5] of blocks are those of the ops, where no sitting ends inside a block', () => {
    for (const seed of SEEDS) {
      const rng = new Random(seed)
      const ops = randomOps(rng, true)
      const rule = randomRule(rng, ops)
      const blocks = grouped(ops, rule).flatMap(group => cut(group, rng))
      const summaries = blocks.map(block => mergeSummaries(block.map(single))).reverse()
      assert.deepEqual(sittingsOf(summaries, rule), sittingsOf(newestFirst(ops), rule), `seed ${seed}`)
    }
  })
  it('[V5] may end inside a block only where the block says so', () => {
    const seen = new Set<boolean>()
    for (const seed of SEEDS) {
      const rng = new Random(seed)
      const ops = randomOps(rng)
      const rule = randomRule(rng, ops)
      for (const block of cut(ops, rng)) {
        const parts = mayPart(mergeSummaries(block.map(single)), rule)
        assert.equal(parts, grouped(block, rule).length > 1, `seed ${seed}`)
        seen.add(parts)
      }
    }
    assert.equal(seen.size, 2)
  })

  it('[V6] summaries merge to the same in whatever order they are merged', () => {
    for (const seed of SEEDS) {
      const rng = new Random(seed)
      const ops = randomOps(rng, true)
      const parts = ops.map(single)
      const pairwise = (list: Summary[]) => cut(list, rng).map(mergeSummaries)
      assert.deepEqual(mergeSummaries(parts), counted(ops), `seed ${seed}`)
      assert.deepEqual(mergeSummaries(pairwise(pairwise(parts))), counted(ops), `seed ${seed}`)
      assert.deepEqual(
        mergeSummaries(JSON.parse(JSON.stringify(pairwise(parts)))),
        counted(ops),
        `seed ${seed}`,
      )
    }
  })
  it('[V6] summaries with versions missing between them do not merge', () => {
    assert.throws(() => mergeSummaries([op(0, noon), op(2, noon)]))
    assert.throws(() => sittingsOf([op(0, noon), op(1, noon)]))
  })

  it('[V7] are the same read at once or page by page, in portions of any size', () => {
    for (const seed of SEEDS) {
      const rng = new Random(seed)
      const ops = randomOps(rng, true)
      const rule = randomRule(rng, ops)
      const limit = 1 + rng.int(4)
      const pages: Summary[] = []
      for (let before: number | null = Number.POSITIVE_INFINITY; before !== null; ) {
        const page = readPage(ops, before, limit, rule, rng)
        assert(page.sittings.length === limit || page.before === null)
        pages.push(...page.sittings)
        before = page.before
      }
      assert.deepEqual(pages, sittingsOf(newestFirst(ops), rule), `seed ${seed}`)
    }
  })
  it('[V7] keep their places while the document is edited: only the newest one grows', () => {
    for (const seed of SEEDS) {
      const rng = new Random(seed)
      const ops = randomOps(rng, true)
      const rule = randomRule(rng, ops)
      const earlier = sittingsOf(newestFirst(ops.slice(0, 1 + rng.int(ops.length))), rule).reverse()
      const later = sittingsOf(newestFirst(ops), rule).reverse()
      assert.deepEqual(later.slice(0, earlier.length - 1), earlier.slice(0, -1), `seed ${seed}`)
      assert.equal(later[earlier.length - 1]!.v, earlier.at(-1)!.v)
    }
  })
  it('[V7] a history without ops has one empty page', () => {
    assert.deepEqual(pageOf([], 5, true), { sittings: [], before: null })
    assert.equal(pageOf([], 5, false), null)
  })
})

/** As a store would: reads backwards in portions until there is a page, grouping what it has with what comes. */
function readPage(ops: readonly Made[], before: number, limit: number, rule: SittingRule, rng: Random) {
  const rest = newestFirst(ops.filter(({ v }) => v < before))
  let sittings: Summary[] = []
  for (;;) {
    sittings = sittingsOf([...sittings, ...rest.splice(0, 1 + rng.int(6))], rule)
    const page = pageOf(sittings, limit, rest.length === 0)
    if (page) return page
  }
}
