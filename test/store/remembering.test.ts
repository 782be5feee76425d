/** What a store remembers of a database that others write to as well: it saves questions and changes no answer. */

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import type { WireChange } from '../../ops/protocol.ts'
import { type Backend, openBackend } from '../../server/backend.ts'
import { readSettings } from '../../server/settings.ts'
import type { Engine } from '../../server/store/engine.ts'
import { storeOn } from '../../server/store/enginestore.ts'
import { Seqs } from '../../server/store/seqs.ts'
import { openSqliteEngine } from '../../server/store/sqlite/engine.ts'
import type { Store, StoredSnapshot } from '../../server/store/store.ts'
import { type Type, text, typeOf } from '../../types/index.ts'
import { Random } from '../random.ts'
import { randomDoc, randomOp } from '../types/generators.ts'
import { farEngine } from './far.ts'
import { assertDerived, keyOf } from './writer.ts'

/** A submit as it comes from a client: `v` null or missing stands for the head. */
type Submitted = WireChange & { src: string; seq: number; v?: number | null; x?: { seal: string } }

interface Server {
  readonly store: Store
  /** The version at which the op was committed, now or before, or the code of its refusal. */
  submit(id: string, op: Submitted): Promise<string>
  /** How often an op had to be tried again because its version was taken. */
  readonly retries: number
}

function serverOn(store: Store): Server {
  const backend: Backend = openBackend(store, readSettings(), (what, error) =>
    assert.fail(`${what} ${error}`),
  )
  let retries = 0
  backend.share.on('submitRequestEnd', (_, submit) => {
    retries += submit.retries
  })
  return {
    store,
    async submit(id, submitted) {
      const op = structuredClone(submitted) as Submitted & { v?: number }
      try {
        return `at ${await backend.submit(keyOf(id), op)}`
      } catch (error) {
        const { code } = error as { code: string }
        return code === 'ERR_OP_ALREADY_SUBMITTED' ? `again at ${op.v}` : code
      }
    },
    get retries() {
      return retries
    },
  }
}

describe('what a store remembers', () => {
  let database: Engine
  let stores: Store[]

  beforeEach(() => {
    database = openSqliteEngine({ path: ':memory:' })
    stores = []
  })
  afterEach(async () => {
    for (const store of stores) await store.close()
    await database.close()
  })

  const opened = (store: Store) => {
    stores.push(store)
    return store
  }

  it('[S62] an op of a known writer on the head asks for its commit and for nothing else', async () => {
    const { engine, asked } = farEngine(database)
    const { submit } = serverOn(opened(storeOn(engine)))
    await submit('a', { src: 'me', seq: 1, v: 0, create: { type: text.uri, data: '' } })
    asked.length = 0
    for (let seq = 2; seq < 40; seq++)
      assert.equal(await submit('a', { src: 'me', seq, v: seq - 1, op: ['x'] }), `at ${seq - 1}`)
    assert.deepEqual(new Set(asked), new Set(['append']))
    assert.equal(asked.length, 38)
    // Another writer is looked up once.
    asked.length = 0
    for (const seq of [1, 2]) await submit('a', { src: 'you', seq, v: 38 + seq, op: ['y'] })
    assert.deepEqual(asked, ['doc', 'writer', 'append', 'append'])
  })

  it('[S61] an op that rests on what is behind costs one retry', async () => {
    const [one, two] = [1, 2].map(() => serverOn(opened(storeOn(farEngine(database).engine)))) as [
      Server,
      Server,
    ]
    await one.submit('a', { src: 'me', seq: 1, v: 0, create: { type: text.uri, data: '' } })
    await two.submit('a', { src: 'you', seq: 1, v: 1, op: ['y'] })
    for (let seq = 2; seq <= 20; seq++) {
      // Each server has last seen the version before the other one's op.
      assert.equal(await one.submit('a', { src: 'me', seq, v: 2 * seq - 3, op: ['x'] }), `at ${2 * seq - 2}`)
      assert.equal(await two.submit('a', { src: 'you', seq, v: 2 * seq - 2, op: ['y'] }), `at ${2 * seq - 1}`)
      assert.deepEqual([one.retries, two.retries], [seq - 1, seq - 1])
    }
    await assertDerived(one.store, keyOf('a'))
  })

  it('[S61] answers as a store would that remembers nothing, whoever was asked before', async () => {
    let [refusals, again] = [0, 0]
    const oracle = serverOn(opened(storeOn(openSqliteEngine({ path: ':memory:' }))))
    const servers = [1, 2].map(() => serverOn(opened(storeOn(farEngine(database).engine))))
    for (let seed = 1; seed <= 150; seed++) {
      const rng = new Random(seed)
      const id = `seed ${seed}`
      const sent: Submitted[] = []
      const seqs = new Map<string, number>()
      for (let step = 0; step < 30; step++) {
        const old = rng.chance(0.2) && sent.length > 0
        const op = old ? resent(rng.pick(sent), rng) : await fresh(oracle.store, id, seqs, rng)
        sent.push(op)
        const expected = await oracle.submit(id, op)
        const told = await rng.pick(servers).submit(id, op)
        assert.equal(told, expected, `${id}, step ${step}: ${JSON.stringify(op)}`)
        if (told.startsWith('again')) again++
        else if (!told.startsWith('at')) refusals++
      }
      const there = await servers[0]!.store.snapshot(keyOf(id))
      const expected = await oracle.store.snapshot(keyOf(id))
      assert.deepEqual([there.v, there.type, there.data], [expected.v, expected.type, expected.data], id)
    }
    const retries = servers.reduce((sum, server) => sum + server.retries, 0)
    // The run did something.
    assert.ok(refusals > 300 && again > 100 && retries > 100, `${refusals} ${again} ${retries}`)
  }).timeout(60_000)

  it('[S10] a snapshot that is being written is not written again by every further op', async () => {
    const gate = Promise.withResolvers<void>()
    const { engine, asked } = farEngine(database, name => (name === 'saveSnapshots' ? gate.promise : turn()))
    const store = opened(storeOn(engine))
    const { submit } = serverOn(store)
    await submit('a', { src: 'me', seq: 1, v: 0, create: { type: text.uri, data: '' } })
    for (let seq = 2; seq <= 120; seq++) await submit('a', { src: 'me', seq, v: seq - 1, op: ['x'] })
    const writes = () => asked.filter(name => name === 'saveSnapshots').length
    assert.equal(writes(), 1)
    gate.resolve()
    for (let seq = 121; seq <= 130; seq++) await submit('a', { src: 'me', seq, v: seq - 1, op: ['x'] })
    while (store.counts.snapshots < 2) await turn()
    assert.equal(writes(), 2)
  })

  it('[S10] a snapshot that could not be written gets its turn again', async () => {
    let fails = true
    const { engine } = farEngine(database, async name => {
      if (name === 'saveSnapshots' && fails) throw new Error('no')
    })
    const store = opened(storeOn(engine))
    const { submit } = serverOn(store)
    await submit('a', { src: 'me', seq: 1, v: 0, create: { type: text.uri, data: '' } })
    for (let seq = 2; seq <= 70; seq++) await submit('a', { src: 'me', seq, v: seq - 1, op: ['x'] })
    assert.equal(store.counts.snapshots, 0)
    fails = false
    await submit('a', { src: 'me', seq: 71, v: 70, op: ['x'] })
    while (store.counts.snapshots === 0) await turn()
  })

  it('[S61] remembers a bounded number of writers', () => {
    const seqs = new Seqs(4)
    for (const [id, src] of [
      ['a', 'x'],
      ['b', 'x'],
      ['b', 'y'],
      ['a', 'y'],
      ['c', 'x'],
    ] as const) {
      seqs.moved(keyOf(id), { src, seq: 5 })
    }
    const isNew = (id: string, src: string, seq: number) => seqs.isNew(keyOf(id), { src, seq })
    // b had been quiet for longest.
    assert.deepEqual(
      [isNew('b', 'x', 6), isNew('a', 'x', 6), isNew('a', 'y', 5), isNew('c', 'x', 6)],
      [false, true, false, true],
    )
    assert.deepEqual([seqs.forget(keyOf('a')), seqs.forget(keyOf('a'))], [true, false])
    for (const src of ['1', '2', '3']) seqs.moved(keyOf('d'), { src, seq: 1 })
    assert.deepEqual([isNew('a', 'x', 6), isNew('c', 'x', 6), isNew('d', '1', 2)], [false, true, true])
  })
})

