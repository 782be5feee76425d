import assert from 'node:assert/strict'
import { processClock } from '../../../server/clock.ts'
import type { Settings } from '../../../server/settings.ts'
import { Board, tokenOf } from '../access/site.ts'
import { closeAll, serve, type TestServer } from '../scene.ts'
import { ask, make } from './asking.ts'

interface Stream {
  /** The next event, as its fields. */
  next(): Promise<Record<string, string>>
  close(): void
}

async function stream(
  server: TestServer,
  path: string,
  headers: Record<string, string> = {},
): Promise<Stream> {
  const end = new AbortController()
  const response = await fetch(server.url + path, {
    headers: { accept: 'text/event-stream', 'accept-encoding': 'gzip, br', ...headers },
    signal: end.signal,
  })
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
  assert.equal(response.headers.get('content-encoding'), null)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const next = async (): Promise<Record<string, string>> => {
    while (!text.includes('\n\n')) {
      const { value, done } = await reader.read()
      if (done) throw new Error('the stream ended')
      text += value
    }
    const [event, ...rest] = text.split('\n\n')
    text = rest.join('\n\n')
    return Object.fromEntries(event!.split('\n').map(line => line.split(/: ?(.*)/).slice(0, 2)))
  }
  return { next, close: () => end.abort() }
}

describe('The change feed', () => {
  let server: TestServer
  const open: Stream[] = []
  beforeEach(async () => {
    server = await serve()
  })
  afterEach(async () => {
    for (const each of open.splice(0)) each.close()
    await closeAll()
  })

  const listen = async (path: string, headers?: Record<string, string>) => {
    const opened = await stream(server, path, headers)
    open.push(opened)
    assert.deepEqual(await opened.next(), { retry: '1000' })
    return opened
  }
  /** How far the server's clock is ahead. */
  let ahead: number
  const reopen = async (settings: Partial<Settings>, board?: Board) => {
    ahead = 0
    server = await serve(settings, null, board, { ...processClock, now: () => Date.now() + ahead })
  }
  const waiting = async (n: number) => {
    while (server.gateway.feed.waiters !== n) await new Promise(resolve => setImmediate(resolve))
  }

  it('[I30] tells what changed since a number, each document once, deletions too', async () => {
    await make(server, 'a', 'text', '1')
    await make(server, 'b', 'rich', { ops: [] })
    await ask(server, '/v1/docs/notes/a', { method: 'PUT', send: { data: '2' } })
    await ask(server, '/v1/docs/notes/b', { method: 'DELETE' })
    const first = (await ask(server, '/v1/feed/notes?limit=1')).body
    assert.deepEqual([first.after, first.changes.length], [3, 1])
    const { changes, after } = (await ask(server, '/v1/feed/notes')).body
    const told = changes.map(({ change, id, type, v }: Record<string, unknown>) => [change, id, type, v])
    assert.deepEqual(told, [
      [3, 'a', 'text', 2],
      [4, 'b', null, 2],
    ])
    assert.deepEqual((await ask(server, `/v1/feed/notes?after=${after}`)).body, { changes: [], after: 4 })
  })

  it('[I31] waits for a change where there is none yet, and is woken by it', async () => {
    await make(server, 'other', 'text', '', 'elsewhere')
    const asked = ask(server, '/v1/feed/notes?wait=60000')
    await waiting(1)
    await make(server, 'a', 'text', '')
    const { changes, after } = (await asked).body
    assert.deepEqual([changes[0].id, after], ['a', 1])
    assert.deepEqual((await ask(server, '/v1/feed/notes?after=1&wait=1')).body.changes, [])
    await waiting(0)
  })

  it('[I32] streams changes as they come, and goes on after the last one that was heard', async () => {
    await make(server, 'a', 'text', '')
    const first = await listen('/v1/feed/notes')
    assert.equal((await first.next()).id, '1')
    await make(server, 'b', 'text', '')
    const event = await first.next()
    assert.deepEqual([event.id, event.event, JSON.parse(event.data!).id], ['2', 'change', 'b'])
    first.close()
    await waiting(0)
    await make(server, 'c', 'text', '')
    const second = await listen('/v1/feed/notes?after=0', { 'last-event-id': '2' })
    assert.equal((await second.next()).id, '3')
  })

  it('[I32] a stream with nothing to say shows that it lives', async () => {
    await reopen({ HEARTBEAT_MS: 100 })
    const quiet = await listen('/v1/feed/notes')
    assert.deepEqual(await quiet.next(), { '': 'alive' })
  })

  it('[I33] only so many may wait at a time', async () => {
    await reopen({ FEED_WAITERS: 1 })
    const first = await listen('/v1/feed/notes')
    const refused = await ask(server, '/v1/feed/notes?wait=1000')
    assert.equal(refused.body.error.code, 'FEED_FULL')
    assert.equal((await ask(server, '/v1/feed/notes')).status, 200, 'who does not wait is answered')
    first.close()
    await waiting(0)
    await ask(server, '/v1/feed/notes?wait=1')
  })

  it('[I34] tells what may be read only, and what was taken back no more', async () => {
    const board = new Board()
    await reopen({}, board)
    board.give('ann', 'read')
    const as = (id: string) => ({ authorization: `Bearer ${tokenOf({ id })}` })
    const put = (id: string, data: string) =>
      ask(server, `/v1/docs/notes/${id}`, {
        method: 'PUT',
        send: { type: 'text', data },
        headers: as('root'),
      })
    await put('secret', '1')
    await put('a', '1')
    const page = (await ask(server, '/v1/feed/notes', { headers: as('ann') })).body
    assert.deepEqual([page.changes.map(({ id }: { id: string }) => id), page.after], [['a'], 2])
    const heard = await listen('/v1/feed/notes', as('ann'))
    assert.equal((await heard.next()).id, '2')
    board.give('ann', null)
    ahead += server.gateway.settings.ACCESS_RECHECK_MS
    await put('a', '2')
    board.give('ann', 'read')
    ahead += server.gateway.settings.ACCESS_RECHECK_MS
    await put('a', '3')
    assert.equal((await heard.next()).id, '4')
  })

  it('[I34] a stream ends with the token', async () => {
    await reopen({}, new Board())
    const token = tokenOf({ id: 'root', expires: Date.now() + 60_000 })
    const heard = await listen('/v1/feed/notes', { authorization: `Bearer ${token}` })
    ahead += 61_000
    server.gateway.feed.wake('notes')
    await assert.rejects(heard.next(), /ended/)
  })
})
