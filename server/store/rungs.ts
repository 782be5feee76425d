/**
 * Delta rungs: composed ops over aligned ranges of growing size, so that a stretch of M versions is read in O(log M)
 * pieces instead of M ops.
 *
 *   size 64      [0,64) [64,128) ...            built by the commit that completes the range, in its transaction
 *   size 4096    [0,4096) ...                   from 64 rungs of size 64
 *
 * A range that holds a create or a delete has no rung. A rung follows from the log: one that is missing costs time only.
 */

import { composeAll } from '../../ops/compose.ts'
import type { WireChange } from '../../ops/protocol.ts'
import { typeOf } from '../../types/index.ts'

/** Versions of a rung of each size, the smallest first; each divides the next. */
export const RUNG_SIZES: readonly number[] = [64, 4096]

/** `n` consecutive versions as one change. */
export type Piece = WireChange & { n: number }

/** Where rungs and ops of one document are kept. */
export interface Ladder {
  /** The op of a rung as JSON text, or undefined. */
  rung(size: number, from: number): string | undefined
  addRung(size: number, from: number, op: string): void
  changes(from: number, to: number): WireChange[]
}

/** Builds the rungs that end at version `to`; `uri` is the document's type there. Never the reason why a commit fails. */
export function raise(ladder: Ladder, sizes: readonly number[], to: number, uri: string | null): void {
  try {
    build(ladder, sizes, to, uri)
  } catch {
    // What cannot be composed is read op by op, as it was committed.
  }
}

function build(ladder: Ladder, sizes: readonly number[], to: number, uri: string | null): void {
  for (const [level, size] of sizes.entries()) {
    if (uri === null || to % size !== 0) return
    const below =
      level === 0 ? ladder.changes(to - size, to) : rungsOf(ladder, sizes[level - 1]!, to - size, to)
    if (!below?.every(change => 'op' in change)) return
    const ops = below.map(({ op }) => op)
    ladder.addRung(size, to - size, JSON.stringify(composeAll(typeOf(uri), ops)))
  }
}

/** All rungs of `size` from a version to another; null if one is missing. */
function rungsOf(ladder: Ladder, size: number, from: number, to: number): WireChange[] | null {
  const ops: WireChange[] = []
  for (let v = from; v < to; v += size) {
    const op = ladder.rung(size, v)
    if (op === undefined) return null
    ops.push({ op: JSON.parse(op) })
  }
  return ops
}

/** The versions `from <= v < to` in few pieces; each version in `apart` is a piece of its own. */
export function climb(
  ladder: Ladder,
  sizes: readonly number[],
  from: number,
  to: number,
  apart: readonly number[],
): Piece[] {
  const pieces: Piece[] = []
  const [step = to] = sizes
  let read = from
  const readTo = (end: number) => {
    for (const change of end > read ? ladder.changes(read, end) : []) pieces.push({ n: 1, ...change })
    read = end
  }
  for (let v = from; v < to; ) {
    const found = widest(ladder, sizes, v, to, apart)
    if (found === null) v += step - (v % step)
    else {
      readTo(v)
      pieces.push(found)
      v += found.n
      read = v
    }
  }
  readTo(to)
  return pieces
}

function widest(
  ladder: Ladder,
  sizes: readonly number[],
  v: number,
  to: number,
  apart: readonly number[],
): Piece | null {
  for (const n of sizes.toReversed()) {
    if (v % n !== 0 || v + n > to || apart.some(own => own >= v && own < v + n)) continue
    const op = ladder.rung(n, v)
    if (op !== undefined) return { n, op: JSON.parse(op) }
  }
  return null
}
