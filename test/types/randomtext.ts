/** Random text and ops on it: unicode of every width. */

import { type TextOp, TextWriter } from '../../types/textop.ts'
import type { Random } from '../random.ts'

/** ASCII, a line end, a combining mark, two bytes, CJK, characters of two units that share their first, a joined family. */
const CHARACTERS = [...'abcdexyz  \n', 'é', 'e\u0301', 'ß', '漢', '😀', '😁', '𝒳', '👩‍👧']

export function randomText(rng: Random, characters: number): string {
  let out = ''
  for (let i = 0; i < characters; i++) out += rng.pick(CHARACTERS)
  return out
}

export function randomTextOp(doc: string, rng: Random): TextOp {
  const out = new TextWriter()
  let left = [...doc].length
  for (let turn = someTimes(rng, 6); turn > 0; turn--) {
    const n = Math.min(left, 1 + rng.int(6))
    const verb = rng.int(3)
    if (verb === 0) out.insert(randomText(rng, 1 + rng.int(4)))
    else if (n > 0) {
      if (verb === 1) out.keep(n)
      else out.delete(n)
      left -= n
    }
  }
  return out.op()
}

/** How many steps an op takes: up to `most`, now and then none at all. */
export const someTimes = (rng: Random, most: number): number => (rng.chance(0.04) ? 0 : 1 + rng.int(most))
