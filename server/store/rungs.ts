/**
 * Delta rungs: composed ops over aligned ranges of growing size, so that a stretch of M versions is read in O(log M)
 * pieces instead of M ops.
 *
 *   size 64      [0,64) [64,128) ...            composed from ops
 *   size 512     [0,512) ...                    composed from 8 rungs of size 64, and so on
 *
 * A range that holds a create or a delete has no rung. A rung follows from the log: one that is missing costs time only.
 * They are built in the background (tending.ts).
 */

import { composeAll } from '../../ops/compose.ts'
import type { WireChange } from '../../ops/protocol.ts'
import { typeOf } from '../../types/index.ts'
import type { RungRow } from './engine.ts'

/**
 * Versions of a rung of each size, the smallest first; each divides the next.
 *
 * Measured on the 259,778 edits of automerge-paper (`npm run bench -- history --rungs ...`): a version, a difference (95th
 * percentile), and all rungs on disk.
 *
 *   64, 512, 4096 ... (radix 8)     6.5 ms   4.2 ms   578 kB        32 ... (radix 8)     7.6 ms   3.6 ms   770 kB
 *   64, 1024 ...      (radix 16)    9.1 ms   4.5 ms   496 kB       128 ... (radix 8)     7.6 ms   2.7 ms   451 kB
 *   64, 256 ...       (radix 4)     9.0 ms   7.2 ms   770 kB       256 ... (radix 8)    11.2 ms   5.1 ms   336 kB
 */
export const RUNG_SIZES: readonly number[] = [64, 512, 4096, 32_768, 262_144]

/** `n` consecutive versions as one change. */
export type Piece = WireChange & { n: number }

/** The rungs and ops of one document. */
export interface Ladder {
  /** Rungs of `size` with `from <= v < to`, in order. */
  rungs(size: number, from: number, to: number): Promise<RungRow[]>
  changes(from: number, to: number): Promise<WireChange[]>
}

export interface GrowingLadder extends Ladder {
  add(size: number, rungs: readonly RungRow[]): Promise<void>
  /** The type's URI at a version, null where the document does not exist. */
  typeAt(v: number): Promise<string | null>
}

type Stretch = readonly [from: number, to: number]

/** The versions `from <= v < to` in few pieces; each version in `apart` is a piece of its own. */
export async function climb(
  ladder: Ladder,
  sizes: readonly number[],
  from: number,
  to: number,
  apart: readonly number[],
): Promise<Piece[]> {
  const found: { v: number; pieces: Piece[] }[] = []
  let left: Stretch[] = from < to ? [[from, to]] : []
  for (const size of sizes.toReversed()) {
    const parts = await Promise.all(left.map(stretch => rungsIn(ladder, size, stretch, apart)))
    for (const { v, op } of parts.flat()) found.push({ v, pieces: [{ n: size, op: JSON.parse(op) }] })
    left = left.flatMap((stretch, i) => rest(stretch, parts[i]!, size))
  }
  const raw = await Promise.all(left.map(([a, b]) => ladder.changes(a, b)))
  for (const [i, changes] of raw.entries())
    found.push({ v: left[i]![0], pieces: changes.map(change => ({ n: 1, ...change })) })
  return found.sort((a, b) => a.v - b.v).flatMap(({ pieces }) => pieces)
}

/** The rungs of one size that lie in a stretch and hold none of `apart`. */
async function rungsIn(
  ladder: Ladder,
  size: number,
  [from, to]: Stretch,
  apart: readonly number[],
): Promise<RungRow[]> {
  const [first, end] = [Math.ceil(from / size) * size, Math.floor(to / size) * size]
  if (first >= end) return []
  const rungs = await ladder.rungs(size, first, end)
  return rungs.filter(({ v }) => !apart.some(own => own >= v && own < v + size))
}

/** What of a stretch no rung covers. */
function rest([from, to]: Stretch, rungs: readonly RungRow[], size: number): Stretch[] {
  const left: Stretch[] = []
  let read = from
  for (const { v } of rungs) {
    if (v > read) left.push([read, v])
    read = v + size
  }
  if (read < to) left.push([read, to])
  return left
}

/** Most rungs that are built from one read. */
const BATCH = 64

/**
 * Builds the rungs of `sizes[level]` in `from <= v < to`, both multiples of it, from what is below them.
 * Leaves out what cannot be composed: it is read op by op, as it was committed.
 */
export async function raise(
  ladder: GrowingLadder,
  sizes: readonly number[],
  level: number,
  from: number,
  to: number,
): Promise<void> {
  const size = sizes[level]!
  /** Versions of an entry below. */
  const step = sizes[level - 1] ?? 1
  for (let start = from; start < to; start += BATCH * size) {
    const end = Math.min(to, start + BATCH * size)
    const below =
      level === 0
        ? await opsBelow(ladder, start, end)
        : await rungsBelow(ladder, sizes[level - 1]!, start, end)
    const rungs: RungRow[] = []
    for (let v = start; v < end; v += size) {
      const parts = below.slice((v - start) / step, (v - start + size) / step)
      const op = await composed(ladder, v, parts)
      if (op !== null) rungs.push({ v, op })
    }
    if (rungs.length > 0) await ladder.add(size, rungs)
  }
}

/** One entry a version: its op, undefined for a create or a delete. */
async function opsBelow(ladder: Ladder, from: number, to: number): Promise<unknown[]> {
  return (await ladder.changes(from, to)).map(change => ('op' in change ? change.op : undefined))
}

/** One entry for each rung of the size below; undefined where it is missing. */
async function rungsBelow(ladder: Ladder, size: number, from: number, to: number): Promise<unknown[]> {
  const ops: unknown[] = Array((to - from) / size).fill(undefined)
  for (const { v, op } of await ladder.rungs(size, from, to)) ops[(v - from) / size] = JSON.parse(op)
  return ops
}

async function composed(ladder: GrowingLadder, v: number, parts: readonly unknown[]): Promise<string | null> {
  if (parts.includes(undefined)) return null
  const uri = await ladder.typeAt(v)
  if (uri === null) return null
  try {
    return JSON.stringify(composeAll(typeOf(uri), parts))
  } catch {
    return null
  }
}
