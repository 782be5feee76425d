/** Random histories of documents, of every type. */

import assert from 'node:assert/strict'
import type { WireChange } from '../../ops/protocol.ts'
import type { SharedbSnapshot } from '../../server/sharedb.ts'
import type { Store } from '../../server/store/store.ts'
import { json, rich, type Type, text, typeOf } from '../../types/index.ts'
import type { Random } from '../random.ts'
import { randomDoc, randomOp } from '../types/generators.ts'
import { changed, commitOn, fetched, keyOf } from './writer.ts'

const types = [text, json, rich] as Type[]

/** When the op of version `v` is committed: a minute after the one before, but every ninth an hour. */
export const timeOf = (v: number): number => Date.UTC(2026, 0, 1) + 60_000 * (v + 59 * Math.floor(v / 9))

/** Writes a document of `least` to `most` versions: edits mostly, now and then a delete, a create of any type after it. In each `round` by others. */
export async function writeHistory(
  store: Store,
  id: string,
  rng: Random,
  most: number,
  least = 1,
  round = 0,
): Promise<void> {
  const key = keyOf(id)
  let snapshot = await fetched(store, key)
  const count = least + rng.int(most - least + 1)
  for (let seq = 1; seq <= count; seq++) {
    const change = randomChange(snapshot, rng)
    const name = rng.chance(0.8) ? { src: rng.pick(['me', 'you']) + (round || ''), seq } : undefined
    assert.equal(await commitOn(store, key, snapshot, change, name, timeOf(snapshot.v)), true)
    snapshot = changed(snapshot, change)
  }
}

function randomChange({ type, data }: SharedbSnapshot, rng: Random): WireChange {
  if (type !== null) return rng.chance(0.1) ? { del: true } : { op: randomOp(typeOf(type), data, rng) }
  const created = rng.pick(types)
  return { create: { type: created.uri, data: randomDoc(created, rng) } }
}
