/** What every store keeps, whatever database is under it. `lasting`: what one store wrote is there for the next. */

import assert from 'node:assert/strict'
import type { DocKey } from '../../ops/identity.ts'
import type { WireChange } from '../../ops/protocol.ts'
import type { SharedbOp } from '../../server/sharedb.ts'
import type { StoreOptions } from '../../server/store/enginestore.ts'
import type { Store } from '../../server/store/store.ts'
import { json, text } from '../../types/index.ts'
import { assertDerived, called, commitOn, fetched, keyOf, submit } from './writer.ts'

/** Where a store under test keeps its data. */
export interface Place {
  open(options?: StoreOptions): Store | Promise<Store>
  remove(): void | Promise<void>
}

const src = '0123456789abcdef0123456789abcdef'
const note = (data: string): WireChange => ({ create: { type: text.uri, data } })
const typed = (word: string): WireChange => ({ op: [word] })
const coded = (code: string) => (error: { code?: string }) => error.code === code

/** Strings that databases, encodings and JavaScript objects are known to trip over. */
const oddStrings = [
  '',
  ' ',
  'a',
  'A',
  'a.b',
  "'; --",
  '"',
  '\\',
  '%',
  '_',
  '\0',
  'a\0b',
  '\u{1f600}',
  'e\u0301',
  '\u00e9',
  '\ud800',
  '\udfff',
  '__proto__',
  'toString',
  'x'.repeat(4000),
]

