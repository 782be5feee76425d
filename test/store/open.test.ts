/** The database that the settings name, and servers on one that they share. */

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HoldfastError } from '../../ops/errors.ts'
import { readSettings } from '../../server/settings.ts'
import { storeOn } from '../../server/store/enginestore.ts'
import { openEngine } from '../../server/store/open.ts'
import { openPostgresStore } from '../../server/store/postgres.ts'
import { text } from '../../types/index.ts'
import { closeAll, greet, serve, TEXT } from '../server/scene.ts'
import { emptySchema } from './engines.ts'
import { keyOf, submit } from './writer.ts'

const key = keyOf('hello')

describe('The database of the settings', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-open-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** Writes a document into the database that the settings name. */
  async function write(settings: { STORE?: string; DATA?: string }): Promise<void> {
    const store = storeOn(await openEngine({ ...readSettings(), ...settings }))
    await submit(store, key, { create: { type: text.uri, data: 'x' } })
    await store.close()
  }

  it('[S69] is a SQLite file in HOLDFAST_DATA, or the one that HOLDFAST_STORE names, made with its folder', async () => {
    await write({ DATA: join(folder, 'data') })
    assert.ok(existsSync(join(folder, 'data', 'holdfast.sqlite')))
    await write({ DATA: join(folder, 'unused'), STORE: `sqlite:${join(folder, 'other', 'notes.db')}` })
    assert.ok(existsSync(join(folder, 'other', 'notes.db')))
    assert.ok(!existsSync(join(folder, 'unused')))
    await write({ DATA: ':memory:' })
    await write({ STORE: 'sqlite::memory:' })
  })

  it('[S69] is the Postgres that HOLDFAST_STORE names', async () => {
    const url = await emptySchema()
    await write({ STORE: url, DATA: join(folder, 'unused') })
    assert.ok(!existsSync(join(folder, 'unused')))
    const store = await openPostgresStore({ url })
    assert.equal((await store.snapshot(key)).data, 'x')
    await store.close()
  })

  it('[S69] a folder that cannot be is told by the setting that names it', async () => {
    for (const [settings, name] of [
      [{ DATA: '/dev/null/data' }, 'HOLDFAST_DATA'],
      [{ STORE: 'sqlite:/dev/null/data/notes.db' }, 'HOLDFAST_STORE'],
    ] as const) {
      await assert.rejects(
        write(settings),
        (error: HoldfastError) => error.code === 'SETTING_INVALID' && error.message.startsWith(`${name} is`),
      )
    }
  })
})

describe('Servers on one Postgres', () => {
  afterEach(closeAll)

  it('[S60] take the edits of one document at once, each exactly once, whoever sends it where', async () => {
    const STORE = await emptySchema()
    const servers = [await serve({ STORE }), await serve({ STORE })]
    const clients = await Promise.all(servers.map((server, i) => greet(server, `client${i}`)))
    const name = { a: 'op', c: 'notes', d: 'hello' }
    const submitted = async (i: number, src: string, seq: number, v: number, change: object) => {
      const asked = { ...name, src, seq }
      return clients[i]!.ask({ ...asked, v, ...change }, { ...asked, op: undefined })
    }
    await submitted(0, 'client0', 1, 0, { create: { type: TEXT, data: '' } })
    const write = async (i: number) => {
      const src = `client${i}`
      for (let seq = 2, v = 1; seq <= 40; seq++) {
        const ack = await submitted(i, src, seq, v, { op: [`<${i}:${seq}>`] })
        assert.equal(ack.error, undefined)
        v = ack.v + 1
        // The ack was lost, so to speak, and the other server is asked.
        if (seq % 5 !== 0) continue
        const again = await submitted(1 - i, src, seq, v - 1, { op: [`<${i}:${seq}>`] })
        assert.deepEqual([again.v, again.again], [ack.v, true])
      }
    }
    await Promise.all([write(0), write(1)])
    const documents = await Promise.all(servers.map(({ gateway }) => gateway.store.snapshot(key)))
    assert.equal(documents[0]!.v, 79)
    assert.deepEqual(documents[0], documents[1])
    const tokens = String(documents[0]!.data).match(/<[^>]+>/g)!
    assert.equal(new Set(tokens).size, 78)
    assert.deepEqual(
      servers.flatMap(({ reports }) => reports),
      [],
    )
  })
})
