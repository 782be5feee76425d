/** Random rich documents and ops on them: formats set and taken away, embeds, deletes before and behind inserts. */

import type { Attributes, AttributeValue } from '../../types/attributes.ts'
import type { RichDoc, RichOp } from '../../types/index.ts'
import type { Insert, Run } from '../../types/runs.ts'
import type { Random } from '../random.ts'
import { randomText, someTimes } from './randomtext.ts'

const FORMATS: readonly (readonly [string, readonly AttributeValue[]])[] = [
  ['bold', [true]],
  ['italic', [true]],
  ['color', ['#f00', '#00f']],
  ['header', [1, 2]],
  ['link', ['https://example.org/', 'mailto:a@example.org']],
]

/** Undefined, or one to three formats; with `nulls` some of them take a format away. */
function randomAttributes(rng: Random, nulls: boolean): Attributes | undefined {
  if (rng.chance(0.5)) return undefined
  const attributes: Record<string, AttributeValue> = {}
  for (let i = 1 + rng.int(3); i > 0; i--) {
    const [name, values] = rng.pick(FORMATS)
    attributes[name] = nulls && rng.chance(0.4) ? null : rng.pick(values)
  }
  return attributes
}

function randomInsert(rng: Random): Insert {
  const picture = { image: rng.pick(['/a.png', 'https://example.org/b.png']) }
  const insert = rng.chance(0.2) ? picture : randomText(rng, 1 + rng.int(4))
  const attributes = randomAttributes(rng, false)
  return attributes ? { insert, attributes } : { insert }
}

export const randomInserts = (rng: Random, n: number): Insert[] =>
  Array.from({ length: n }, () => randomInsert(rng))

export function randomRichOp(doc: RichDoc, rng: Random): RichOp {
  // Characters and embeds by their lengths in units: no op cuts a pair.
  const lengths = doc.ops.flatMap(run =>
    typeof run.insert === 'string' ? [...run.insert].map(c => c.length) : [1],
  )
  const ops: Run[] = []
  for (let turn = someTimes(rng, 6); turn > 0; turn--) {
    const n = lengths.splice(0, rng.int(6)).reduce((sum, length) => sum + length, 0)
    const verb = rng.int(3)
    if (verb === 0 || n === 0) ops.push(randomInsert(rng))
    if (n === 0) continue
    if (verb === 1) ops.push({ delete: n })
    else {
      const attributes = randomAttributes(rng, true)
      ops.push(attributes ? { retain: n, attributes } : { retain: n })
    }
  }
  return { ops }
}