export function storeContract(
  title: string,
  lasting: boolean,
  makePlace: () => Place | Promise<Place>,
): void {
  describe(`store contract: ${title}`, () => {
    let place: Place
    let store: Store
    const key = keyOf('hello')

    beforeEach(async () => {
      place = await makePlace()
      store = await place.open()
    })
    afterEach(async () => {
      await store.close()
      await place.remove()
    })

    it('[S3] gives a version to one of several commits', async () => {
      await submit(store, key, note('x'))
      const base = await fetched(store, key)
      const answers = await Promise.all(['a', 'b', 'c'].map(word => commitOn(store, key, base, typed(word))))
      assert.deepEqual(answers, [true, false, false])
      assert.equal((await store.snapshot(key)).data, 'ax')
      assert.equal(await commitOn(store, key, base, typed('d')), false)
      assert.equal(await commitOn(store, key, { ...base, v: 7 }, typed('e')), false)
      // A refused commit leaves nothing behind, not even in a collection that nobody knew.
      const elsewhere = keyOf('hello', 'elsewhere')
      assert.equal(await commitOn(store, elsewhere, { ...base, v: 7 }, typed('e')), false)
      assert.equal(await submit(store, elsewhere, note('x')), true)
      await assertDerived(store, key)
    })

    it('[S4] has a name once, and answers a second commit of it with the version of the first', async () => {
      const name = { src, seq: 1 }
      await submit(store, key, note(''), name)
      await submit(store, key, typed('a'), { src, seq: 2 })
      const base = await fetched(store, key)
      for (const v of [0, 1, 2, 9]) {
        const op = { v, ...name, op: ['again'] }
        const call = called(done => store.db.commit('notes', 'hello', op, { ...base, v: v + 1 }, null, done))
        await assert.rejects(call, coded('ERR_OP_ALREADY_SUBMITTED'))
        assert.equal(op.v, 0)
      }
      const twice = [1, 2].map(() => commitOn(store, key, base, typed('b'), { src, seq: 3 }))
      const outcomes = (await Promise.allSettled(twice)).map(({ status }) => status)
      assert.deepEqual(outcomes, ['fulfilled', 'rejected'])
      assert.equal((await store.ops(key, 0, null)).length, 3)
    })

    it('[S4] refuses another op under the last name of a src, and a seq that was passed over', async () => {
      await submit(store, key, note(''), { src, seq: 1 })
      await submit(store, key, typed('a'), { src, seq: 4 })
      const base = await fetched(store, key)
      const commit = (seq: number, op: unknown, seal?: string) => {
        const sealed = { v: base.v, src, seq, op, m: { ts: 1, ...(seal && { seal }) } }
        return called(done =>
          store.db.commit('notes', 'hello', sealed, { ...base, v: base.v + 1 }, null, done),
        )
      }
      await assert.rejects(commit(4, ['b'], 'another'), coded('ERR_OP_ALREADY_SUBMITTED'))
      await assert.rejects(commit(3, ['c']), coded('SEQ_PASSED'))
      await submit(store, keyOf('other'), note(''))
      assert.equal(await commit(5, ['d'], 'aa'), true)
      await assert.rejects(commit(5, ['d'], 'aa'), coded('ERR_OP_ALREADY_SUBMITTED'))
      await assert.rejects(commit(5, ['d'], 'bb'), coded('NAME_REUSED'))
      assert.deepEqual(await store.refusalOf(key, { src, seq: 5 }, 'aa'), { kind: 'again', v: 2 })
      assert.deepEqual(await store.refusalOf(key, { src, seq: 5 }, 'bb'), { kind: 'another', v: 2 })
      assert.deepEqual(await store.refusalOf(key, { src, seq: 1 }, 'bb'), { kind: 'again', v: 0 })
      assert.deepEqual(await store.refusalOf(key, { src, seq: 2 }, 'aa'), { kind: 'passed', seq: 5 })
      assert.equal(await store.refusalOf(key, { src, seq: 6 }, 'aa'), null)
    })

    it('[S4] takes the same name in another document, and many ops without a name', async () => {
      const name = { src, seq: 1 }
      for (const id of ['one', 'two']) assert.equal(await submit(store, keyOf(id), note(''), name), true)
      for (const id of ['one', 'two', 'one']) assert.equal(await submit(store, keyOf(id), typed('a')), true)
      assert.equal(await store.versionOf(keyOf('two'), name), 0)
      assert.equal(await store.versionOf(keyOf('one'), { src, seq: 2 }), null)
      assert.equal(await store.versionOf(keyOf('three'), name), null)
    })

    const values: [string, unknown][] = [
      ['nothing', null],
      ['an empty string', ''],
      ['zero', 0],
      ['false', false],
      ['NUL', 'a\0b'],
      ['lone surrogates', { '\ud800': 'x\udc00y' }],
      ['keys in their order', { z: 1, a: { y: 2, b: 3 } }],
      ['a key called __proto__', JSON.parse('{"__proto__": {"a": 1}}')],
      ['odd numbers', [0.1, 1e300, -5e-324, 2 ** 53]],
      ['10 MB', 'a\u{1f600}'.repeat(1_666_667)],
    ]
    for (const [name, value] of values) {
      it(`[S5] gives back ${name} as it was`, async () => {
        // Not through a type: some of these values are none that a type of ours would take.
        const base = { ...(await fetched(store, key)), type: json.uri }
        const commit = (op: SharedbOp) =>
          called(done =>
            store.db.commit('notes', 'hello', op, { ...base, v: op.v! + 1, data: value }, null, done),
          )
        await commit({ v: 0, create: { type: json.uri, data: value } })
        await commit({ v: 1, op: value })
        if (lasting) {
          await store.close()
          store = await place.open()
        }
        const written = JSON.stringify(value)
        const [create, edit] = await store.ops(key, 0, null)
        assert.equal(JSON.stringify(create?.create?.data), written)
        assert.equal(JSON.stringify(edit?.op), written)
        assert.equal(JSON.stringify((await store.snapshot(key)).data), written)
      })
    }

    it('[S6] keeps documents, collections and writers of any name apart', async () => {
      for (const [i, odd] of oddStrings.entries()) {
        await submit(store, keyOf(odd), note(`id ${i}`), { src: odd, seq: 1 })
        await submit(store, keyOf('same', odd), note(`collection ${i}`))
      }
      for (const [i, odd] of oddStrings.entries()) {
        const [op] = await store.ops(keyOf(odd), 0, null)
        assert.deepEqual([op?.create?.data, op?.src, op?.seq], [`id ${i}`, odd, 1])
        assert.equal((await store.snapshot(keyOf('same', odd))).data, `collection ${i}`)
      }
      const ids = (await store.list('notes', { limit: 100 })).map(({ id }) => id)
      assert.deepEqual(ids.toSorted(), oddStrings.toSorted())
    })

    it('[S7] reads ops from a version up to another, or to the head', async () => {
      await submit(store, key, note(''))
      for (const word of ['a', 'b', 'c']) await submit(store, key, typed(word))
      const read = async (from: number, to: number | null) =>
        (await store.ops(key, from, to)).map(({ v }) => v)
      assert.deepEqual(await read(0, null), [0, 1, 2, 3])
      assert.deepEqual(await read(1, 3), [1, 2])
      assert.deepEqual(await read(3, 99), [3])
      assert.deepEqual(await read(2, 2), [])
      assert.deepEqual(await read(9, null), [])
      assert.deepEqual(await store.ops(keyOf('nobody'), 0, null), [])
      assert.deepEqual(await store.changes(key, 1, 3), [
        { n: 1, op: ['a'] },
        { n: 1, op: ['b'] },
      ])
      assert.deepEqual(await store.changes(key, 3, null), [{ n: 1, op: ['c'] }])
      assert.deepEqual(await store.changes(keyOf('nobody'), 0, null), [])
    })

    it('[S8] writes what arrives in one turn in one transaction', async () => {
      const keys = Array.from({ length: 20 }, (_, i) => keyOf(`doc ${i}`))
      const nothing = await fetched(store, key)
      const before = { ...store.counts }
      const answers = await Promise.all(keys.map(each => commitOn(store, each, nothing, note('x'))))
      assert.ok(answers.every(Boolean))
      assert.deepEqual([store.counts.groups - before.groups, store.counts.commits - before.commits], [1, 20])
      await submit(store, key, note('x'))
      assert.equal(store.counts.groups - before.groups, 2)
    })

    it('[S8] takes several ops of one document in one turn, in the order of the calls', async () => {
      const base = await fetched(store, key)
      const one = commitOn(store, key, base, note(''))
      const two = commitOn(store, key, { ...base, v: 1, type: text.uri, data: '' }, typed('a'))
      const three = commitOn(store, key, { ...base, v: 2, type: text.uri, data: 'a' }, typed('b'))
      assert.deepEqual(await Promise.all([one, two, three]), [true, true, true])
      assert.equal(store.counts.groups, 1)
      await assertDerived(store, key)
    })

    it('[S10] has the snapshot that its ops make, through edits, deletes and creates', async () => {
      const steps = [note('one'), typed('a'), { del: true }, note('two'), typed('b')] as WireChange[]
      for (const step of steps) {
        await submit(store, key, step)
        await assertDerived(store, key)
      }
      assert.deepEqual(await store.snapshot(keyOf('nobody')), {
        v: 0,
        type: null,
        data: undefined,
        meta: null,
      })
    })

    it('[S11] lists the documents that exist, last changed first, page by page', async () => {
      const ids = Array.from({ length: 25 }, (_, i) => `doc ${i}`)
      for (const id of ids) await submit(store, keyOf(id), note(''))
      await submit(store, keyOf('elsewhere', 'other'), note(''))
      await submit(store, keyOf('doc 3'), { del: true })
      const seen = []
      for (let before: number | undefined; ; ) {
        const page = await store.list('notes', { limit: 7, ...(before !== undefined && { before }) })
        if (page.length === 0) break
        seen.push(...page)
        before = page.at(-1)!.change
      }
      assert.deepEqual(seen.map(({ id }) => id).toSorted(), ids.filter(id => id !== 'doc 3').toSorted())
      assert.deepEqual(
        seen.map(({ at }) => at),
        seen.map(({ at }) => at).toSorted((a, b) => b - a),
      )
      assert.ok(
        seen.every(({ collection, type, v }) => collection === 'notes' && type === text.uri && v === 1),
      )
    })

    it('[S14] knows head and type, now and at every version before', async () => {
      assert.deepEqual(await store.head(key), { v: 0, type: null, horizon: 0 })
      const steps = [
        note(''),
        typed('a'),
        { del: true },
        { create: { type: json.uri, data: 1 } },
      ] as WireChange[]
      for (const step of steps) await submit(store, key, step)
      const { hash } = (await store.receiptAt(key, 4))!
      assert.deepEqual(await store.head(key), { v: 4, type: json.uri, hash, horizon: 0 })
      const types = await Promise.all([0, 1, 2, 3, 4].map(v => store.typeAt(key, v)))
      assert.deepEqual(types, [null, text.uri, text.uri, null, json.uri])
    })

    it('[S14] knows the heads of many documents at once, in the order in which they are asked', async () => {
      const keys = ['b', 'never', 'a', 'b', '\u0000 \ud800'].map(id => keyOf(id))
      assert.deepEqual(await store.heads([]), [])
      assert.deepEqual(await store.heads(keys), [0, 0, 0, 0, 0])
      for (const id of ['a', 'b', '\u0000 \ud800']) await submit(store, keyOf(id), note(''))
      await submit(store, keyOf('a'), typed('x'))
      assert.deepEqual(await store.heads(keys), [1, 0, 2, 1, 1])
      const many = Array.from({ length: 2500 }, (_, i) => keyOf(i === 1700 ? 'a' : `none ${i}`))
      assert.deepEqual((await store.heads(many)).indexOf(2), 1700)
    })

    it('[S23] gives a receipt: a hash that two histories share up to where they part', async () => {
      const other = keyOf('other')
      for (const each of [key, other]) {
        await submit(store, each, note('x'), { src, seq: 1 })
        await submit(store, each, typed('a'), { src, seq: 2 })
      }
      await submit(store, key, typed('b'), { src, seq: 3 })
      await submit(store, other, typed('c'), { src, seq: 3 })
      const hashes = async (each: DocKey) => Promise.all([0, 1, 2, 3].map(v => store.receiptAt(each, v)))
      const [mine, theirs] = [await hashes(key), await hashes(other)]
      assert.deepEqual(mine.slice(0, 3), theirs.slice(0, 3))
      assert.notDeepEqual(mine[3], theirs[3])
      assert.equal(new Set(mine.map(receipt => receipt!.hash)).size, 4)
      assert.equal(await store.receiptAt(key, 4), null)
      assert.equal(await store.receiptAt(keyOf('nobody'), 0), null)
      assert.match(store.epoch, /^[0-9a-f]{32}$/)
    })

    it('[Z1] gives a src to the principal that claims it first, for ever, whatever their names', async () => {
      assert.equal(await store.ownerOf(src), null)
      const answers = await Promise.all(['ann', 'bob', 'ann'].map(who => store.claim(src, who)))
      const owner = answers[0]!
      assert.deepEqual(answers, [owner, owner, owner])
      assert.equal(await store.claim(src, 'cy'), owner)
      assert.equal(await store.ownerOf(src), owner)
      for (const odd of oddStrings) assert.equal(await store.claim(`src ${odd}`, odd), odd)
      for (const odd of oddStrings) assert.equal(await store.ownerOf(`src ${odd}`), odd)
    })

    it('[S24] numbers the changes of a collection without a gap, and tells each document by its last', async () => {
      const keys = ['a', 'b', 'c'].map(id => keyOf(id))
      for (const each of keys) await submit(store, each, note(''))
      await submit(store, keyOf('a', 'elsewhere'), note(''))
      await Promise.all(keys.slice(0, 2).map(each => submit(store, each, typed('x'))))
      await submit(store, keyOf('c'), { del: true })
      const seen = async (after: number, limit: number) =>
        (await store.changed('notes', { after, limit })).map(({ change, id, v, type }) => [
          change,
          id,
          v,
          type,
        ])
      assert.deepEqual(await seen(0, 9), [
        [4, 'a', 2, text.uri],
        [5, 'b', 2, text.uri],
        [6, 'c', 2, null],
      ])
      assert.deepEqual(await seen(4, 1), [[5, 'b', 2, text.uri]])
      assert.deepEqual(await seen(6, 9), [])
      assert.deepEqual(await seen(0, 0), [])
      await submit(store, keyOf('a'), typed('y'))
      assert.deepEqual(await seen(6, 9), [[7, 'a', 3, text.uri]])
    })

    it('[I27] lists by the beginning of the name and by the time of the last change', async () => {
      const names = [
        'a',
        'ab',
        'a"',
        'a\\',
        'a%',
        'a_c',
        'b',
        ...oddStrings.filter(odd => odd.isWellFormed()),
      ]
      for (const id of names) await submit(store, keyOf(id), note(''))
      const page = { limit: 1000 }
      const idsOf = async (filter: object) =>
        (await store.list('notes', { ...page, ...filter })).map(({ id }) => id).toSorted()
      const all = await idsOf({})
      for (const prefix of ['', ...names])
        assert.deepEqual(
          await idsOf({ prefix }),
          all.filter(id => id.startsWith(prefix)),
          prefix,
        )
      const { at } = (await store.list('notes', page))[0]!
      assert.deepEqual(await idsOf({ since: at + 1 }), [])
      assert.deepEqual(await idsOf({ until: at + 1 }), all)
      assert.ok((await idsOf({ since: at, until: at + 1 })).length > 0)
    })

    it('[I46] keeps a memo, which one changes who knows what it says', async () => {
      assert.equal(await store.memo('c'), null)
      const moved = await Promise.all(['1', '2'].map(to => store.changeMemo('c', null, to)))
      assert.equal(moved.filter(Boolean).length, 1)
      const at = await store.memo('c')
      assert.equal(await store.changeMemo('c', 'elsewhere', '3'), false)
      assert.equal(await store.changeMemo('c', at, '3'), true)
      assert.deepEqual([await store.memo('c'), await store.memo('d')], ['3', null])
      assert.equal(await store.changeMemo('c', at, null), false)
      assert.equal(await store.changeMemo('c', '3', null), true)
      assert.equal(await store.changeMemo('c', null, null), true)
      assert.equal(await store.memo('c'), null)
    })

    it('[S15] finishes what was handed in before it closes, and refuses what comes later', async () => {
      const base = await fetched(store, key)
      const late = commitOn(store, key, base, note('in time'))
      await store.close()
      assert.equal(await late, true)
      await store.close()
      await assert.rejects(commitOn(store, keyOf('late'), base, note('x')), coded('STORE_FAILED'))
      await assert.rejects(store.snapshot(key), coded('STORE_FAILED'))
      await assert.rejects(store.ping(), coded('STORE_FAILED'))
    })

    it('[S16] refuses an op whose number is none, and harms no other commit of the group', async () => {
      const base = await fetched(store, key)
      const bad = commitOn(store, key, base, note('x'), { src, seq: 1.5 })
      const good = commitOn(store, keyOf('other'), base, note('x'), { src, seq: 1 })
      await assert.rejects(bad, coded('OP_MALFORMED'))
      assert.equal(await good, true)
      await store.ping()
    })

    if (lasting)
      lastingContract(
        () => place,
        () => store,
        opened => {
          store = opened
        },
      )
  })
}

