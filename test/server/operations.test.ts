/** How the server is watched and kept within limits. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect as openSocket, type Socket } from 'node:net'
import { text as textIn } from 'node:stream/consumers'
import { connect } from '../../client/client.ts'
import { memoryLog } from '../../client/log/memory.ts'
import { openLog } from '../../server/log.ts'
import { network, peerOf } from '../../server/peer.ts'
import { guardMemory, type Pressure, pressureAt } from '../../server/pressure.ts'
import { type RunningServer, startServer } from '../../server/server.ts'
import { readSettings, type Settings } from '../../server/settings.ts'
import { Board, tokenOf } from './access/site.ts'
import { closeAll, dial, greet, type Place, serve, TEXT } from './scene.ts'

const text = async (server: Place, headers: Record<string, string> = {}) =>
  (await fetch(`${server.url}/metrics`, { headers })).text()

/** What comes on a socket until it ends; a socket that is cut has said what it has said. */
const wordsOf = (socket: Socket) => textIn(socket).catch(() => '')

const creation = { a: 'op', c: 'notes', d: 'a', src: 'ann', seq: 1, v: 0, create: { type: TEXT } }

describe('Metrics', () => {
  afterEach(closeAll)

  it('[F1] tells sessions, ops, fan-out and refusals', async () => {
    const server = await serve()
    const ann = await greet(server, 'ann')
    const ben = await greet(server, 'ben')
    await ann.ask(creation, { a: 'op', seq: 1 })
    await ben.ask({ a: 's', c: 'notes', d: 'a', v: 1 }, { a: 's' })
    ann.send({ a: 'op', c: 'notes', d: 'a', src: 'ann', seq: 2, v: 1, op: ['x'] })
    await ben.next({ a: 'op', v: 1 })
    await ann.ask({ a: 'op', c: 'notes', d: 'a', src: 'ann', seq: 3, v: 2, op: 'no op' }, { a: 'op', seq: 3 })
    const told = await text(server)
    for (const line of [
      'holdfast_sessions 2',
      'holdfast_ops_total 2',
      'holdfast_fan_out_total 1',
      'holdfast_refusals_total{code="OP_MALFORMED"} 1',
      'holdfast_commit_seconds_count 2',
      'holdfast_submit_seconds_count 3',
      'holdfast_pressure 0',
    ])
      assert.ok(told.split('\n').includes(line), `${line} in\n${told}`)
    assert.doesNotMatch(told, /notes/)
  })

  it('[F2] are for this machine alone, or for whoever brings the token', async () => {
    const near = await serve()
    assert.match(await text(near), /holdfast_sessions/)
    assert.match(await text(near, { 'x-forwarded-for': '192.0.2.1' }), /FORBIDDEN/)
    const server = await serve({ METRICS_TOKEN: 'only for prometheus' })
    assert.match(await text(server), /TOKEN_MISSING/)
    assert.match(await text(server, { authorization: 'Bearer guessed' }), /TOKEN_INVALID/)
    const open = await serve({ METRICS_TOKEN: 'prometheus' })
    assert.match(await text(open, { authorization: 'Bearer prometheus' }), /holdfast_sessions/)
  })
})

