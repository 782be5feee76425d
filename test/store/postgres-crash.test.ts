/**
 * Postgres is killed while two servers write to it, and started again; the stores are not opened anew. `ROUNDS=50 npm test
 * -- test/store/postgres-crash.test.ts` is the long form.
 */

import assert from 'node:assert/strict'
import { type Backend, openBackend } from '../../server/backend.ts'
import { readSettings } from '../../server/settings.ts'
import { openPostgresStore } from '../../server/store/postgres.ts'
import type { Store } from '../../server/store/store.ts'
import { text } from '../../types/index.ts'
import { type Postgres, startPostgres } from '../harness/postgres.ts'
import { Random } from '../random.ts'
import { assertDerived, keyOf } from './writer.ts'

const ROUNDS = Number(process.env.ROUNDS ?? 10)
const DOCS = ['a', 'b', 'c', 'd']

interface Server {
  readonly store: Store
  readonly backend: Backend
}

async function openServer(url: string): Promise<Server> {
  // Small rungs and packs: the background is at work, too, when Postgres goes away.
  const store = await openPostgresStore({ url, rungSizes: [8, 32], packOps: 16 })
  return { store, backend: openBackend(store, readSettings(), what => assert.fail(what)) }
}

/** Types words into a document, one after the other; one that failed is sent again under its name until it is acknowledged. */
class Writer {
  readonly id: string
  readonly src: string
  acked = 0
  failed = 0
  readonly #server: Server
  readonly #storm: Storm

  constructor(server: Server, id: string, src: string, storm: Storm) {
    this.#server = server
    this.id = id
    this.src = src
    this.#storm = storm
  }

  async write(): Promise<void> {
    for (let seq = 1; this.#storm.rages; seq++) {
      while (!(await this.#sent(seq))) this.failed++
      this.acked++
      this.#storm.acked()
    }
  }

  /** Whether it was acknowledged. */
  async #sent(seq: number): Promise<boolean> {
    await this.#storm.calm
    const key = keyOf(this.id)
    try {
      const { v } = await this.#server.store.head(key)
      await this.#server.backend.submit(key, { v, src: this.src, seq, op: [`<${this.src}:${seq}>`] })
      return true
    } catch (error) {
      const { code } = error as { code: string }
      if (code === 'ERR_OP_ALREADY_SUBMITTED') return true
      assert.equal(code, 'STORE_FAILED', String(error))
      return false
    }
  }
}

/** Kills Postgres now and then. */
class Storm {
  rages = true
  /** Resolves at once while Postgres runs; while it is away nobody has to try. */
  calm: Promise<void> = Promise.resolve()
  #acked = 0
  #waiting = { count: 0, reached: () => {} }

  acked(): void {
    if (++this.#acked >= this.#waiting.count) this.#waiting.reached()
  }

  /** Resolves when so many more are acknowledged. */
  more(count: number): Promise<void> {
    return new Promise(reached => {
      this.#waiting = { count: this.#acked + count, reached }
    })
  }

  async strike(postgres: Postgres): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    // Some hear of it from what they are asking, the others when it is back.
    setImmediate(() => {
      this.calm = promise
    })
    await postgres.kill()
    await postgres.restart()
    resolve()
  }
}

/** What was acknowledged is there once, in order; nothing else is, but one word of each that may still be under way. */
async function check(servers: readonly Server[], writers: readonly Writer[]): Promise<void> {
  const acked = new Map(writers.map(writer => [writer.src, writer.acked]))
  for (const { store } of servers) {
    for (const id of DOCS) {
      const ops = await store.ops(keyOf(id), 0, null)
      for (const [i, { v }] of ops.entries()) assert.equal(v, i, 'versions have no gap')
      for (const { src } of writers.filter(writer => writer.id === id)) {
        const seqs = ops.filter(op => op.src === src).map(({ seq }) => seq)
        for (const [i, seq] of seqs.entries()) assert.equal(seq, i + 1, 'each once, in order')
        assert.ok(seqs.length >= acked.get(src)!, `${src} has ${seqs.length} of ${acked.get(src)}`)
      }
    }
  }
}

describe('Postgres under a crash', () => {
  let postgres: Postgres

  before(async function () {
    this.timeout(60_000)
    // SIGKILL takes nothing from the system's cache: fsync only matters when the machine ends, too.
    postgres = await startPostgres({ fsync: 'off' })
  })
  after(() => postgres?.stop())

  it('[S64] has every acknowledged commit once after each kill, and the stores go on by themselves', async () => {
    const url = await postgres.createDatabase()
    const servers = [await openServer(url), await openServer(url)]
    for (const id of DOCS) {
      const create = { type: text.uri, data: '' }
      await servers[0]!.backend.submit(keyOf(id), { v: 0, src: 'it', seq: 1, create })
    }
    const [storm, rng] = [new Storm(), new Random(64)]
    const writers = servers.flatMap((server, i) => DOCS.map(id => new Writer(server, id, `${id}${i}`, storm)))
    const written = Promise.all(writers.map(writer => writer.write()))
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.race([storm.more(20 + rng.int(150)), written])
      await storm.strike(postgres)
      await Promise.race([storm.more(20), written])
      await check(servers, writers)
    }
    storm.rages = false
    await written
    await check(servers, writers)
    for (const { store } of servers) for (const id of DOCS) await assertDerived(store, keyOf(id))
    const words = (await Promise.all(DOCS.map(id => servers[0]!.store.head(keyOf(id))))).map(({ v }) => v - 1)
    assert.equal(sum(words), sum(writers.map(({ acked }) => acked)), 'and nothing else')
    assert.ok(sum(writers.map(({ failed }) => failed)) > ROUNDS, 'it was felt')
    for (const { store } of servers) await store.close()
  }).timeout(20_000 + ROUNDS * 10_000)
})

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
