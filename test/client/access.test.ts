import assert from 'node:assert/strict'
import type { Client } from '../../client/api.ts'
import { type ConnectOptions, connect } from '../../client/client.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import { type RunningServer, startServer } from '../../server/server.ts'
import { readSettings } from '../../server/settings.ts'
import { Board } from '../server/access/site.ts'
import { until } from './until.ts'

const open: { close(): Promise<unknown> }[] = []

async function serve(board: Board): Promise<RunningServer> {
  const settings = { ...readSettings(), PORT: 0, DATA: ':memory:' }
  const server = await startServer(settings, { web: null, report: () => {}, access: board })
  open.push(server)
  return server
}

function client(options: Partial<ConnectOptions> & { server: string }): Client {
  const made = connect({ timings: { backoffBaseMs: 10, backoffMaxMs: 20 }, ...options })
  open.unshift(made)
  return made
}

const as = (id: string) => async () => JSON.stringify({ id })

describe('a client whom the server may refuse', () => {
  let board: Board

  beforeEach(() => {
    board = new Board()
    for (const id of ['a', 'b']) board.give('ada', 'write', 'notes', id)
  })

  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })

  it('[R14] a right that was taken back while offline: that document is held visibly, the rest goes on, and it is sent once the right is back', async () => {
    const server = await serve(board)
    const storage = memoryStorage()
    const away = client({ server: 'http://127.0.0.1:9', log: memoryLog({ storage }), token: as('ada') })
    for (const id of ['a', 'b']) {
      const doc = await away.open('notes', id, 'text')
      doc.edit([`offline ${id}`])
      await doc.saved
    }
    await away.close()
    board.give('ada', null, 'notes', 'a')
    const back = client({ server: server.url, log: memoryLog({ storage }), token: as('ada') })
    const [a, b] = [await back.open<string>('notes', 'a', 'text'), await back.open('notes', 'b', 'text')]
    await b.settled
    await until(a, ({ held }) => held > 0)
    assert.equal(a.status, 'held')
    assert.deepEqual(
      a.held.map(({ reason, text }) => [reason.code, text]),
      [
        ['FORBIDDEN', ''],
        ['FORBIDDEN', 'offline a'],
      ],
    )
    board.give('ada', 'write', 'notes', 'a')
    board.changed('ada')
    a.retry(a.held[0]!.name)
    await a.settled
    assert.deepEqual([a.held, a.data, a.unsent], [[], 'offline a', 0])
    board.give('bob', 'read', 'notes', 'a')
    const reader = await client({ server: server.url, token: as('bob') }).open('notes', 'a', 'text')
    assert.equal(reader.data, 'offline a')
  })

  it('[R14] what was created, edited and deleted where one may not write is held, each as what it is', async () => {
    const server = await serve(board)
    board.give('ada', null, 'notes', 'a')
    const ada = client({ server: server.url, token: as('ada') })
    const doc = await ada.open('notes', 'a', 'text')
    doc.edit(['here'])
    doc.delete()
    await until(doc, ({ held }) => held > 0)
    const held = doc.held.map(({ type, text }) => [type, text])
    assert.deepEqual(held, [
      ['text', ''],
      ['text', 'here'],
      ['text', ''],
    ])
  })

  it('[R14] a right that is taken back in an open session stops the document and says so', async () => {
    const server = await serve(board)
    const ada = client({ server: server.url, token: as('ada') })
    const doc = await ada.open<string>('notes', 'a', 'text')
    doc.edit(['before'])
    await doc.settled
    board.give('ada', null, 'notes', 'a')
    board.changed('ada')
    await until(doc, ({ error }) => error?.code === 'FORBIDDEN')
    doc.edit([6, '!'])
    await until(doc, ({ held }) => held === 1)
    assert.equal(doc.data, 'before!')
  })

  it('[Z28] a policy that fails for a while holds no edit: they wait, and are sent when it answers again', async () => {
    const server = await serve(board)
    const ada = client({ server: server.url, token: as('ada') })
    const doc = await ada.open<string>('notes', 'a', 'text')
    doc.edit(['before '])
    await doc.settled
    const { access, authenticate } = board
    board.access = () => {
      throw new Error('the app is down')
    }
    board.changed('ada')
    await until(doc, ({ status }) => status !== 'synced')
    doc.edit(['then '])
    const other = await ada.open<string>('notes', 'b', 'text')
    other.edit(['new'])
    await until(other, ({ error }) => error?.code === 'ACCESS_UNAVAILABLE')
    board.authenticate = () => Promise.reject(new Error('the app is down'))
    ada.reconnect()
    await until(doc, ({ error }) => error?.code === 'ACCESS_UNAVAILABLE')
    assert.deepEqual([doc.held.length, other.held.length], [0, 0])
    assert.ok(doc.unsent > 0 && other.unsent > 0)
    Object.assign(board, { access, authenticate })
    await Promise.all([doc.settled, other.settled])
    assert.deepEqual([doc.data, other.data], ['then before ', 'new'])
    assert.deepEqual([doc.held, other.held, doc.truth.error], [[], [], null])
  })

  it('[R13] a token that is not accepted is told, keeps every edit, and is asked for again', async () => {
    const server = await serve(board)
    let token = 'nonsense'
    const ada = client({ server: server.url, token: async () => token })
    const doc = await ada.open<string>('notes', 'a', 'text')
    doc.edit(['kept'])
    await until(doc, ({ error }) => error?.code === 'TOKEN_INVALID')
    assert.equal(doc.unsent > 0, true)
    token = JSON.stringify({ id: 'ada' })
    ada.reconnect()
    await doc.settled
    assert.equal(doc.truth.error, null)
  })

  it('[C8] others are named as the server knows them', async () => {
    const server = await serve(board)
    board.give('bob', 'read', 'notes', 'a')
    const ada = client({
      server: server.url,
      token: async () => JSON.stringify({ id: 'ada', name: 'Ada' }),
    })
    const mine = await ada.open('notes', 'a', 'text')
    mine.edit(['x'])
    await mine.settled
    const theirs = await client({ server: server.url, token: as('bob') }).open('notes', 'a', 'text')
    const seen = new Promise<unknown>(resolve => theirs.on('presence', peers => resolve(peers[0])))
    mine.announce({ name: 'somebody else' })
    const peer = (await seen) as { state: unknown; who?: unknown }
    assert.deepEqual([peer.state, peer.who], [{ name: 'somebody else' }, { id: 'ada', name: 'Ada' }])
  })
})
