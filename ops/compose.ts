/**
 * Composing many ops into one. One after another is quadratic (each step copies all that came before); as a tree of
 * pairs every component is copied log2(n) times. Pure.
 */

/** A type, as far as composing goes. */
export interface Composing<Op> {
  compose(a: Op, b: Op): Op
}

/** The composition of `ops[from..to)` in order; null when there is none. O(total size · log n). */
export function composeAll<Op>(
  type: Composing<Op>,
  ops: readonly Op[],
  from = 0,
  to = ops.length,
): Op | null {
  if (to - from <= 0) return null
  if (to - from === 1) return ops[from]!
  const middle = (from + to) >>> 1
  return type.compose(composeAll(type, ops, from, middle)!, composeAll(type, ops, middle, to)!)
}

/**
 * A growing sequence of ops, kept as a binary counter of composed runs (sizes falling from left to right), so that
 * appending costs amortised O(log n) composes of small runs, and joining at the end one compose a tier.
 */
export interface Tiers<Op = unknown> {
  readonly runs: readonly { readonly count: number; readonly op: Op }[]
  /** Number of ops that were appended. */
  readonly count: number
}

/** The sequence of one op, which may stand for `count` that were composed before. */
export const tiersOf = <Op>(op: Op, count = 1): Tiers<Op> => ({ runs: [{ count, op }], count })

export function append<Op>(type: Composing<Op>, tiers: Tiers<Op>, op: Op): Tiers<Op> {
  const runs = tiers.runs.slice()
  let last = { count: 1, op }
  for (let top = runs.at(-1); top !== undefined && top.count <= last.count; top = runs.at(-1)) {
    last = { count: top.count + last.count, op: type.compose(top.op, last.op) }
    runs.pop()
  }
  runs.push(last)
  return { runs, count: tiers.count + 1 }
}

/** The whole sequence as one op. Joined from the right, where the runs are small. */
export function join<Op>(type: Composing<Op>, { runs }: Tiers<Op>): Op {
  return runs.slice(0, -1).reduceRight((rest, run) => type.compose(run.op, rest), runs.at(-1)!.op)
}
