/** Who takes its time, or takes no end, so that others wait: each has a limit, and nobody else notices. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'
import { openLog } from '../../../server/log.ts'
import { startServer } from '../../../server/server.ts'
import { readSettings, type Settings } from '../../../server/settings.ts'
import { Board, hello, tokenOf } from '../access/site.ts'
import { make } from '../api/asking.ts'
import { closeAll, dial, type RawClient, serve, TEXT, type TestServer } from '../scene.ts'
import { frame } from './wires.ts'

const KIB = 1024

describe('Slow and endless inputs', () => {
  let server: TestServer
  let neighbour: RawClient
  let edits: number

  afterEach(async () => {
    await works()
    assert.deepEqual(server.reports, [])
    await closeAll()
  })

  async function open(settings: Partial<Settings>): Promise<void> {
    server = await serve(settings, null, new Board())
    neighbour = await greetAs('root')
    edits = 0
    await works()
  }

  async function greetAs(id: string): Promise<RawClient> {
    const client = await dial(server)
    await client.ask({ ...hello(id), token: tokenOf({ id }) }, { a: 'hs', id })
    return client
  }

  async function works(): Promise<void> {
    const name = { a: 'op', c: 'own', d: 'own', src: 'root', seq: ++edits }
    const change = edits === 1 ? { create: { type: TEXT, data: '' } } : { op: ['x'] }
    const ack = await neighbour.ask({ ...name, v: edits - 1, ...change }, { a: 'op', seq: edits })
    assert.deepEqual([ack.error, ack.v], [undefined, edits - 1])
  }

  function raw(text: string): Socket {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    if (text) socket.write(text)
    return socket
  }

  /** What comes until the server closes. */
  async function allOf(socket: Socket): Promise<Buffer> {
    const parts: Buffer[] = []
    socket.on('data', part => parts.push(part))
    await once(socket, 'close')
    return Buffer.concat(parts)
  }

  /** Sends a bit more for as long as it may. */
  function drip(socket: Socket, bit: string): Socket {
    const timer = setInterval(() => socket.write(bit), 20)
    socket.once('close', () => clearInterval(timer))
    return socket
  }

  const headers =
    'POST /v1/docs/notes/a/ops HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n' +
    `Authorization: Bearer ${tokenOf({ id: 'root' })}\r\n`
  const slow: Record<string, () => Socket> = {
    'a connection that says nothing': () => raw(''),
    'headers that come bit by bit': () => drip(raw('GET /health HTTP/1.1\r\nHost: h\r\n'), 'X-A: b\r\n'),
    'headers that stop': () => raw('GET /health HTTP/1.1\r\nHost: h'),
    'an upgrade that stops': () =>
      raw('GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'),
    'a body that stops before its length': () => raw(`${headers}Content-Length: 100\r\n\r\n{`),
    'a body that comes bit by bit': () => drip(raw(`${headers}Content-Length: 1000\r\n\r\n{`), ' '),
    'chunks that come bit by bit, without end': () =>
      drip(raw(`${headers}Transfer-Encoding: chunked\r\n\r\n`), '1\r\n \r\n'),
  }
  for (const [what, attack] of Object.entries(slow)) {
    it(`[I61] ${what}: REQUEST_TOO_SLOW`, async () => {
      await open({ HEADERS_MS: 200, REQUEST_MS: 300 })
      const text = String(await allOf(attack()))
      assert.match(text, /^HTTP\/1\.1 408 /)
      assert.equal(JSON.parse(text.slice(text.indexOf('{'))).error.code, 'REQUEST_TOO_SLOW')
    })
  }

  it('[I61] a reader of an answer that never reads is cut off', async () => {
    await open({})
    const lines: string[] = []
    let heard = () => {}
    const log = openLog('info', {
      write: line => {
        lines.push(line)
        heard()
      },
    })
    const settings = { ...readSettings(), PORT: 0, DATA: ':memory:', SILENCE_MS: 300, BYTES_PER_SECOND: 0 }
    const other = await startServer(settings, { log })
    try {
      for (let i = 0; i < 40; i++) await make(other, `d${i}`, 'text', 'x'.repeat(500 * KIB))
      const socket = connect(other.port, '127.0.0.1', () =>
        socket.write('GET /v1/export/notes HTTP/1.1\r\nHost: h\r\n\r\n'),
      )
      socket.pause().on('error', () => {})
      const cut = () => lines.some(line => line.includes('/v1/export/:collection'))
      while (!cut())
        await new Promise<void>(resolve => {
          heard = resolve
        })
      socket.destroy()
      assert.doesNotMatch(lines.join(), /"level":50/)
    } finally {
      await other.close()
    }
  })

  it('[I61] a connection that was opened and says no hello: FRAME_MALFORMED', async () => {
    await open({ HEARTBEAT_MS: 200 })
    const shy = await dial(server)
    assert.deepEqual(await shy.closed, { code: 4400, reason: 'FRAME_MALFORMED' })
  })

  it('[I61] pings that nobody reads the answers to: READER_TOO_SLOW', async () => {
    await open({ SOCKET_BUFFER_BYTES: 64 * KIB, BYTES_PER_SECOND: 0 })
    const deaf = await greetAs('deaf')
    const { _socket: stream } = deaf.socket as unknown as { _socket: Socket }
    stream.pause()
    const pings = Buffer.concat(Array(1000).fill(frame({ opcode: 9, payload: Buffer.alloc(125) })))
    while (server.gateway.sessions.size === 2 && stream.writable)
      await new Promise(resolve => stream.write(pings, resolve))
    assert.equal(server.gateway.sessions.size, 1)
    stream.resume()
    const { code } = await deaf.closed
    assert.ok(code === 4408 || code === 1006, `closed with ${code}`)
  })

  const floods: Record<string, Uint8Array> = {
    pings: frame({ opcode: 9 }),
    'frames that cost nothing': frame({ opcode: 1, payload: Buffer.from('{"a":"pp"}') }),
    'frames that are none': frame({ opcode: 1, payload: Buffer.from('{"a":"u","c":"a","d":"__proto__"}') }),
  }
  for (const [what, bytes] of Object.entries(floods)) {
    it(`[I61] a flood of ${what}: TOO_MANY`, async () => {
      await open({ BYTES_PER_SECOND: 64 * KIB, DOCUMENTS_PER_CONNECTION: 100 })
      const eager = await greetAs('eve')
      const { _socket: stream } = eager.socket as unknown as { _socket: Socket }
      const many = Buffer.concat(Array(20).fill(bytes))
      // It reads the answers, or it would be cut off for that.
      while (eager.socket.readyState === WebSocket.OPEN) {
        stream.write(many)
        await Promise.race([once(stream, 'data'), eager.closed])
      }
      assert.deepEqual(await eager.closed, { code: 4429, reason: 'TOO_MANY' })
    })
  }

  it('[I61] a hundred upgrades at once: TOO_MANY for those over the limit', async () => {
    await open({ CONNECTIONS_PER_ADDRESS: 10 })
    const clients = await Promise.all(Array.from({ length: 100 }, () => dial(server)))
    const ends = await Promise.all(
      clients.map(async client => {
        client.send({ ...hello('eve'), token: tokenOf({ id: 'eve' }) })
        return Promise.race([client.closed, client.next({ a: 'hs' })])
      }),
    )
    const over = ends.filter(end => end.code === 4429 && end.reason === 'TOO_MANY')
    assert.equal(over.length, 91)
  })
})
