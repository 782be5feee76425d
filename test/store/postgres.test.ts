/** The Postgres store: the contract, and what only a database that several servers share can show. */

import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import pg from 'pg'
import { openBackend } from '../../server/backend.ts'
import { readSettings } from '../../server/settings.ts'
import type { Engine, OpRow, PackRow } from '../../server/store/engine.ts'
import { Log } from '../../server/store/log.ts'
import { encodePack } from '../../server/store/packs.ts'
import { addressOf, connectionsOf, type PostgresOptions } from '../../server/store/postgres/connections.ts'
import { openPostgresEngine } from '../../server/store/postgres/engine.ts'
import { appending, reading } from '../../server/store/postgres/statements.ts'
import { openPostgresStore } from '../../server/store/postgres.ts'
import type { Store } from '../../server/store/store.ts'
import { text } from '../../types/index.ts'
import { type Line, openLine } from '../browser/harness/line.ts'
import { sharedPostgres } from '../harness/shared-postgres.ts'
import { storeContract } from './contract.ts'
import { emptySchema } from './engines.ts'
import { assertDerived, commitOn, fetched, keyOf, submit } from './writer.ts'

const coded = (code: string) => (error: { code?: string }) => error.code === code
const note = (data: string) => ({ create: { type: text.uri, data } })

storeContract('Postgres', true, async () => {
  const url = await emptySchema()
  return { open: options => openPostgresStore({ url, ...options }), remove() {} }
})

