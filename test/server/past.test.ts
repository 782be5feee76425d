/** History over a running server: going back, trimming by age, receipts on the wire. */

import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { connect, memoryLog } from '../../client/index.ts'
import { restoreVersion } from '../../server/restore.ts'
import { type AnyFrame, closeAll, greet, RICH, serve, TEXT, type TestServer } from './scene.ts'

const key = { collection: 'notes', id: 'a' }
const address = { a: 'op', c: 'notes', d: 'a' }

describe('The past of a document on a server', () => {
  let server: TestServer
  afterEach(closeAll)

  async function edits(changes: AnyFrame[]): Promise<AnyFrame[]> {
    const ann = await greet(server, 'ann')
    const acks = []
    for (const [v, change] of changes.entries()) {
      const name = { ...address, src: 'ann', seq: v + 1 }
      acks.push(await ann.ask({ ...name, v, ...change }, name))
    }
    return acks
  }

  const restore = (v: number) => restoreVersion(server.gateway.backend, server.gateway.store, key, v)
  const content = () => server.gateway.store.snapshot(key)

  it('[V16] goes back by a new edit that everybody is told, and forth again', async () => {
    server = await serve()
    await edits([{ create: { type: TEXT, data: 'one' } }, { op: [3, ' two'] }, { op: [7, ' three'] }])
    const bob = await greet(server, 'bob')
    await bob.ask({ a: 's', c: 'notes', d: 'a', v: 3 }, { a: 's' })
    assert.equal(await restore(1), 4)
    const told = await bob.next(address)
    assert.deepEqual([told.v, told.op], [3, [3, { d: 10 }]])
    assert.equal((await content()).data, 'one')
    const [note] = (await server.gateway.store.history.ops(key, { limit: 1 })).ops
    assert.deepEqual([note!.v, note!.restored, note!.added, note!.removed], [3, 1, 0, 10])
    assert.equal(await restore(3), 5)
    assert.equal((await content()).data, 'one two three')
    assert.equal(await restore(5), 5)
    await assert.rejects(restore(9), (error: { code?: string }) => error.code === 'VERSION_UNKNOWN')
  })

  it('[V16] goes back over a deletion and a change of type, and to nothing', async () => {
    server = await serve()
    await edits([
      { create: { type: TEXT, data: 'text' } },
      { del: true },
      { create: { type: RICH, data: { ops: [{ insert: 'rich\n' }] } } },
    ])
    assert.equal(await restore(1), 5)
    assert.deepEqual([(await content()).type, (await content()).data], [TEXT, 'text'])
    assert.equal(await restore(2), 6)
    assert.equal((await content()).type, null)
    assert.equal(await restore(3), 7)
    assert.deepEqual((await content()).data, { ops: [{ insert: 'rich\n' }] })
  })

  it('[V17] trims what is older than HOLDFAST_HISTORY when it starts', async () => {
    const DATA = mkdtempSync(join(tmpdir(), 'holdfast-past-'))
    try {
      server = await serve({ DATA })
      await edits(
        Array.from({ length: 130 }, (_, v) => (v === 0 ? { create: { type: TEXT } } : { op: ['x'] })),
      )
      await closeAll()
      server = await serve({ DATA, HISTORY: 'all' })
      assert.equal((await server.gateway.store.head(key)).horizon, 0)
      await closeAll()
      server = await serve({ DATA, HISTORY: 1 })
      const horizon = async () => (await server.gateway.store.head(key)).horizon
      while ((await horizon()) === 0) await setImmediate()
      assert.deepEqual([await horizon(), server.reports], [128, []])
      assert.equal((await content()).data, 'x'.repeat(129))
    } finally {
      await closeAll()
      rmSync(DATA, { recursive: true })
    }
  })

  it('[S28] [E19] a device notices a server that was restored from a backup and went another way', async () => {
    const DATA = mkdtempSync(join(tmpdir(), 'holdfast-past-'))
    const file = join(DATA, 'holdfast.sqlite')
    try {
      server = await serve({ DATA })
      await edits([{ create: { type: TEXT, data: '' } }])
      await closeAll()
      copyFileSync(file, `${file}.old`)
      server = await serve({ DATA })
      const client = connect({ server: server.url, log: memoryLog() })
      const doc = await client.open<string>('notes', 'a', 'text')
      doc.edit(['mine'])
      await doc.settled
      const { port } = server
      await closeAll()
      renameSync(`${file}.old`, file)
      server = await serve({ DATA })
      const eve = await greet(server, 'eve')
      for (const seq of [1, 2]) {
        const name = { ...address, src: 'eve', seq }
        await eve.ask({ ...name, v: seq, op: ['other '] }, name)
      }
      await closeAll()
      const noticed = new Promise<string>(resolve => {
        doc.on('truth', ({ error }) => error && resolve(error.code))
      })
      server = await serve({ DATA, PORT: port })
      assert.deepEqual([await noticed, doc.data], ['SERVER_DIVERGED', 'mine'])
      await client.close()
    } finally {
      await closeAll()
      rmSync(DATA, { recursive: true })
    }
  })

  it('[S28] tells the receipt with the ack and with the op to others, and takes it back in a catch-up', async () => {
    server = await serve()
    const bob = await greet(server, 'bob')
    await bob.ask({ a: 's', c: 'notes', d: 'a', v: 0 }, { a: 's' })
    const [created, edited] = await edits([{ create: { type: TEXT, data: '' } }, { op: ['x'] }])
    const heard = [await bob.next({ ...address, v: 0 }), await bob.next({ ...address, v: 1 })]
    assert.deepEqual([heard[0]!.hash, heard[1]!.hash], [created!.hash, edited!.hash])
    const ask = (hash: string) =>
      bob.ask({ a: 'h.catchup', c: 'notes', d: 'a', v: 1, own: [], hash }, { a: 'h.catchup', from: 1 })
    assert.equal((await ask(created!.hash)).hash, edited!.hash)
    assert.equal((await ask(edited!.hash)).error.code, 'SERVER_DIVERGED')
  })

  it('[S28] tells the receipt with ops that are read back: for a subscription, and for an op that is behind', async () => {
    server = await serve()
    const acks = await edits([{ create: { type: TEXT, data: '' } }, { op: ['x'] }, { op: ['y'] }])
    const heard = async (ask: (bob: Awaited<ReturnType<typeof greet>>) => Promise<unknown>) => {
      const bob = await greet(server, 'bob')
      const asked = ask(bob)
      const hashes = []
      for (const v of [1, 2]) hashes.push((await bob.next({ ...address, v })).hash)
      await asked
      return hashes
    }
    const receipts = acks.slice(1).map(({ hash }) => hash)
    assert.deepEqual(await heard(bob => bob.ask({ a: 's', c: 'notes', d: 'a', v: 1 }, { a: 's' })), receipts)
    const name = { ...address, src: 'bob', seq: 1 }
    assert.deepEqual(await heard(bob => bob.ask({ ...name, v: 1, op: ['z'] }, name)), receipts)
  })
})
