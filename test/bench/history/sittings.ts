/**
 * When and under which names the edits were made, which the trace does not say and every system with ops stores: somebody
 * types a few edits a second, with pauses, in sittings of some 2,000 edits, each on a connection of its own.
 */

import { newSrc } from '../../../ops/identity.ts'
import { Random } from '../../random.ts'

/** What comes with an op beside the change. */
export interface Stamp {
  readonly src: string
  /** Counts from 1 in each `src`. */
  readonly seq: number
  /** ms since 1970. */
  readonly at: number
}

const START = Date.UTC(2017, 9, 2, 9)
const SEED = 20171002

/** One for each of `count` ops in order, always the same. */
export function stampsOf(count: number): Stamp[] {
  const random = new Random(SEED)
  const fresh = () => newSrc(bytes => bytes.set(Array.from(bytes, () => random.int(256))))
  let stamp: Stamp = { src: fresh(), seq: 0, at: START }
  return Array.from({ length: count }, () => {
    const { src, seq, at } = stamp
    if (random.chance(1 / 2000)) stamp = { src: fresh(), seq: 1, at: at + 3_600_000 + random.int(86_400_000) }
    else stamp = { src, seq: seq + 1, at: at + 60 + random.int(random.chance(0.02) ? 30_000 : 400) }
    return stamp
  })
}
