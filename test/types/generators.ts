/**
 * Random documents and ops of every type, all of them sound: `check` takes each. Small documents, so that random ops
 * meet; every kind of component, unicode of every width, formats and embeds, nesting, moves.
 */

import type { JsonValue, RichDoc, Type } from '../../types/index.ts'
import type { Random } from '../random.ts'
import { randomJson, randomJsonOp } from './randomjson.ts'
import { randomInserts, randomRichOp } from './randomrich.ts'
import { randomText, randomTextOp } from './randomtext.ts'

/** A document of `type`. */
export function randomDoc(type: Type, rng: Random): unknown {
  if (type.name === 'text') return randomText(rng, rng.int(20))
  if (type.name === 'rich') return type.create({ ops: randomInserts(rng, rng.int(6)) })
  return randomJson(rng)
}

/** An op that fits `doc`; now and then one without effect. */
export function randomOp(type: Type, doc: unknown, rng: Random): unknown {
  if (type.name === 'text') return randomTextOp(doc as string, rng)
  if (type.name === 'rich') return randomRichOp(doc as RichDoc, rng)
  return randomJsonOp(doc as JsonValue, rng)
}