function lastingContract(place: () => Place, store: () => Store, use: (store: Store) => void): void {
  const key = keyOf('hello')

  it('[S10] has the same snapshot after it was opened again, with its metadata', async () => {
    await submit(store(), key, note('x'), { src, seq: 1 })
    await submit(store(), key, typed('a'))
    const before = await fetched(store(), key)
    await store().close()
    use(await place().open())
    assert.deepEqual(await fetched(store(), key), before)
    await assertDerived(store(), key)
  })

  it('[S10] derives from the ops what was not written down', async () => {
    await submit(store(), key, note('x'), { src, seq: 1 })
    for (let i = 0; i < 70; i++) await submit(store(), key, typed(`${i} `))
    await submit(store(), key, { del: true })
    await submit(store(), key, note('y'), { src, seq: 2 })
    // A second store on the same data sees what a new process would see if the first one were killed now.
    const other = await place().open()
    assert.deepEqual((await other.snapshot(key)).data, 'y')
    await assertDerived(other, key)
    const { m } = await fetched(other, key)
    const [create] = await other.ops(key, 72, null)
    assert.deepEqual(m, { ctime: create!.at, mtime: create!.at, _create: { src, seq: 2, v: 72 } })
    await other.close()
  })

  it('[Z1] knows whose a src is after it was opened again', async () => {
    await store().claim(src, 'ann')
    await store().close()
    use(await place().open())
    assert.equal(await store().claim(src, 'bob'), 'ann')
  })

  it('[S13] sees what another store on the same data commits', async () => {
    const other = await place().open()
    await submit(store(), key, note('x'))
    const stale = await fetched(other, key)
    await submit(store(), key, typed('a'))
    assert.equal(await commitOn(other, key, stale, typed('b')), false)
    assert.equal((await other.snapshot(key)).data, 'ax')
    assert.equal(await submit(other, key, typed('c')), true)
    assert.equal((await store().snapshot(key)).data, 'cax')
    await other.close()
  })
}
