/** Catching up over the real store: random histories of every type, and a long one of keystrokes. */

import assert from 'node:assert/strict'
import type { CatchUpAnswer, WireChange, WireName } from '../../ops/protocol.ts'
import { answerCatchUp } from '../../server/catchup.ts'
import type { Store } from '../../server/store/store.ts'
import { text, typeOf } from '../../types/index.ts'
import { Random } from '../random.ts'
import { describeOnEngines } from './engines.ts'
import { writeHistory } from './histories.ts'
import { changed, commitOn, fetched, keyOf, replayed, submit } from './writer.ts'

const c = 'notes'

/** The segments of an answer that has them. */
function segmentsIn(answer: CatchUpAnswer) {
  assert.ok(answer.segments)
  return answer.segments
}

describeOnEngines('catch-up from the store', ({ open, cases }) => {
  let store: Store
  beforeEach(async () => {
    // Rungs so small that short histories have some of each size.
    store = await open({ rungSizes: [2, 8] })
  })
  afterEach(() => store.close())

  it('[S17] [S18] leads from any version to the head, with own ops as the server has them', async () => {
    let [merged, owned, passed] = [0, 0, 0]
    for (let seed = 1; seed <= cases(200); seed++) {
      const rng = new Random(seed)
      const d = `seed ${seed}`
      await writeHistory(store, d, rng, 25)
      const ops = await store.ops(keyOf(d), 0, null)
      const from = rng.int(ops.length + 1)
      const mine = ops.filter(op => op.src === 'me' && rng.chance(0.4))
      const own: WireName[] = [...mine.map((op): WireName => ['me', op.seq!]), ['me', 99], ['nobody', 1]]
      const answer = await answerCatchUp(store, { a: 'h.catchup', c, d, v: from, own })
      const segments = segmentsIn(answer)

      let reached = replayed(keyOf(d), ops.slice(0, from))
      for (const segment of segments) {
        if (segment.own) {
          const op = ops[reached.v]!
          assert.deepEqual([segment.n, ...segment.own], [1, op.src, op.seq], d)
          assert.deepEqual([segment.op, segment.create, segment.del], [op.op, op.create, op.del], d)
        }
        reached = { ...changed(reached, segment), v: reached.v + segment.n }
        if (segment.n > 1) merged++
      }
      const head = replayed(keyOf(d), ops)
      assert.deepEqual([answer.v, reached.v, reached.type], [head.v, head.v, head.type], d)
      assert.ok(head.type === null || typeOf(head.type).equalDocs(reached.data, head.data), d)
      const names = segments.flatMap(segment => (segment.own ? [segment.own[1]] : []))
      assert.deepEqual(
        names,
        mine.filter(op => op.v >= from).map(op => op.seq),
        d,
      )
      owned += names.length
      if (reached.v > from) passed++
    }
    // The run did something.
    const floor = cases(100)
    assert.ok(merged > floor && owned > floor && passed > floor, `${merged} ${owned} ${passed}`)
  })

  it('[S19] gives the whole document to a device that has none', async () => {
    const key = keyOf('hello')
    const ask = (own: WireName[]) => answerCatchUp(store, { a: 'h.catchup', c, d: 'hello', v: null, own })
    const about = { a: 'h.catchup', c, d: 'hello', from: null }
    assert.deepEqual(await ask([['me', 1]]), { ...about, v: 0, snapshot: { type: null }, own: [] })
    await submit(store, key, { create: { type: text.uri, data: 'x' } }, { src: 'me', seq: 1 })
    await submit(store, key, { op: ['a'] }, { src: 'me', seq: 2 })
    const snapshot = { type: text.uri, data: 'ax' }
    const asked = ['me 2', 'me 3', 'you 1'].map((name): WireName => [name.slice(0, -2), Number(name.at(-1))])
    const { hash } = (await store.receiptAt(key, 2))!
    assert.deepEqual(await ask(asked), { ...about, v: 2, hash, snapshot, own: [['me', 2]] })
  })

  it('[S19] [S18] tells the seal that an own op came with, if it is the last of its writer', async () => {
    const key = keyOf('hello')
    const sealed = (seq: number, change: WireChange, seal: string) =>
      submit(store, key, change, { src: 'me', seq, seal })
    await sealed(1, { create: { type: text.uri, data: 'x' } }, 'a'.repeat(17))
    await sealed(2, { op: ['a'] }, 'b'.repeat(17))
    await submit(store, key, { op: ['c'] }, { src: 'you', seq: 1 })
    const own: WireName[] = [
      ['me', 1],
      ['me', 2],
      ['you', 1],
    ]
    const told = [
      ['me', 1],
      ['me', 2, 'b'.repeat(17)],
      ['you', 1],
    ]
    const whole = await answerCatchUp(store, { a: 'h.catchup', c, d: 'hello', v: null, own })
    assert.deepEqual(whole.snapshot && whole.own, told)
    const parts = await answerCatchUp(store, { a: 'h.catchup', c, d: 'hello', v: 0, own })
    assert.deepEqual(
      segmentsIn(parts).map(segment => segment.own),
      told,
    )
  })

  it('[S19] counts no op as inside that was committed after the snapshot was read', async () => {
    const key = keyOf('hello')
    await submit(store, key, { create: { type: text.uri, data: 'x' } })
    const early = await store.snapshot(key)
    await submit(store, key, { op: ['a'] }, { src: 'me', seq: 1 })
    const committed: Store['committed'] = (...asked) => store.committed(...asked)
    const receiptAt: Store['receiptAt'] = (...asked) => store.receiptAt(...asked)
    const late = { snapshot: async () => early, committed, receiptAt } as Partial<Store> as Store
    const answer = await answerCatchUp(late, { a: 'h.catchup', c, d: 'hello', v: null, own: [['me', 1]] })
    assert.deepEqual([answer.v, answer.snapshot?.data, 'own' in answer && answer.own], [1, 'x', []])
  })

  it('[S20] tells a device that is ahead of the server', async () => {
    await submit(store, keyOf('hello'), { create: { type: text.uri, data: '' } })
    const ask = (v: number) => answerCatchUp(store, { a: 'h.catchup', c, d: 'hello', v, own: [] })
    assert.deepEqual(segmentsIn(await ask(1)), [])
    await assert.rejects(ask(2), (error: { code?: string }) => error.code === 'SERVER_BEHIND')
  })

  it('[S28] tells a device whose history is another one', async () => {
    for (const id of ['hello', 'other']) {
      await submit(store, keyOf(id), { create: { type: text.uri, data: '' } }, { src: 'me', seq: 1 })
      for (const seq of [2, 3]) await submit(store, keyOf(id), { op: [id] }, { src: 'me', seq })
    }
    const ask = (v: number, hash: string) =>
      answerCatchUp(store, { a: 'h.catchup', c, d: 'hello', v, own: [], hash })
    const receipt = async (id: string, v: number) => (await store.receiptAt(keyOf(id), v))!.hash
    const answer = await ask(1, await receipt('other', 1))
    assert.equal(answer.hash, await receipt('hello', 3))
    for (const v of [2, 3]) {
      assert.equal((await ask(v, await receipt('hello', v))).v, 3)
      const refused = ask(v, await receipt('other', v))
      await assert.rejects(refused, (error: { code?: string }) => error.code === 'SERVER_DIVERGED')
    }
  })

  it('[S23] tells the receipt of each op that is read, packed or not', async () => {
    const some = await open({ packOps: 8 })
    try {
      const key = keyOf('packed')
      await writeHistory(some, 'packed', new Random(1), 60)
      await some.tended()
      const { v } = await some.head(key)
      for (const from of [0, 3, 8, v - 1]) {
        const told = await some.receipted(key, from, null)
        assert.equal(told.length, v - from)
        for (const op of told) assert.equal(op.hash, (await some.receiptAt(key, op.v + 1))!.hash)
      }
      assert.deepEqual(
        (await some.receipted(key, 2, 9)).map(({ hash: _, ...op }) => op),
        await some.ops(key, 2, 9),
      )
    } finally {
      await some.close()
    }
  })

  it('[S21] answers ten thousand keystrokes with one segment', async () => {
    const key = keyOf('long')
    let snapshot = await fetched(store, key)
    const commits = []
    for (let i = -1; i < 10_000; i++) {
      const change: WireChange = i < 0 ? { create: { type: text.uri } } : { op: i === 0 ? ['a'] : [i, 'a'] }
      commits.push(commitOn(store, key, snapshot, change))
      snapshot = changed(snapshot, change)
    }
    assert.ok((await Promise.all(commits)).every(Boolean))
    const answer = await answerCatchUp(store, { a: 'h.catchup', c, d: 'long', v: 1, own: [] })
    assert.deepEqual(segmentsIn(answer), [{ n: 10_000, op: ['a'.repeat(10_000)] }])
  })
})
