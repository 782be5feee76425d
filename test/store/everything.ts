/** Databases with everything in them, and all that they tell. */

import assert from 'node:assert/strict'
import type { Engine } from '../../server/store/engine.ts'
import { tables } from '../../server/store/layout.ts'
import type { Store } from '../../server/store/store.ts'
import type { Finding } from '../../server/store/verify.ts'
import { json } from '../../types/index.ts'
import { Random } from '../random.ts'
import { timeOf, writeHistory } from './histories.ts'
import type { DatabasePlace } from './place.ts'
import { keyOf, submit } from './writer.ts'

/** The databases of a test, and what is open of them. */
export class Places {
  readonly #make: () => Promise<DatabasePlace>
  readonly #places: DatabasePlace[] = []
  readonly #open: { close(): Promise<void> }[] = []

  constructor(make: () => Promise<DatabasePlace>) {
    this.#make = make
  }

  /** A new one, empty. */
  async place(make = this.#make): Promise<DatabasePlace> {
    const place = await make()
    this.#places.push(place)
    return place
  }

  /** A new one with everything in it. */
  async written(seed: number): Promise<DatabasePlace> {
    const place = await this.place()
    const store = await place.store()
    await writeAll(store, seed)
    await store.close()
    return place
  }

  async engine(place: DatabasePlace): Promise<Engine> {
    const engine = await place.engine()
    this.#open.push(engine)
    return engine
  }

  async store(place: DatabasePlace): Promise<Store> {
    const store = await place.store()
    this.#open.push(store)
    return store
  }

  /** Closes what is open. */
  async close(): Promise<void> {
    for (const each of this.#open.splice(0).reverse()) await each.close()
  }

  async remove(): Promise<void> {
    await this.close()
    for (const place of this.#places) await place.remove()
  }
}

/** Three documents with every kind of row: long, with deletions, and trimmed; and one of another collection. */
async function writeAll(store: Store, seed: number): Promise<void> {
  const rng = new Random(seed)
  await writeHistory(store, 'long', rng.fork(), 40, 30)
  await writeHistory(store, 'turning', rng.fork(), 20)
  await writeHistory(store, '\0 "odd" \ud800', rng.fork(), 6)
  await store.tended()
  await mark(store, 'long', 'draft', rng)
  await mark(store, 'long', '\udfff', rng)
  if (rng.chance(0.7)) await store.trim(timeOf(rng.int(30)))
  // Later than what was trimmed, by other writers.
  await writeHistory(store, 'long', rng.fork(), 9, 0, 1)
  await mark(store, 'turning', 'draft', rng)
  await submit(store, keyOf('other', 'elsewhere'), { create: { type: json.uri, data: { z: 1, a: null } } })
  // One of the srcs that wrote; the others are nobody's.
  await store.claim('me', 'ann \udfff')
  await store.tended()
}

async function mark(store: Store, id: string, name: string, rng: Random): Promise<void> {
  const { v, horizon } = await store.head(keyOf(id))
  await store.history.mark(keyOf(id), name, horizon + rng.int(v - horizon + 1))
}

/** What a store tells of a document; of its versions from the horizon on. */
export async function tellAll(store: Store, id: string): Promise<unknown> {
  const key = keyOf(id)
  const { v: head, horizon, type, hash } = await store.head(key)
  const versions = Array.from({ length: head - horizon + 1 }, (_, i) => horizon + i)
  const ops = await store.ops(key, horizon, null)
  const names = ops.flatMap(({ src, seq }) => (src === undefined ? [] : [{ src, seq: seq! }]))
  const marks = await store.history.marks(key)
  return {
    head: { v: head, horizon, type, hash },
    ops,
    marks,
    named: await Promise.all(marks.map(({ v }) => store.at(key, v))),
    contents: await Promise.all(versions.map(v => store.at(key, v))),
    receipts: await Promise.all(versions.map(v => store.receiptAt(key, v))),
    types: await Promise.all(Array.from({ length: head + 1 }, (_, v) => store.typeAt(key, v))),
    standing: await Promise.all(names.map(name => store.refusalOf(key, name, 'another'))),
    owners: await Promise.all(names.map(({ src }) => store.ownerOf(src))),
    credits: await store.history.credits(key),
    sittings: await store.history.sittings(key, { limit: 99 }),
    snapshot: await store.snapshot(key).then(({ v, type, data }) => ({ v, type, data })),
  }
}

/** All rows of all tables, alike whatever the engine: in one order, blobs as plain arrays of bytes. */
export async function rowsOf(engine: Engine): Promise<Record<string, unknown[]>> {
  const view = await engine.view()
  const all: Record<string, unknown[]> = {}
  for (const table of tables) all[table] = await rowsIn(view.rows(table))
  await view.close()
  return all
}

export async function rowsIn(batches: AsyncIterable<readonly object[]>): Promise<unknown[]> {
  const found: [key: string, row: unknown][] = []
  for await (const rows of batches) {
    for (const row of rows) {
      const values = Object.entries(row).map(([column, value]) => {
        return [column, value instanceof Uint8Array ? [...value] : value] as const
      })
      const plain = Object.fromEntries(values)
      found.push([JSON.stringify(plain), plain])
    }
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}

/** What was counted in a database in which nothing differs. */
export const sound = (finding: Finding): Exclude<Finding, { kind: 'differs' }> => {
  assert.ok(finding.kind === 'sound', finding.kind === 'differs' ? finding.message : '')
  return finding
}
