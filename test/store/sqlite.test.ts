/** The SQLite store: the contract on a file and in memory, and what only a file of SQLite's can show. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { chained, START } from '../../server/store/chain.ts'
import { openDatabase } from '../../server/store/sqlite/schema.ts'
import { openSqliteStore, type SqliteOptions } from '../../server/store/sqlite.ts'
import type { Store, StoredOp } from '../../server/store/store.ts'
import { type TextOp, text } from '../../types/index.ts'
import { storeContract } from './contract.ts'
import { assertDerived, commitOn, fetched, keyOf, replayed, submit } from './writer.ts'

const coded = (code: string) => (error: { code?: string }) => error.code === code
const newFolder = () => mkdtempSync(join(tmpdir(), 'holdfast-store-'))
const note = (data: string) => ({ create: { type: text.uri, data } })

storeContract('SQLite in memory', false, () => ({
  open: options => openSqliteStore({ path: ':memory:', ...options }),
  remove() {},
}))

storeContract('SQLite file', true, () => {
  const folder = newFolder()
  return {
    open: options => openSqliteStore({ path: join(folder, 'holdfast.db'), ...options }),
    remove: () => rmSync(folder, { recursive: true }),
  }
})

describe('SQLite store', () => {
  let folder: string
  let path: string
  let stores: Store[]
  const key = keyOf('hello')

  const open = (options: Partial<SqliteOptions> = {}) => {
    const store = openSqliteStore({ path, ...options })
    stores.push(store)
    return store
  }
  /** Something done to the file behind the store's back. */
  const meddle = (sql: string) => {
    const db = new DatabaseSync(path)
    db.exec(sql)
    db.close()
  }
  const until = async (condition: () => boolean) => {
    while (!condition()) await setImmediate()
  }

  beforeEach(() => {
    folder = newFolder()
    path = join(folder, 'holdfast.db')
    stores = []
  })
  afterEach(async () => {
    for (const store of stores) await store.close()
    rmSync(folder, { recursive: true })
  })

  it('[S12] refuses the database of a newer program and leaves it as it is', async () => {
    await open().close()
    meddle('PRAGMA user_version = 99')
    assert.throws(() => open(), coded('STORE_NEWER'))
    const db = new DatabaseSync(path)
    assert.equal(db.prepare('PRAGMA user_version').get()!.user_version, 99)
    db.close()
  })

  it('[S29] brings a database of version 2 up to date', async () => {
    const first = open()
    await submit(first, keyOf('a'), note('x'))
    await first.close()
    meddle('DROP TABLE owners; PRAGMA user_version = 2')
    const store = open()
    assert.equal(await store.claim('src', 'ann'), 'ann')
    assert.equal((await store.snapshot(keyOf('a'))).data, 'x')
  })

  it('[S29] brings a database of version 1 up to date, with everything in it', async () => {
    const former = new DatabaseSync(path)
    former.exec(readFileSync(join(import.meta.dirname, 'fixtures/version1.sql'), 'utf8'))
    const rows = former.prepare('SELECT doc, v, src, seq, at, body FROM ops ORDER BY doc, v').all()
    const heads = former.prepare('SELECT num, collection, id, v, type FROM docs ORDER BY num').all()
    const snapshots = former.prepare('SELECT doc, v, data FROM snapshots ORDER BY doc').all()
    former.close()
    const store = open({ rungSizes: [4, 16], packOps: 8 })
    assert.equal(heads.length, 4)
    for (const { num, collection, id, v, type } of heads) {
      const each = keyOf(JSON.parse(id as string), JSON.parse(collection as string))
      const own = rows.filter(row => row.doc === num)
      const ops = await store.ops(each, 0, null)
      const flat = ({ v, src, seq, at, ...change }: StoredOp) => [v, src ?? null, seq ?? null, at, change]
      assert.deepEqual(
        ops.map(flat),
        own.map(row => [
          row.v,
          row.src === null ? null : JSON.parse(row.src as string),
          row.seq,
          row.at,
          JSON.parse(row.body as string),
        ]),
      )
      const head = await store.head(each)
      assert.deepEqual([head.v, head.type], [v, type])
      await assertDerived(store, each)
      const hash = ops.reduce(
        (before, op, i) => chained(before, op.src ?? null, op.seq ?? null, own[i]!.body as string),
        START,
      )
      assert.equal(head.hash, hash)
      for (const op of ops) {
        const name = op.src !== undefined && { src: op.src, seq: op.seq! }
        if (name) assert.deepEqual(await store.refusalOf(each, name, 'any'), { kind: 'again', v: op.v })
      }
      const types = await Promise.all(ops.map(op => store.typeAt(each, op.v + 1)))
      assert.deepEqual(
        types,
        ops.map(op => replayed(each, ops.slice(0, op.v + 1)).type),
      )
    }
    const stored = new DatabaseSync(path)
    assert.deepEqual(stored.prepare('SELECT doc, v, data FROM snapshots ORDER BY doc').all(), snapshots)
    stored.close()
    const changes = await store.changed('notes', { after: 0, limit: 9 })
    assert.deepEqual(
      changes.map(({ change, id }) => [change, id]),
      [
        [1, 'text'],
        [2, 'json'],
        [3, 'rich'],
      ],
    )
    for (let v = 0; v < 40; v++) await submit(store, keyOf('text'), { op: ['x'] }, { src: 'new', seq: v + 1 })
    await store.tended()
    await assertDerived(store, keyOf('text'))
  })

  it('[S12] says what is wrong with a path or a file that is no database', () => {
    const missing = join(folder, 'no', 'such', 'folder', 'x.db')
    assert.throws(() => openSqliteStore({ path: missing }), coded('STORE_FAILED'))
    assert.throws(() => openSqliteStore({ path: folder }), coded('STORE_FAILED'))
  })

  it('[S7] takes a missing op for a failure, never for a shorter answer', async () => {
    const store = open()
    await submit(store, key, note(''))
    for (const word of ['a', 'b', 'c']) await submit(store, key, { op: [word] })
    meddle('DELETE FROM ops WHERE v = 1')
    await assert.rejects(store.ops(key, 0, null), coded('STORE_FAILED'))
    await assert.rejects(store.changes(key, 0, null), coded('STORE_FAILED'))
    assert.equal((await store.ops(key, 2, null)).length, 2)
    meddle('DELETE FROM ops WHERE v = 3')
    await assert.rejects(store.ops(key, 2, null), /version 3/)
  })

  it('[S22] reads a long stretch in few pieces, which make what the ops make; a missing rung costs pieces only', async () => {
    const store = open({ rungSizes: [4, 16] })
    await submit(store, key, note(''))
    for (let v = 1; v < 41; v++) await submit(store, key, { op: v === 1 ? ['a'] : [v - 1, 'a'] })
    const spans = async (from: number, apart: number[] = []) =>
      (await store.changes(key, from, null, apart)).map(({ n }) => n)
    // The range of the create has no rung, so neither has the wide one above it.
    assert.deepEqual(await spans(0), [1, 1, 1, 1, 4, 4, 4, 16, 4, 4, 1])
    assert.deepEqual(await spans(14), [1, 1, 16, 4, 4, 1])
    assert.deepEqual(await spans(16, [21, 40]), [4, 1, 1, 1, 1, 4, 4, 4, 4, 1])
    const whole = (await store.changes(key, 1, null)).map(({ op }) => op as TextOp)
    assert.equal(whole.reduce(text.apply, ''), 'a'.repeat(40))
    meddle('DELETE FROM rungs WHERE size = 16')
    assert.deepEqual(await spans(16), [4, 4, 4, 4, 4, 4, 1])
  })

  it('[S27] packs older ops, and leaves the latest in rows', async () => {
    const store = open({ rungSizes: [4, 16], packOps: 8 })
    await submit(store, key, note(''))
    for (let v = 1; v < 41; v++) await submit(store, key, { op: ['a'] })
    await store.tended()
    const db = new DatabaseSync(path)
    const count = (sql: string) => Object.values(db.prepare(sql).get()!)
    assert.deepEqual(count('SELECT count(*), min(v), max(v) FROM ops'), [9, 32, 40])
    assert.deepEqual(count('SELECT count(*), sum(n), max(v) FROM packs'), [4, 32, 24])
    db.close()
    assert.deepEqual(
      (await store.ops(key, 30, 34)).map(({ v }) => v),
      [30, 31, 32, 33],
    )
  })

  it('[V14] reads on after another store trimmed what follows on its snapshot', async () => {
    const [one, two] = [open({ rungSizes: [4, 16], packOps: 8 }), open({ rungSizes: [4, 16], packOps: 8 })]
    await submit(one, key, note(''))
    for (let v = 1; v < 41; v++) await submit(two, key, { op: ['a'] })
    await two.tended()
    assert.deepEqual(await two.trim(Date.now() + 1), { docs: 1, ops: 40 })
    assert.equal((await one.snapshot(key)).data, 'a'.repeat(40))
    assert.equal(await submit(one, key, { op: ['b'] }), true)
  })

  it('[S27] gives the disk back what a burst of ops needed before it was packed', async () => {
    const store = open({ durability: 'normal' })
    const base = { ...(await fetched(store, key)), type: text.uri, data: '' }
    const commits = Array.from({ length: 6000 }, (_, v) => {
      const change = v === 0 ? note('') : { op: ['x'.repeat(200)] }
      return commitOn(store, key, { ...base, v }, change, { src: 'a', seq: v + 1 })
    })
    assert.ok((await Promise.all(commits)).every(Boolean))
    await store.tended()
    await store.close()
    const { size } = statSync(path)
    const db = new DatabaseSync(path)
    const free = db.prepare('PRAGMA freelist_count').get()!.freelist_count as number
    db.close()
    assert.ok(free <= Math.max(256, size / 4096 / 4), `${free} pages of ${size / 4096} are free`)
  }).timeout(30_000)

  it('[S9] fails every commit of a transaction that fails, and takes them once it can', async () => {
    const store = open({ busyMs: 1 })
    const nothing = await fetched(store, key)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const names = [1, 2].map(seq => ({ src: 'a', seq }))
    const commitAll = () => names.map((name, i) => commitOn(store, keyOf(`${i}`), nothing, note('x'), name))
    for (const commit of commitAll()) await assert.rejects(commit, coded('STORE_FAILED'))
    await assert.rejects(store.ping(), coded('STORE_FAILED'))
    other.exec('ROLLBACK')
    other.close()
    assert.deepEqual(await Promise.all(commitAll()), [true, true])
    assert.deepEqual([store.counts.commits, store.counts.groups], [2, 1])
    await store.ping()
  })

  it('[S10] writes a snapshot down after many ops, not with each', async () => {
    const store = open()
    await submit(store, key, note(''))
    for (let i = 2; i < 64; i++) await submit(store, key, { op: ['a'] })
    assert.equal(store.counts.snapshots, 0)
    await submit(store, key, { op: ['a'] })
    await until(() => store.counts.snapshots === 1)
    const large = keyOf('large')
    await submit(store, large, note('x'.repeat(200_000)))
    for (let i = 2; i < 100; i++) await submit(store, large, { op: ['a'] })
    await setImmediate()
    assert.equal(store.counts.snapshots, 1)
    for (const each of [key, large]) await assertDerived(open(), each)
  })

  it('[S10] writes a snapshot down when the document falls quiet, and at the end', async () => {
    const quick = open({ quietMs: 1 })
    await submit(quick, key, note('a'))
    await new Promise(resolve => setTimeout(resolve, 1))
    await until(() => quick.counts.snapshots === 1)
    const slow = open()
    await submit(slow, key, { op: ['b'] })
    await slow.close()
    assert.equal(slow.counts.snapshots, 1)
    meddle('DELETE FROM ops')
    assert.equal((await open().snapshot(key)).data, 'ba')
  })

  it('[S10] keeps right when the cache holds one document only', async () => {
    const store = open({ cacheBytes: 0 })
    const keys = ['one', 'two', 'three'].map(id => keyOf(id))
    for (const each of keys) await submit(store, each, note(''))
    for (let i = 0; i < 70; i++) for (const each of keys) await submit(store, each, { op: [`${i}`] })
    for (const each of keys) await assertDerived(store, each)
    assert.equal(store.counts.snapshots, 3)
  })

  it('[S10] reads a document whose snapshot was lost', async () => {
    const store = open()
    await submit(store, key, note('x'))
    await store.close()
    meddle('DELETE FROM snapshots')
    await assertDerived(open(), key)
  })

  it('[S2] waits for the disk unless told otherwise', () => {
    const synchronous = (durability?: 'full' | 'normal') => {
      const db = openDatabase({ path, durability })
      const { synchronous } = db.prepare('PRAGMA synchronous').get()!
      db.close()
      return synchronous
    }
    // SQLite's numbers: 1 is NORMAL, 2 is FULL.
    assert.deepEqual([synchronous(), synchronous('full'), synchronous('normal')], [2, 2, 1])
  })
})
