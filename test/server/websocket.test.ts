import assert from 'node:assert/strict'
import { connect } from 'node:net'
import {
  type AnyFrame,
  closeAll,
  dial,
  done,
  greet,
  type RawClient,
  reached,
  serve,
  stockClient,
  TEXT,
} from './scene.ts'

const KIB = 1024

describe('WebSockets', () => {
  afterEach(closeAll)

  it('[W10] a reader that never reads is cut off, and the others read on', async () => {
    const server = await serve({ SOCKET_BUFFER_BYTES: 256 * KIB })
    const [writer, reader, stuck] = await Promise.all(['w', 'r', 's'].map(src => greet(server, src)))
    const name = { a: 'op', c: 'notes', d: 'a', src: 'w' }
    await ask(writer!, { ...name, seq: 1, v: 0, create: { type: TEXT } })
    for (const client of [reader!, stuck!]) await client.ask({ a: 's', c: 'notes', d: 'a', v: 1 }, { a: 's' })
    stuck!.socket.pause()
    const chunk = 'x'.repeat(64 * KIB)
    let seq = 1
    // The kernel takes some megabytes before anything waits in the server.
    while (server.gateway.sessions.size === 3 && seq < 1000) {
      seq++
      await ask(writer!, { ...name, seq, v: seq - 1, op: seq % 2 ? [{ d: chunk.length }] : [chunk] })
    }
    assert.equal(server.gateway.sessions.size, 2)
    seq++
    await ask(writer!, { ...name, seq, v: seq - 1, op: ['end'] })
    assert.deepEqual((await reader!.next({ a: 'op', seq })).op, ['end'])
    stuck!.socket.resume()
    const { code } = await stuck!.closed
    assert.ok(code === 4408 || code === 1006, `closed with ${code}`)
  })

  it('[W11] a socket that no longer answers is closed, one that answers stays', async () => {
    const server = await serve({ HEARTBEAT_MS: 250 })
    const silent = await greet(server, 'silent')
    const lively = await greet(server, 'lively')
    // Paused, it does not even answer the protocol's pings.
    silent.socket.pause()
    while (server.gateway.sessions.size === 2)
      await new Promise(resolve => lively.socket.once('ping', resolve))
    assert.deepEqual(await lively.ask({ a: 'pp' }, { a: 'pp' }), { a: 'pp' })
  })

  it('[W11] a socket that never says hello is closed', async () => {
    const server = await serve({ HEARTBEAT_MS: 250 })
    const shy = await dial(server)
    assert.deepEqual(await shy.closed, { code: 4400, reason: 'FRAME_MALFORMED' })
  })

  it('[W17] presence reaches who listens, and a socket that is gone has said goodbye', async () => {
    const server = await serve()
    const [ann, bob] = await Promise.all(['ann', 'bob'].map(src => greet(server, src)))
    await ann!.ask({ a: 'ps', ch: 'notes/a', seq: 1 }, { a: 'ps' })
    await bob!.ask({ a: 'ps', ch: 'notes/a', seq: 1 }, { a: 'ps' })
    assert.equal((await ann!.next({ a: 'pr' })).ch, 'notes/a', 'ann is asked to say who she is')
    bob!.send({ a: 'p', ch: 'notes/a', id: 'hand', p: { name: 'Bob' }, pv: 1 })
    const seen = await ann!.next({ a: 'p', src: 'bob' })
    assert.deepEqual([seen.id, seen.p], ['hand', { name: 'Bob' }])
    bob!.close()
    assert.equal((await ann!.next({ a: 'p', src: 'bob' })).p, null)
  })

  it('[W3] what is no WebSocket at all ends alone', async () => {
    const server = await serve()
    const neighbour = await greet(server, 'neighbour')
    for (const bytes of [
      '\0\0\0\0',
      'GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      'GET / HTTP/9\r\n\r\n',
    ]) {
      const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes))
      socket.resume().on('error', () => {})
      await new Promise(resolve => socket.once('close', resolve))
    }
    assert.deepEqual(await neighbour.ask({ a: 'pp' }, { a: 'pp' }), { a: 'pp' })
  })

  it('[W14] closing the server ends every socket with 1012 and keeps what was acknowledged', async () => {
    const server = await serve()
    const client = await greet(server, 'ann')
    const idle = await dial(server)
    await ask(client, { a: 'op', c: 'notes', d: 'a', v: 0, src: 'ann', seq: 1, create: { type: TEXT } })
    await server.close()
    for (const { closed } of [client, idle]) {
      assert.deepEqual(await closed, { code: 1012, reason: 'SERVER_DRAINING' })
    }
  })

  it('[W1] a refused edit is taken back by ShareDB’s own client, which goes on', async () => {
    const server = await serve()
    const doc = stockClient(server).doc('notes', 'a')
    await done(call => doc.create('hello', TEXT, call))
    await assert.rejects(
      done(call => doc.submitOp(['x'.repeat(1_100_000)], call)),
      (error: Error & { code?: string }) => error.code === 'FRAME_TOO_LARGE',
    )
    await done(call => doc.submitOp([5, '!'], call))
    await reached(doc, 2)
    assert.equal(doc.data, 'hello!')
  })
})

/** Sends an op and waits for its ack. */
async function ask(client: RawClient, frame: AnyFrame): Promise<void> {
  const { a, c, d, src, seq } = frame
  const ack = await client.ask(frame, { a, c, d, src, seq })
  assert.equal(ack.error, undefined)
}