describe('Postgres store', function () {
  this.timeout(30_000)
  let url: string
  let ends: (() => Promise<unknown>)[]
  const key = keyOf('hello')

  beforeEach(async () => {
    url = await emptySchema()
    ends = []
  })
  afterEach(async () => {
    for (const end of ends.reverse()) await end()
  })

  async function open(options: Partial<PostgresOptions> = {}): Promise<Store> {
    const store = await openPostgresStore({ url, ...options })
    ends.push(() => store.close())
    return store
  }
  /** A connection that is none of the store's, in its schema. */
  async function session(): Promise<pg.Client> {
    const { server, schema } = addressOf(url)
    const client = new pg.Client(server)
    client.on('error', () => {})
    await client.connect()
    await client.query(`SET search_path = ${pg.escapeIdentifier(schema)}`)
    ends.push(() => client.end())
    return client
  }
  /** The database as it is reached over a line with faults. */
  async function farUrl(): Promise<{ url: string; line: Line }> {
    const line = await openLine(await sharedPostgres())
    ends.push(() => line.close())
    const far = new URL(url)
    far.port = String(line.port)
    return { url: far.href, line }
  }

  it('[S60] gives each version once, whichever server commits, whatever is the default of the database', async () => {
    const strict = new URL(url)
    strict.searchParams.set('options', '-c default_transaction_isolation=serializable')
    const stores = [await open({ url: strict.href }), await open({ url: strict.href })]
    await submit(stores[0]!, key, note(''))
    let taken = 0
    const write = async (store: Store, src: string) => {
      for (let seq = 1; seq <= 25; ) {
        if (await submit(store, key, { op: [`<${src}:${seq}>`] }, { src, seq })) seq++
        else taken++
      }
    }
    await Promise.all(stores.flatMap((store, i) => ['a', 'b'].map(src => write(store, `${i}${src}`))))
    assert.equal((await stores[0]!.head(key)).v, 101)
    assert.ok(taken > 0, 'they met')
    for (const store of stores) await assertDerived(store, key)
  })

  it('[S60] numbers the changes in the order in which they appear, and a reader who follows misses none', async () => {
    const stores = [await open(), await open()]
    const reader = await open()
    const [writers, each] = [4, 30]
    const write = async (store: Store, src: string) => {
      const nothing = await fetched(store, key)
      for (let i = 0; i < each; i++) {
        // Now and then one document of another collection first: groups that want both lock them in one order.
        const elsewhere = commitOn(store, keyOf(`${src} ${i}`, 'a'), nothing, note(''))
        assert.ok(await commitOn(store, keyOf(`${src} ${i}`), nothing, note('x')))
        assert.ok(await elsewhere)
      }
    }
    let writing = true
    const total = stores.length * writers * each
    const read = async () => {
      const seen: number[] = []
      for (let last = false; !last; ) {
        last = !writing
        const page = await reader.changed('notes', { after: seen.at(-1) ?? 0, limit: 7 })
        for (const { change } of page) {
          // Each document changes once, so a number that is passed over was missed.
          assert.equal(change, (seen.at(-1) ?? 0) + 1)
          seen.push(change)
        }
        if (page.length > 0) last = false
      }
      return seen.length
    }
    const following = read()
    await Promise.all(
      stores.flatMap((store, i) => Array.from({ length: writers }, (_, j) => write(store, `${i}${j}`))),
    ).finally(() => {
      writing = false
    })
    assert.equal(await following, total)
    assert.equal((await reader.changed('a', { after: total - 1, limit: 9 })).length, 1)
  })

  it('[S62] a commit of a known writer is one transaction of two round trips', async () => {
    const far = await farUrl()
    const store = await open({ url: far.url })
    const backend = openBackend(store, readSettings(), (what, error) => assert.fail(`${what} ${error}`))
    const write = (v: number) =>
      backend.submit(key, { v, src: 'me', seq: v + 1, ...(v === 0 ? note('') : { op: ['x'] }) })
    for (let v = 0; v < 2; v++) await write(v)
    const sent: string[] = []
    const { query } = pg.Client.prototype
    pg.Client.prototype.query = function (this: pg.Client, ...args: [{ name: string }]) {
      sent.push(args[0].name ?? args[0])
      return (query as (...args: unknown[]) => unknown).apply(this, args)
    } as typeof query
    ends.push(async () => {
      pg.Client.prototype.query = query
    })
    far.line.delayMs = 25
    const roundTrip = 2 * far.line.delayMs
    const times: number[] = []
    for (let v = 2; v < 8; v++) {
      const start = performance.now()
      await write(v)
      times.push(performance.now() - start)
    }
    const transaction = ['BEGIN', 'lock', 'load', 'write', 'COMMIT']
    assert.deepEqual(
      sent,
      times.flatMap(() => transaction),
    )
    const least = Math.min(...times)
    assert.ok(
      least >= 2 * roundTrip - 1 && least < 3 * roundTrip,
      `${least} ms, a round trip is ${roundTrip}`,
    )
  })

  it('[S63] servers that start at once make the tables once', async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, () => open()))
    assert.equal(new Set(stores.map(({ epoch }) => epoch)).size, 1)
    const { rows } = await (await session()).query('SELECT version FROM migrations')
    assert.deepEqual(rows, [{ version: '1' }, { version: '2' }])
  })

  it('[S12] refuses the tables of a newer program and leaves them as they are', async () => {
    await (await open()).close()
    const client = await session()
    await client.query('INSERT INTO migrations (version) VALUES (99)')
    await assert.rejects(openPostgresStore({ url }), coded('STORE_NEWER'))
    const { rows } = await client.query('SELECT max(version) AS version FROM migrations')
    assert.deepEqual(rows, [{ version: '99' }])
  })

  it('[S29] brings the tables of version 1 up to date', async () => {
    const first = await open()
    await submit(first, key, note('x'))
    const client = await session()
    await client.query('DROP TABLE owners; DELETE FROM migrations WHERE version > 1')
    const store = await open()
    assert.equal(await store.claim('src', 'ann'), 'ann')
    assert.equal((await store.snapshot(key)).data, 'x')
  })

  it('[S67] the tables stand in a schema of their own, of any name, beside what else is there', async () => {
    const { server } = addressOf(url)
    const database = new URL(await (await sharedPostgres()).createDatabase())
    const at = (schema: string | null) => {
      const place = new URL(database)
      if (schema !== null) place.searchParams.set('schema', schema)
      return place.href
    }
    for (const schema of [null, 'other', `My "schema"; --`]) {
      const store = await open({ url: at(schema) })
      assert.equal((await store.head(key)).v, 0)
      await submit(store, key, note(String(schema)))
    }
    assert.equal((await (await open({ url: at('holdfast') })).snapshot(key)).data, 'null')
    const client = new pg.Client(addressOf(database.href).server)
    await client.connect()
    ends.push(() => client.end())
    const { rows } = await client.query(
      "SELECT DISTINCT schemaname AS name FROM pg_tables WHERE tablename = 'ops'",
    )
    assert.deepEqual(rows.map(({ name }) => name).sort(), [`My "schema"; --`, 'holdfast', 'other'])
    assert.equal(URL.parse(server)!.searchParams.has('schema'), false)
  })

  it('[S68] every question finds its rows by an index, whatever Postgres knows of the tables', async () => {
    await open()
    const { reads } = connectionsOf({ url })
    ends.push(() => reads.end())
    const { load, lock } = appending
    for (const { name, text } of [...Object.values(reading), load, lock]) {
      const { rows } = await reads.query(`EXPLAIN (GENERIC_PLAN) ${text}`)
      const plan = rows.map(row => row['QUERY PLAN']).join('\n')
      assert.doesNotMatch(plan, /Seq Scan|Hash|Merge/, `${name}\n${plan}`)
      // A document has few named versions, a group few collections.
      if (!['marks', 'lock'].includes(name)) assert.doesNotMatch(plan, /Sort/, `${name}\n${plan}`)
    }
  })

  it('[S2] waits for the disk unless told otherwise, and never for what can be derived again', async () => {
    await open()
    for (const [durability, lasting] of [
      ['full', 'on'],
      ['normal', 'off'],
    ] as const) {
      const { commits, reads, derived, close } = connectionsOf({ url, durability })
      ends.push(close)
      const shown = await Promise.all(
        [commits, reads, derived].map(pool => pool.query('SHOW synchronous_commit')),
      )
      assert.deepEqual(
        shown.map(({ rows }) => rows[0].synchronous_commit),
        [lasting, lasting, 'off'],
      )
    }
  })

  it('[S27] servers that pack the same at once leave each op in one place, and readers find all of them', async () => {
    const engines = await Promise.all([1, 2].map(() => openPostgresEngine({ url })))
    for (const engine of engines) ends.push(() => engine.close())
    const [one, two] = engines as [Engine, Engine]
    const store = await open({ durability: 'normal' })
    await submit(store, key, note(''), { src: 'me', seq: 1 })
    for (let seq = 2; seq <= 60; seq++) await submit(store, key, { op: ['x'] }, { src: 'me', seq })
    const row = (await one.doc(key))!
    const before = await store.ops(key, 0, null)
    const log = new Log(two)
    let packing = true
    const following = (async () => {
      let count = 0
      for (; packing; count++) assert.deepEqual(await log.ops(row, 0, row.v), before)
      return count
    })()
    for (let v = 0; v < 60; v = await one.packedTo(row.num)) {
      // One reaches further than the other; whichever comes second must not touch a row.
      const packs = await Promise.all([3, 6].map(async n => packOf(await two.ops(row.num, v, v + n))))
      if (v % 2 === 0) packs.reverse()
      await Promise.all(
        engines.map((engine, i) => engine.pack(row.num, packs[i]!, [{ writer: 1, seq: v + 1 }])),
      )
    }
    packing = false
    assert.ok((await following) > 0)
    assert.deepEqual(await store.ops(key, 0, null), before)
    const { rows } = await (await session()).query(
      'SELECT (SELECT count(*) FROM ops) AS ops, sum(n) AS packed FROM packs',
    )
    assert.deepEqual(rows, [{ ops: '0', packed: '60' }])
    assert.equal(await store.versionOf(key, { src: 'me', seq: 33 }), 32)
  })

  it('[S9] tries a transaction again that Postgres has undone for a deadlock, and no other', async () => {
    const store = await open()
    await submit(store, key, note(''))
    const other = await session()
    await other.query(`
      CREATE SEQUENCE tries;
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        CASE nextval('tries')
          WHEN 1 THEN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01';
          WHEN 2 THEN RAISE EXCEPTION 'serialization failure' USING ERRCODE = '40001';
          WHEN 4 THEN RAISE EXCEPTION 'something else' USING ERRCODE = '22000';
          ELSE RETURN NEW;
        END CASE;
      END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON ops FOR EACH ROW EXECUTE FUNCTION refuse()`)
    assert.equal(await submit(store, key, { op: ['x'] }), true)
    await assert.rejects(submit(store, key, { op: ['y'] }), /something else/)
    assert.equal(await submit(store, key, { op: ['z'] }), true)
    assert.deepEqual((await other.query('SELECT last_value FROM tries')).rows, [{ last_value: '5' }])
    await assertDerived(store, key)
  })

  it('[S65] gives up in time on a lock, and takes commits once it is free', async () => {
    const store = await open({ timeoutMs: 1000, durability: 'normal' })
    await submit(store, key, note(''))
    const other = await session()
    await other.query('BEGIN; SELECT name FROM collections FOR UPDATE')
    await assert.rejects(submit(store, key, { op: ['x'] }), coded('STORE_FAILED'))
    assert.equal((await store.snapshot(key)).data, '')
    await other.query('COMMIT')
    assert.equal(await submit(store, key, { op: ['y'] }), true)
    assert.equal((await store.snapshot(key)).data, 'y')
  })

  it('[S65] a server that falls silent in a transaction keeps no lock', async () => {
    const { commits, close } = connectionsOf({ url, timeoutMs: 300 })
    ends.push(close)
    const store = await open()
    await submit(store, key, note(''))
    const silent = await commits.connect()
    ends.push(async () => silent.release(true))
    await silent.query('BEGIN')
    await silent.query('SELECT name FROM collections FOR UPDATE')
    assert.equal(await submit(store, key, { op: ['x'] }), true)
  })

  it('[S65] gives up in time on a line that falls silent, and goes on when it speaks again', async () => {
    const far = await farUrl()
    const store = await open({ url: far.url, timeoutMs: 1000, durability: 'normal' })
    await submit(store, key, note('x'))
    far.line.mode = 'blackhole'
    const start = performance.now()
    const asked = [
      store.snapshot(key),
      store.ping(),
      commitOn(store, key, { id: 'hello', v: 1, type: text.uri, data: 'x', m: null }, { op: ['y'] }),
    ]
    for (const { status, reason } of (await Promise.allSettled(asked)) as PromiseRejectedResult[])
      assert.deepEqual([status, reason.code], ['rejected', 'STORE_FAILED'])
    assert.ok(performance.now() - start < 10_000)
    far.line.mode = 'pass'
    await store.ping()
    assert.match(String((await store.snapshot(key)).data), /^y?x$/)
    await submit(store, key, { op: ['z'] })
    await assertDerived(store, key)
  })

  it('[S65] survives the end of every connection', async () => {
    const store = await open()
    await submit(store, key, note(''))
    const other = await session()
    for (let i = 1; i <= 3; i++) {
      await Promise.all([store.ping(), store.snapshot(key), store.head(key)])
      const { rows } = await other.query(
        `SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 5000)) AS ended FROM pg_stat_activity
         WHERE application_name = 'holdfast'`,
      )
      assert.ok(Number(rows[0].ended) >= 2)
      // What was asked before we heard of it may fail; what is asked after does not.
      await store.ping().catch(error => assert.equal(error.code, 'STORE_FAILED'))
      await submit(store, key, { op: ['x'] }).catch(error => assert.equal(error.code, 'STORE_FAILED'))
      assert.equal(await submit(store, key, { op: ['y'] }), true)
    }
    await assertDerived(store, key)
  })

  it('[S66] no error repeats the password, wherever the address is wrong', async () => {
    const right = new URL(url)
    const { password } = right
    const changed = (change: (url: URL) => void) => {
      const wrong = new URL(right)
      change(wrong)
      return wrong.href
    }
    const secret = 'se cret/@:'
    const wrong: [string, RegExp][] = [
      [
        changed(each => {
          each.port = '1'
        }),
        /^STORE_FAILED.*ECONNREFUSED/,
      ],
      [
        changed(each => {
          each.port = '1'
          each.hostname = 'localhost'
        }),
        /^STORE_FAILED.*ECONNREFUSED/,
      ],
      [
        changed(each => {
          each.pathname = '/nowhere'
        }),
        /^STORE_FAILED.*"nowhere" does not exist/,
      ],
      [
        changed(each => {
          each.password = secret
        }),
        /^STORE_FAILED.*password authentication failed/,
      ],
      [
        changed(each => {
          each.searchParams.set('sslmode', 'verify-full')
        }),
        /^STORE_FAILED.*SSL/,
      ],
      [
        changed(each => {
          each.searchParams.set('sslrootcert', '/no/such/file')
        }),
        /^STORE_FAILED.*no such file/,
      ],
      [right.href.replace('postgres:', 'mysql:'), /^SETTING_INVALID/],
      [right.href.replace(right.port, '99999'), /^SETTING_INVALID/],
      [`${password}@127.0.0.1`, /^SETTING_INVALID/],
    ]
    for (const [address, expected] of wrong) {
      const error = await openPostgresStore({ url: address, timeoutMs: 3000 }).catch(error => error)
      assert.match(`${error.code} ${error.message}`, expected)
      const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error) + error.stack
      for (const each of [password, secret, encodeURIComponent(secret)])
        assert.ok(!shown.includes(each), `${address.replaceAll(password, '…')}: ${error.message}`)
    }
  })

  it('[S16] refuses nothing of what a client may name, and harms no other commit of the group', async () => {
    const store = await open()
    const nothing = await fetched(store, key)
    const names = ['\0', '\ud800', '{"a",NULL}', '\\', "'", 'NULL', ''].map(src => ({ src, seq: 1 }))
    const commits = names.map((name, i) => commitOn(store, keyOf(`${i}`), nothing, note('\0\\"{}'), name))
    assert.ok((await Promise.all(commits)).every(Boolean))
    for (const [i, name] of names.entries()) assert.equal(await store.versionOf(keyOf(`${i}`), name), 0)
  })

  it('[S5] takes documents of 10 MB, and a group of them', async () => {
    const store = await open()
    const nothing = await fetched(store, key)
    const data = '\u{1f600}"\\'.repeat(1_700_000)
    const keys = ['a', 'b', 'c'].map(id => keyOf(id))
    assert.ok(
      (await Promise.all(keys.map(each => commitOn(store, each, nothing, note(data))))).every(Boolean),
    )
    await store.close()
    const other = await open()
    for (const each of keys) assert.equal((await other.snapshot(each)).data, data)
  })
})

function packOf(ops: readonly OpRow[]): PackRow {
  const [first, last] = [ops[0]!, ops.at(-1)!]
  const { v, at } = first
  return {
    v,
    n: ops.length,
    start: at,
    end: last.at,
    hash: last.hash,
    about: '{}',
    body: encodePack(ops),
    names: null,
  }
}