/** An op that was sent before: as it was, with another content, or rebased to another base. */
function resent(op: Submitted, rng: Random): Submitted {
  const { op: _op, create: _create, del: _del, ...name } = op as Submitted & Record<string, unknown>
  if (rng.chance(0.2))
    return { ...(name as { src: string; seq: number }), v: op.v ?? 0, op: ['another'] } as Submitted
  if (rng.chance(0.3)) return { ...op, v: (op.v ?? 0) + rng.int(4) }
  return op
}

/** A new op of a client that has seen some version; now and then one that cannot be. */
async function fresh(store: Store, id: string, seqs: Map<string, number>, rng: Random): Promise<Submitted> {
  const src = rng.pick(['me', 'you', 'it'])
  const seq = (seqs.get(src) ?? 0) + 1 + Number(rng.chance(0.1))
  seqs.set(src, seq)
  const head = await store.snapshot(keyOf(id))
  const v = Math.max(0, head.v - (rng.chance(0.5) ? 0 : rng.int(6)))
  const x = rng.chance(0.5) ? { x: { seal: `${rng.word()}${rng.word()}`.padEnd(16, '0') } } : {}
  return {
    src,
    seq,
    ...x,
    ...versioned(await changeAt(await store.at(keyOf(id), v), rng), v, rng),
  } as Submitted
}

const versioned = (change: WireChange, v: number, rng: Random) => {
  if (rng.chance(0.05)) return { ...change, v: v + 3 }
  return { ...change, v: change.create && rng.chance(0.5) ? null : v }
}

async function changeAt({ type, data }: StoredSnapshot, rng: Random): Promise<WireChange> {
  if (rng.chance(0.08)) return { del: true }
  if (type === null || rng.chance(0.05)) {
    const created = typeOf(rng.pick(['text', 'json', 'rich'])) as Type
    return { create: { type: created.uri, data: randomDoc(created, rng) } }
  }
  if (rng.chance(0.1))
    return { op: rng.pick<unknown>([[{ d: 10_000 }], { ops: [{ delete: 10_000 }] }, ['no', 'such']]) }
  return { op: randomOp(typeOf(type), data, rng) }
}
