/** Versions, sittings, named versions, who wrote what, and what is left of them when history is trimmed. */

import assert from 'node:assert/strict'
import { type Attribution, attribute, attributionOf, authored, isAttributed } from '../../ops/attribution.ts'
import type { WireChange } from '../../ops/protocol.ts'
import { sittingsOf, summaryOf } from '../../ops/sittings.ts'
import { answerCatchUp } from '../../server/catchup.ts'
import type { Store, StoredOp } from '../../server/store/store.ts'
import { text, typeOf } from '../../types/index.ts'
import { Random } from '../random.ts'
import { describeOnEngines } from './engines.ts'
import { timeOf, writeHistory } from './histories.ts'
import { changed, commitOn, fetched, keyOf, replayed } from './writer.ts'

const coded = (code: string) => (error: { code?: string }) => error.code === code
const small = { rungSizes: [2, 8], packOps: 4 }
const STEP = 2

describeOnEngines('the past of a document', ({ open, cases }) => {
  let store: Store
  const key = keyOf('hello')
  beforeEach(async () => {
    store = await open(small)
  })
  afterEach(() => store.close())

  /** A text that 'me' and 'you' write by turns of three, a keystroke a version, with times of `timeOf`. */
  async function typeText(count: number): Promise<void> {
    let snapshot = await fetched(store, key)
    for (let v = snapshot.v; v < count; v++) {
      const op = v % 5 === 0 ? ['a'] : [v % 5, 'a']
      const change = v === 0 ? { create: { type: text.uri, data: 'hello' } } : { op }
      const name = { src: v % 6 < 3 ? 'me' : 'you', seq: v + 1 }
      assert.equal(await commitOn(store, key, snapshot, change, name, timeOf(v)), true)
      snapshot = await fetched(store, key)
    }
    await store.tended()
  }

  /** What the credits must be, op by op. */
  function creditsOf(ops: readonly StoredOp[]): Attribution {
    let [runs, type]: [Attribution, string | null] = [[], null]
    for (const op of ops) {
      const src = op.src ?? ''
      if (op.op !== undefined) {
        if (isAttributed(typeOf(type!))) runs = attribute(runs, authored(typeOf(type!), op.op, src))
      } else {
        type = op.create?.type ?? null
        runs =
          type !== null && isAttributed(typeOf(type)) ? attributionOf(typeOf(type), op.create!.data, src) : []
      }
    }
    return runs
  }

  it('[V10] lists every version with who, when and how much, page by page', async () => {
    for (let seed = 1; seed <= cases(20); seed++) {
      const each = keyOf(`seed ${seed}`)
      await writeHistory(store, each.id, new Random(seed), 40)
      await store.tended()
      const ops = await store.ops(each, 0, null)
      const listed = []
      for (let before: number | undefined; ; ) {
        const page = await store.history.ops(each, { limit: 7, ...(before !== undefined && { before }) })
        listed.push(...page.ops)
        if (page.before === null) break
        before = page.before
      }
      assert.deepEqual(
        listed.map(({ v, src, seq, at, kind }) => [v, src, seq, at, kind]),
        ops
          .map(op => [
            op.v,
            op.src ?? null,
            op.seq ?? null,
            op.at,
            op.create ? 'create' : op.del ? 'delete' : 'edit',
          ])
          .reverse(),
      )
      for (const note of listed) {
        const [before, after] = [note.v, note.v + 1].map(v => replayed(each, ops.slice(0, v)))
        const length = ({ type, data }: typeof before & object) =>
          type === null ? 0 : typeOf(type).extent({ doc: data }).added
        if (before!.type === after!.type && before!.type === typeOf('json').uri) continue
        assert.equal(note.added - note.removed, length(after!) - length(before!), `${each.id} ${note.v}`)
      }
    }
    assert.deepEqual(await store.history.ops(keyOf('nobody'), { limit: 5 }), { ops: [], before: null })
  })

  it('[V11] groups versions into sittings from packs and rows alike, page by page, and ends them at marks', async () => {
    await typeText(50)
    const { ops } = await store.history.ops(key, { limit: 100 })
    const single = ops.map(({ v, at, src, added, removed }) => summaryOf(v, at, src!, { added, removed }))
    const read = async () => {
      const sittings = []
      for (let before: number | undefined; ; ) {
        const page = await store.history.sittings(key, { limit: 2, ...(before !== undefined && { before }) })
        sittings.push(...page.sittings)
        if (page.before === null) return sittings
        before = page.before
      }
    }
    const sittings = await read()
    assert.ok(sittings.length >= 5 && sittings.length < 10)
    assert.deepEqual(sittings, sittingsOf(single))
    await store.history.mark(key, 'first draft', 22)
    const marked = await read()
    assert.equal(marked.length, sittings.length + 1)
    assert.ok(marked.some(({ v }) => v === 22))
  })

  it('[V11] tells the sittings of a pack in which the history begins, with a deletion before that', async () => {
    await typeText(5)
    let snapshot = await fetched(store, key)
    const turns: WireChange[] = [{ del: true }, { create: { type: text.uri, data: 'again' } }]
    for (const [i, change] of turns.entries()) {
      assert.equal(await commitOn(store, key, snapshot, change, undefined, timeOf(5 + i)), true)
      snapshot = changed(snapshot, change)
    }
    await typeText(20)
    const rule = { gap: 1 }
    const before = await store.history.sittings(key, { limit: 99 }, rule)
    assert.equal(before.sittings.length, 20)
    await store.trim(timeOf(6))
    assert.equal((await store.head(key)).horizon, 6)
    const { sittings } = await store.history.sittings(key, { limit: 99 }, rule)
    assert.deepEqual(sittings.slice(0, 14), before.sittings.slice(0, 14))
    assert.equal(
      sittings.reduce((sum, { n }) => sum + n, 0),
      20,
    )
  })

  it('[V12] names a version, moves a name and takes it back', async () => {
    await typeText(20)
    const { mark, unmark, marks } = store.history
    await mark(key, 'draft', 7)
    await mark(key, '\0', 9)
    await mark(key, 'draft', 8)
    assert.deepEqual(
      (await marks(key)).map(({ name, v }) => [name, v]),
      [
        ['draft', 8],
        ['\0', 9],
      ],
    )
    assert.deepEqual([await unmark(key, '\0'), await unmark(key, '\0')], [true, false])
    await assert.rejects(mark(key, 'too far', 21), coded('VERSION_UNKNOWN'))
    assert.deepEqual([await marks(keyOf('nobody')), await unmark(keyOf('nobody'), 'x')], [[], false])
  })

  it('[V13] credits every run to its writer, as an op by op reading does', async () => {
    for (let seed = 1; seed <= cases(60); seed++) {
      const each = keyOf(`seed ${seed}`)
      await writeHistory(store, each.id, new Random(seed), 40)
      await store.tended()
      const expected = creditsOf(await store.ops(each, 0, null)).map(([length, src]) => ({
        length,
        src: src || null,
      }))
      assert.deepEqual(await store.history.credits(each), expected, each.id)
      assert.deepEqual(await store.history.credits(each), expected, each.id)
    }
  })

  it('[V14] trims ops, and keeps the document, names, marks, sittings, receipts, credits and aligned versions', async () => {
    await typeText(60)
    const ops = await store.ops(key, 0, null)
    // At the end of a sitting: a trimmed pack has no other place left to part at.
    await store.history.mark(key, 'draft', 9)
    const told = async () => ({
      sittings: (await store.history.sittings(key, { limit: 99 })).sittings,
      credits: await store.history.credits(key),
      names: await Promise.all(ops.map(op => store.versionOf(key, { src: op.src!, seq: op.seq! }))),
      times: await Promise.all(ops.map(op => store.versionBy(key, op.at))),
      ...(({ v, data }) => ({ v, data }))(await store.snapshot(key)),
    })
    const before = await told()
    const horizon = 40
    assert.deepEqual(await store.trim(timeOf(horizon)), { docs: 1, ops: horizon })
    assert.deepEqual(await store.trim(timeOf(horizon)), { docs: 0, ops: 0 })
    assert.deepEqual(await told(), before)
    assert.equal((await store.head(key)).horizon, horizon)
    await assert.rejects(store.ops(key, horizon - 1, null), coded('HISTORY_TRIMMED'))
    assert.deepEqual(await store.ops(key, horizon, null), ops.slice(horizon))
    for (let v = 0; v <= 60; v++) {
      const { data } = replayed(key, ops.slice(0, v))
      if (v >= horizon || v === 9 || (v >= STEP && v % STEP === 0))
        assert.equal((await store.at(key, v)).data, data, `${v}`)
      else if (v > 0) await assert.rejects(store.at(key, v), coded('HISTORY_TRIMMED'), `${v}`)
    }
    const delta = await store.delta(key, 10, 30)
    assert.equal(
      delta.reduce(changed, replayed(key, ops.slice(0, 10))).data,
      replayed(key, ops.slice(0, 30)).data,
    )
    assert.equal((await store.receiptAt(key, horizon))!.v, horizon)
    assert.equal((await store.history.ops(key, { limit: 99 })).ops.length, 20)
  })

  it('[S28] tells a history from another where it was trimmed as well', async () => {
    await typeText(60)
    const receipts = await Promise.all(Array.from({ length: 61 }, (_, v) => store.receiptAt(key, v)))
    await store.trim(timeOf(40))
    for (const receipt of receipts) {
      const { v, hash } = receipt!
      assert.equal(await store.agrees(key, { v, hash }), true, `${v}`)
      const other = hash.replace(/./, digit => (digit === '0' ? '1' : '0'))
      assert.equal(await store.agrees(key, { v, hash: other }), false, `${v}`)
    }
  })

  it('[V14] trims again and again while the document is written, over deletes and creates', async () => {
    for (let seed = 1; seed <= cases(30); seed++) {
      const each = keyOf(`seed ${seed}`)
      const rng = new Random(seed)
      const all: StoredOp[] = []
      for (let round = 0; round < 4; round++) {
        await writeHistory(store, each.id, rng, 20, 1, round)
        all.push(...(await store.ops(each, all.length, null)))
        const credits = await store.history.credits(each)
        await store.trim(timeOf(rng.int(all.length)))
        const { v, type, data } = replayed(each, all)
        const snapshot = await store.snapshot(each)
        assert.deepEqual([snapshot.v, snapshot.type, snapshot.data], [v, type, data], each.id)
        assert.deepEqual(await store.history.credits(each), credits)
        const { horizon } = await store.head(each)
        for (let at = horizon; at <= v; at++) {
          const there = replayed(each, all.slice(0, at))
          assert.deepEqual(
            (await store.at(each, at)).data,
            there.data,
            `${each.id} ${at} of ${v} from ${horizon}`,
          )
        }
      }
    }
  })

  it('[V15] serves the document to a client whose base was trimmed, with which of its ops are in it', async () => {
    await typeText(30)
    await store.trim(timeOf(20))
    const ask = (v: number) =>
      answerCatchUp(store, {
        a: 'h.catchup',
        c: 'notes',
        d: 'hello',
        v,
        own: [
          ['you', 30],
          ['you', 31],
        ],
      })
    const answer = await ask(10)
    assert.deepEqual([answer.from, answer.v, answer.segments], [10, 30, undefined])
    assert.equal(answer.snapshot?.data, (await store.snapshot(key)).data)
    assert.deepEqual('own' in answer && answer.own, [['you', 30]])
    assert.ok((await ask(20)).segments)
    await assertDerivedFrom20()
  })

  /** From the horizon on, the ops make the document. */
  async function assertDerivedFrom20(): Promise<void> {
    const start = await store.at(key, 20)
    const { v, data } = (await store.ops(key, 20, null)).reduce(changed, { id: 'hello', m: null, ...start })
    assert.deepEqual([v, data], [30, (await store.snapshot(key)).data])
  }
})