describe('The log', () => {
  async function logged(level: 'info' | 'debug', work: (server: RunningServer) => Promise<void>) {
    const lines: string[] = []
    const log = openLog(level, { write: line => void lines.push(line) })
    const server = await startServer({ ...readSettings(), PORT: 0, DATA: ':memory:' }, { log })
    await work(server)
    await server.close()
    return lines.map(line => JSON.parse(line) as Record<string, unknown>)
  }

  async function write(server: RunningServer): Promise<void> {
    const ann = await greet(server, 'ann')
    const create = { type: TEXT, data: 'very private' }
    await ann.ask({ ...creation, d: 'diary', create }, { a: 'op', seq: 1 })
    await ann.ask(
      { ...creation, d: 'diary', seq: 2, v: 1, create: undefined, op: [{ wrong: 'private too' }] },
      { seq: 2 },
    )
    ann.socket.close()
    await ann.closed
    const response = await fetch(`${server.url}/v1/docs/notes/diary`)
    assert.match(response.headers.get('x-request-id')!, /^[\w-]{8,}$/)
    await response.text()
  }

  it('[F3] finds sessions and requests by an id, and says nothing of documents', async () => {
    const lines = await logged('info', write)
    const ended = lines.find(line => line.msg === 'a session ended')!
    assert.match(String(ended.session), /^[\w-]{8,}$/)
    const request = lines.find(line => line.msg === 'a request')!
    assert.deepEqual([request.method, request.status], ['GET', 200])
    assert.doesNotMatch(JSON.stringify(lines), /private|diary/)
  })

  it('[F3] names documents at debug, and never their content', async () => {
    const lines = JSON.stringify(await logged('debug', write))
    assert.match(lines, /diary/)
    assert.doesNotMatch(lines, /private/)
  })

  it('[F4] has the place of an error without a code, not its words', () => {
    const lines: string[] = []
    const log = openLog('info', { write: line => void lines.push(line) })
    try {
      JSON.parse('private')
    } catch (error) {
      log.error('it failed', error)
    }
    log.error('it failed', Object.assign(new Error('the disk is full'), { code: 'ENOSPC' }))
    assert.doesNotMatch(lines[0]!, /private/)
    assert.match(lines[0]!, /operations\.test\.ts/)
    assert.match(lines[1]!, /the disk is full/)
  })
})

