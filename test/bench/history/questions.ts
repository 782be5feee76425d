/** What every system is asked, and the right answers: from the plain string that the edits make. */

import { Random } from '../../random.ts'
import { type Splice, spliceString } from '../../traces/splice.ts'
import type { Range } from './keeper.ts'

export interface Questions {
  /** Each by its number of edits. */
  readonly versions: readonly number[]
  readonly ranges: readonly Range[]
}

/** `size` versions and as many pairs of a history of `count` edits, at random places that the seed says. */
export function questionsOf(count: number, size: number, seed: number): Questions {
  const random = new Random(seed)
  const any = () => random.int(count + 1)
  const pair = (): Range => {
    const [a, b] = [any(), any()]
    return a === b ? pair() : { from: Math.min(a, b), to: Math.max(a, b) }
  }
  return { versions: Array.from({ length: size }, any), ranges: Array.from({ length: size }, pair) }
}

/** The last number of edits up to `edits` that a system shows which can show one in `every`. */
export const shown = (edits: number, every: number): number => edits - (edits % every)

/** The text after each of the numbers of edits in `wanted`. */
export function textsAt(edits: readonly Splice[], wanted: Iterable<number>): ReadonlyMap<number, string> {
  const texts = new Map<number, string>()
  let text = ''
  let made = 0
  for (const stop of [...new Set(wanted)].sort((a, b) => a - b)) {
    text = edits.slice(made, stop).reduce(spliceString, text)
    made = stop
    texts.set(stop, text)
  }
  return texts
}
