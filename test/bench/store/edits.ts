/**
 * What the writers of `store` type: each edit puts a letter over the one at its place, as with the Insert key, so a
 * document has its size from the first edit to the last, however fast a system is. A writer goes through a run of
 * sixteen letters, then goes on elsewhere; the places are the same for all systems.
 *
 * A place is valid in every version: an op takes away one letter and brings one, so the document is never shorter than
 * it was. (Where two writers overtype the same letter at once it grows by one.)
 */

import { Random } from '../../random.ts'
import type { Splice } from '../../traces/splice.ts'

/** Where a system has collections, the documents are in this one. */
export const COLLECTION = 'load'

const RUN = 16
/** Steps from a run to the next and from a writer to the next: primes, so that the places spread over the document. */
const JUMP = 104_729
const APART = 7919

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
/** Words of so many letters, each letter as often as it stands here: texts compress about as prose does. */
const WORD = { least: 2, most: 9 }
const FREQUENT =
  'eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddllllcccuuummwwffggyypbvk'

/** Edit `index` (from 0) of writer `writer` on a document of `size` characters. */
export function editOf(writer: number, index: number, size: number): Splice {
  const run = Math.floor(index / RUN)
  const at = ((writer * APART + run * JUMP) % (size - RUN)) + (index % RUN)
  return { at, deleted: 1, inserted: LETTERS[(writer + index) % LETTERS.length]! }
}

/** A text of `size` ASCII characters, the same for the same seed. */
export function textOf(size: number, seed: number): string {
  const random = new Random(seed)
  let text = ''
  while (text.length < size) {
    const letters = WORD.least + random.int(WORD.most - WORD.least + 1)
    for (let i = 0; i < letters; i++) text += FREQUENT[random.int(FREQUENT.length)]
    text += random.chance(0.02) ? '\n' : ' '
  }
  return text.slice(0, size)
}