describe('Limits of what is asked', () => {
  afterEach(closeAll)

  it('[F5] edits over a rate all arrive later, in order, and none is held', async () => {
    const server = await serve({ OPS_PER_SECOND: 5 })
    const client = connect({ server: server.url, log: memoryLog() })
    try {
      const docs = await Promise.all(
        ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(id => client.open('notes', id, 'text')),
      )
      for (const doc of docs) for (const letter of 'abc') doc.edit([letter] as never)
      await Promise.all(docs.map(doc => doc.settled))
      for (const doc of docs) {
        assert.equal(doc.held.length, 0)
        assert.deepEqual(
          (await server.gateway.store.snapshot({ collection: 'notes', id: doc.id })).data,
          'cba',
        )
      }
      assert.match(await text(server), /holdfast_refusals_total\{code="TOO_MANY"\} [1-9]/)
    } finally {
      await client.close()
    }
  })

  it('[F6] who goes on asking is closed with 4429', async () => {
    const server = await serve({ OPS_PER_SECOND: 2, DOCUMENTS_PER_CONNECTION: 5 })
    const ann = await greet(server, 'ann')
    for (let seq = 1; seq <= 20; seq++) ann.send({ ...creation, d: `d${seq}`, seq })
    assert.deepEqual(await ann.closed, { code: 4429, reason: 'TOO_MANY' })
    assert.ok(ann.frames.some(({ error }) => error?.message.includes('HOLDFAST_OPS_PER_SECOND')))
  })

  it('[F7] an address has so many connections, and gets back those that end', async () => {
    const server = await serve({ CONNECTIONS_PER_ADDRESS: 1 })
    const first = await greet(server, 'ann')
    assert.deepEqual(await (await dial(server)).closed, { code: 4429, reason: 'TOO_MANY' })
    first.socket.close()
    await first.closed
    await greet(server, 'ben')
  })

  it('[F90] so many may be open on the network, silent ones too; one more is told so and closed, and an end makes room', async () => {
    const server = await serve({ SOCKETS_PER_ADDRESS: 2 })
    const open = () => openSocket(server.port, '127.0.0.1')
    const [first, second] = [open(), open()]
    await Promise.all([once(first, 'connect'), once(second, 'connect')])
    assert.match(await wordsOf(open()), /^HTTP\/1\.1 429 .*TOO_MANY/s)
    first.destroy()
    let answer: string
    do {
      const third = open()
      third.write('GET /health HTTP/1.0\r\n\r\n')
      answer = await wordsOf(third)
    } while (answer.startsWith('HTTP/1.1 429') || answer === '')
    assert.match(answer, /^HTTP\/1\.1 200/)
    second.destroy()
  })

  it('[F90] behind proxies that is their matter', async () => {
    const server = await serve({ SOCKETS_PER_ADDRESS: 1, PROXIES: 1 })
    const first = openSocket(server.port, '127.0.0.1')
    await once(first, 'connect')
    assert.equal((await fetch(`${server.url}/health`)).status, 200)
    first.destroy()
  })

  it('[F7] so has a principal', async () => {
    const board = new Board()
    const server = await serve({ CONNECTIONS_PER_PRINCIPAL: 1 }, null, board)
    const hello = (id: string, src: string) => ({ a: 'hs', id: src, protocol: 1, token: tokenOf({ id }) })
    await (await dial(server)).ask(hello('ann', 's1'), { a: 'hs', id: 's1' })
    const second = await dial(server)
    assert.equal((await second.ask(hello('ann', 's2'), { a: 'hs' })).error.code, 'TOO_MANY')
    assert.equal((await second.closed).code, 4429)
    await (await dial(server)).ask(hello('ben', 's3'), { a: 'hs', id: 's3' })
  })

  it('[F8] a connection follows so many documents at a time', async () => {
    const server = await serve({ DOCUMENTS_PER_CONNECTION: 2 })
    const ann = await greet(server, 'ann')
    const follow = (d: string) => ann.ask({ a: 's', c: 'notes', d, v: null }, { a: 's', d })
    for (const d of ['a', 'b', 'a']) assert.equal((await follow(d)).error, undefined)
    assert.match((await follow('c')).error.message, /HOLDFAST_DOCUMENTS_PER_CONNECTION/)
    await ann.ask({ a: 'u', c: 'notes', d: 'a' }, { a: 'u' })
    assert.equal((await follow('c')).error, undefined)
  })

  it('[F9] of presence that comes too fast the newest arrives', async () => {
    const server = await serve({ PRESENCE_PER_SECOND: 2, PRESENCE_PER_CONNECTION: 1 })
    const [ann, ben] = [await greet(server, 'ann'), await greet(server, 'ben')]
    await ben.ask({ a: 'ps', ch: 'room', seq: 1 }, { a: 'ps' })
    for (let pv = 1; pv <= 50; pv++) ann.send({ a: 'p', ch: 'room', id: 'caret', p: pv, pv })
    await ben.next({ a: 'p', p: 50 })
    assert.ok(ben.frames.filter(({ a }) => a === 'p').length <= 4)
    ann.send({ a: 'p', ch: 'room', id: 'another', p: 1, pv: 1 })
    assert.equal((await ann.next({ a: 'p', id: 'another' })).error.code, 'TOO_MANY')
  })
})

describe('Memory', () => {
  afterEach(closeAll)

  it('[F10] is taken back only well below where it was given up', () => {
    const steps: [number, Pressure][] = [
      [99, 'none'],
      [100, 'presence'],
      [109, 'presence'],
      [110, 'connections'],
      [101, 'connections'],
      [98, 'presence'],
      [91, 'presence'],
      [89, 'none'],
      [120, 'connections'],
    ]
    let now: Pressure = 'none'
    for (const [bytes, then] of steps) {
      now = pressureAt(bytes, 100, now)
      assert.equal(now, then, String(bytes))
    }
  })

  it('[F10] is looked at again and again', () => {
    const tasks: (() => void)[] = []
    const after = (_ms: number, task: () => void) => {
      tasks.push(task)
      return () => {}
    }
    const clock = { now: () => 0, after }
    const seen: Pressure[] = []
    let used = 50
    const guard = guardMemory({
      limit: 100,
      clock,
      used: () => used,
      changed: pressure => void seen.push(pressure),
    })
    for (used of [105, 105, 111, 50]) tasks.shift()!()
    assert.deepEqual(seen, ['presence', 'connections', 'none'])
    assert.equal(guard.pressure, 'none')
  })

  it('[F10] that is short lets nobody new in and says so', async () => {
    const server = await serve({ MEMORY_BYTES: 1 })
    assert.deepEqual(await (await dial(server)).closed, { code: 1013, reason: 'SERVER_FULL' })
  })

  it('[F10] that is a little short costs others no more than carets', async () => {
    const server = await serve({ MEMORY_BYTES: Math.round(process.memoryUsage.rss() * 0.96) })
    const [ann, ben] = [await greet(server, 'ann'), await greet(server, 'ben')]
    await ben.ask({ a: 'ps', ch: 'room', seq: 1 }, { a: 'ps' })
    await ann.ask({ a: 'p', ch: 'room', id: 'caret', p: 1, pv: 1 }, { a: 'p', pv: 1 })
    await ann.ask({ a: 'p', ch: 'room', id: 'caret', p: null, pv: 2 }, { a: 'p', pv: 2 })
    await ben.next({ a: 'p', pv: 2 })
    assert.equal(ben.frames.filter(({ a }) => a === 'p').length, 1)
    assert.match(await text(server), /holdfast_presence_shed_total 1/)
  })
})

