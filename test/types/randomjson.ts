/** Random json documents and ops on them: insert, remove, replace, move, edit a string, add to a number. */

import { editOp, insertOp, moveOp, removeOp, replaceOp } from 'ot-json1'
import { type JsonOp, type JsonValue, json } from '../../types/index.ts'
import type { Random } from '../random.ts'
import { randomText, randomTextOp, someTimes } from './randomtext.ts'

/** Mostly an object or a list at the root, for there is little to do on a lone string. */
export const randomJson = (rng: Random): JsonValue => randomValue(rng, 3, rng.chance(0.8) ? 4 : 0)

/** `kind`: the least of scalars (0 to 3), lists (4) and objects (5) to choose from. */
function randomValue(rng: Random, depth: number, least = 0): JsonValue {
  const kind = least + rng.int((depth > 0 ? 6 : 4) - least)
  if (kind === 0) return rng.int(100)
  if (kind === 1) return rng.pick([null, true, false, 0.5, -7])
  if (kind <= 3) return randomText(rng, rng.int(5))
  if (kind === 4) return Array.from({ length: 1 + rng.int(4) }, () => randomValue(rng, depth - 1))
  const entries: [string, JsonValue][] = []
  for (let i = rng.int(5); i > 0; i--) entries.push([randomKey(rng), randomValue(rng, depth - 1)])
  return Object.fromEntries(entries)
}

const randomKey = (rng: Random): string => rng.pick(['a', 'b', 'c', 'x', 'é', '😀'])

/** One to three steps, composed. */
export function randomJsonOp(doc: JsonValue, rng: Random): JsonOp {
  let op: JsonOp = null
  let here = doc
  for (let turn = someTimes(rng, 4); turn > 0; turn--) {
    const step = randomJsonStep(here, rng)
    here = json.apply(here, step)
    op = json.compose(op, step)
  }
  return op
}

type Path = (string | number)[]

function randomJsonStep(doc: JsonValue, rng: Random): JsonOp {
  const at = rng.pick(places(doc))
  const value = valueAt(doc, at)
  if (typeof value === 'string' && rng.chance(0.6)) {
    return editOp(at, 'text-unicode', randomTextOp(value, rng)) as JsonOp
  }
  if (Number.isSafeInteger(value) && rng.chance(0.6)) return editOp(at, 'number', rng.int(9) - 4) as JsonOp
  if (at.length === 0 || rng.chance(0.25)) return insertSomewhere(doc, rng)
  if (rng.chance(0.25)) return removeOp(at) as JsonOp
  return rng.chance(0.3)
    ? (replaceOp(at, true, randomValue(rng, 1) as never) as JsonOp)
    : moveSomewhere(doc, at, rng)
}

/** Replaces the whole document where it has no room for an insert. */
function insertSomewhere(doc: JsonValue, rng: Random): JsonOp {
  const to = freePlace(doc, rng)
  const value = randomValue(rng, 2) as never
  return (to ? insertOp(to, value) : replaceOp([], true, value)) as JsonOp
}

function moveSomewhere(doc: JsonValue, from: Path, rng: Random): JsonOp {
  const without = json.apply(doc, removeOp(from) as JsonOp)
  return moveOp(from, freePlace(without, rng) ?? from) as JsonOp
}

/** A key that is not taken, or an index up to the length of a list; null where there is no object and no list. */
function freePlace(doc: JsonValue, rng: Random): Path | null {
  const free: Path[] = []
  for (const at of places(doc)) {
    const value = valueAt(doc, at)
    if (Array.isArray(value)) free.push([...at, rng.int(value.length + 1)])
    else if (typeof value === 'object' && value !== null) {
      const key = randomKey(rng)
      if (!Object.hasOwn(value, key)) free.push([...at, key])
    }
  }
  return free.length > 0 ? rng.pick(free) : null
}

/** The paths to all values of `doc`, itself first. */
export function places(doc: JsonValue): Path[] {
  if (typeof doc !== 'object' || doc === null) return [[]]
  const children = Array.isArray(doc) ? [...doc.entries()] : Object.entries(doc)
  return [[], ...children.flatMap(([key, child]) => places(child).map(path => [key, ...path]))]
}

const valueAt = (doc: JsonValue, path: Path): JsonValue =>
  path.reduce<JsonValue>((value, key) => (value as Record<string, JsonValue>)[key]!, doc)
