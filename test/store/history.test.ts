/** Reading back what was: every version, every difference, over packs and rungs, against a plain replay. */

import assert from 'node:assert/strict'
import { decodePack, encodePack } from '../../server/store/packs.ts'
import type { Store, StoredOp } from '../../server/store/store.ts'
import { typeOf } from '../../types/index.ts'
import { Random } from '../random.ts'
import { describeOnEngines } from './engines.ts'
import { writeHistory } from './histories.ts'
import { changed, keyOf, replayed } from './writer.ts'

const coded = (code: string) => (error: { code?: string }) => error.code === code

/** So small that short histories have some of everything. */
const small = { rungSizes: [2, 8], packOps: 4 }

describeOnEngines('history from the store', ({ open, cases }) => {
  let store: Store
  beforeEach(async () => {
    store = await open(small)
  })
  afterEach(() => store.close())

  async function random(seed: number, most: number): Promise<{ ops: StoredOp[]; id: string; rng: Random }> {
    const rng = new Random(seed)
    const id = `seed ${seed}`
    await writeHistory(store, id, rng, most)
    const before = await store.ops(keyOf(id), 0, null)
    await store.tended()
    const ops = await store.ops(keyOf(id), 0, null)
    assert.deepEqual(ops, before, 'packing changes nothing')
    return { ops, id, rng }
  }

  it('[S25] tells every version, made from rungs and packs, as the ops make it', async () => {
    for (let seed = 1; seed <= cases(60); seed++) {
      const { ops, id } = await random(seed, 60)
      for (let v = 0; v <= ops.length; v++) {
        const { type, data } = replayed(keyOf(id), ops.slice(0, v))
        const told = await store.at(keyOf(id), v)
        assert.deepEqual([told.v, told.type], [v, type], id)
        assert.ok(type === null || typeOf(type).equalDocs(told.data, data), `${id}, version ${v}`)
      }
      await assert.rejects(store.at(keyOf(id), ops.length + 1), coded('VERSION_UNKNOWN'))
    }
  })

  it('[S26] tells the difference of any two versions, over creates, deletes and changes of type', async () => {
    let replacements = 0
    for (let seed = 1; seed <= cases(200); seed++) {
      const { ops, id, rng } = await random(seed, 40)
      const [from, to] = [rng.int(ops.length + 1), rng.int(ops.length + 1)]
      const delta = await store.delta(keyOf(id), from, to)
      const [before, after] = [from, to].map(v => replayed(keyOf(id), ops.slice(0, v)))
      const there = delta.reduce(changed, before!)
      assert.equal(there.type, after!.type, `${id}, ${from} to ${to}`)
      assert.ok(
        there.type === null || typeOf(there.type).equalDocs(there.data, after!.data),
        `${id}, ${from} to ${to}`,
      )
      if (delta.some(change => !('op' in change))) replacements++
      assert.ok(delta.length <= 2)
    }
    assert.ok(replacements > cases(30))
    assert.deepEqual(await store.delta(keyOf('nobody'), 0, 0), [])
  })

  it('[S27] keeps names, receipts and times over packing', async () => {
    for (let seed = 1; seed <= cases(40); seed++) {
      const rng = new Random(seed)
      const key = keyOf(`seed ${seed}`)
      await writeHistory(store, key.id, rng, 60)
      const ops = await store.ops(key, 0, null)
      const told = async () => ({
        names: await Promise.all(
          ops.map(op => (op.src ? store.versionOf(key, { src: op.src, seq: op.seq! }) : op.v)),
        ),
        receipts: await Promise.all(ops.map(op => store.receiptAt(key, op.v + 1))),
      })
      const before = await told()
      assert.deepEqual(
        before.names,
        ops.map(({ v }) => v),
      )
      await store.tended()
      assert.deepEqual(await told(), before)
      for (const { at } of ops) {
        const last = ops.findLast(op => op.at <= at)!
        assert.equal(await store.versionBy(key, at), last.v + 1)
      }
      assert.equal(await store.versionBy(key, ops[0]!.at - 1), 0)
    }
  })
})

describe('packs', () => {
  it('[S27] takes ops in and out of a pack as they were', () => {
    const ops = [
      { v: 7, src: 'a', seq: 5, at: 1000, body: '{"op":["\\ud800\\n"]}', meta: null },
      { v: 8, src: null, seq: null, at: 999, body: '{"del":true}', meta: '{"who":"x"}' },
      { v: 9, src: '"', seq: 1, at: 2 ** 45, body: '{"create":{"type":"t"}}', meta: null },
      { v: 10, src: 'a', seq: 2 ** 52, at: 2 ** 45, body: '{"op":null}', meta: null },
    ]
    assert.deepEqual(decodePack(encodePack(ops), 7), ops)
    assert.throws(() => decodePack(encodePack(ops).slice(0, -4), 7), coded('STORE_FAILED'))
  })
})