describe('Who is at the other end', () => {
  const request = (forwarded?: string) =>
    ({
      headers: { 'x-forwarded-for': forwarded, 'x-request-id': 'from-a-proxy' },
      socket: { remoteAddress: '10.0.0.1' },
    }) as unknown as IncomingMessage

  it('[F11] is believed to proxies of ours only', () => {
    assert.equal(peerOf(request('198.51.100.7'), { PROXIES: 0 }).address, '10.0.0.1')
    assert.equal(peerOf(request('1.2.3.4, 198.51.100.7'), { PROXIES: 1 }).address, '198.51.100.7')
    assert.equal(peerOf(request('198.51.100.7, 10.0.0.9'), { PROXIES: 2 }).address, '198.51.100.7')
    assert.equal(peerOf(request(), { PROXIES: 1 }).address, '10.0.0.1')
    assert.equal(peerOf(request(), { PROXIES: 1 }).id, 'from-a-proxy')
    assert.notEqual(peerOf(request(), { PROXIES: 0 }).id, 'from-a-proxy')
  })

  it('[F11] is a whole network where it has IPv6', () => {
    assert.equal(network('::ffff:192.0.2.1'), '192.0.2.1')
    assert.equal(network('2001:db8::1'), network('2001:db8::ffff'))
    assert.notEqual(network('2001:db8:0:1::1'), network('2001:db8:0:2::1'))
    assert.equal(network('::1'), '0:0:0:0::')
  })

  it('[F12] may show our pages in a frame if it is listed', async () => {
    const settings: Partial<Settings> = { FRAME_ANCESTORS: ['https://app.example'] }
    const { headers } = await fetch(`${(await serve(settings)).url}/health`)
    assert.match(headers.get('content-security-policy')!, /frame-ancestors 'self' https:\/\/app\.example/)
    assert.equal(headers.get('x-frame-options'), null)
    assert.equal((await fetch(`${(await serve()).url}/health`)).headers.get('x-frame-options'), 'SAMEORIGIN')
    await closeAll()
  })
})

describe('Shutting down', () => {
  afterEach(closeAll)

  it('[F13] sends connections away one after the other; each works until its turn', async () => {
    const server = await serve({ DRAIN_SPREAD_MS: 600 })
    const clients = []
    for (let i = 0; i < 30; i++) clients.push(await greet(server, `s${i}`))
    const last = clients.at(-1)!
    const order: number[] = []
    for (const [i, { closed }] of clients.entries()) void closed.then(() => order.push(i))
    const closing = server.close()
    const ack = await last.ask({ ...creation, src: 's29' }, { a: 'op', seq: 1 })
    assert.equal(ack.error, undefined)
    await closing
    assert.deepEqual(await last.closed, { code: 1012, reason: 'SERVER_DRAINING' })
    assert.ok(order.indexOf(0) < order.indexOf(29))
  })
})
