import assert from 'node:assert/strict'
import { socketUrl } from '../../client/link/address.ts'
import { backoff, defaultTimings } from '../../client/link/websocket.ts'
import { Random } from '../random.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Line, Time } from './line.ts'

describe('link', () => {
  it('[K1] dials, greets with its src, and is up when the server has greeted back', () => {
    const line = new Line()
    assert.equal(line.phase, 'dialing')
    assert.equal(line.link.send({ a: 'pp' }), false)
    line.last.events.open()
    assert.deepEqual(line.last.sent, [{ a: 'hs', protocol: 1, protocolMinor: 2, id: 'me', holdfast: 1 }])
    line.hear({ a: 'hs', protocol: 1, protocolMinor: 2, id: 'me', holdfast: 1 })
    assert.deepEqual(
      line.phases.map(phase => phase.name),
      ['dialing', 'greeting', 'up'],
    )
    assert.equal(line.link.send({ a: 'pp' }), true)
  })

  it('[K1] what it is given while it greets follows in the same flight, and nothing is heard before the greeting', () => {
    const line = new Line()
    line.last.events.open()
    assert.equal(line.link.send({ a: 'h.catchup', c: 'c', d: 'd', v: 1, own: [] }), true)
    assert.deepEqual(
      line.last.sent.map(frame => frame.a),
      ['hs', 'h.catchup'],
    )
    line.hear({ a: 'h.catchup', c: 'c', d: 'd', from: 1, v: 1, segments: [] })
    assert.deepEqual(line.frames, [])
    assert.equal(line.phase, 'greeting')
  })

  it('[K2] a server that is shutting down is dialed again', () => {
    const line = new Line()
    line.last.events.open()
    line.hear({ a: 'hs', error: { code: 'SERVER_DRAINING', message: '' } })
    assert.equal(line.phase, 'waiting')
    line.untilDialed()
    line.up()
    assert.equal(line.phase, 'up')
  })

  it('[K2] a server that speaks otherwise ends the link for good, with the reason', () => {
    for (const greeting of [
      { a: 'hs', protocol: 1, protocolMinor: 2, id: 'me' },
      { a: 'hs', error: { code: 'PROTOCOL_VERSION', message: '' } },
    ]) {
      const line = new Line()
      line.last.events.open()
      line.hear(greeting)
      assert.deepEqual(line.link.phase, { name: 'closed', code: 'PROTOCOL_VERSION' })
      assert.ok(line.last.closed)
      line.pass(600_000)
      assert.equal(line.sockets.length, 1)
    }
  })

  it('[K3] backs off with full jitter: uniform below a bound that doubles up to its limit', () => {
    const clock = new VirtualClock().of(new Random(5), () => true)
    for (let tries = 0; tries < 12; tries++) {
      const bound = Math.min(30_000, 500 * 2 ** tries)
      const waits = Array.from({ length: 200 }, () => backoff(tries, clock, defaultTimings))
      assert.ok(waits.every(ms => ms >= 0 && ms < bound))
      assert.ok(Math.max(...waits) > bound * 0.9 && Math.min(...waits) < bound * 0.1)
    }
  })

  it('[K3] counts its tries while it fails, and starts anew once it was up', () => {
    const line = new Line()
    for (let tries = 1; tries <= 4; tries++) {
      line.last.events.close(1006, '')
      assert.equal(line.link.phase.name === 'waiting' && line.link.phase.tries, tries)
      line.untilDialed()
    }
    line.up().last.events.close(1006, '')
    assert.equal(line.link.phase.name === 'waiting' && line.link.phase.tries, 1)
  })

  it('[K3] starts anew when it is told to retry', () => {
    const line = new Line().cut().untilDialed().cut().untilDialed().cut()
    assert.equal(line.wait.tries, 3)
    line.link.retry()
    assert.equal(line.cut().wait.tries, 1)
  })

  it('[K4] a request without its reply cuts the socket, though it stays open and other frames come', () => {
    const line = new Line().up()
    line.link.send({ a: 'op', c: 'c', d: 'd', v: 1, src: 'me', seq: 1, op: [] })
    line.pass(2_000).hear({ a: 'op', c: 'c', d: 'd', v: 1, src: 'other', seq: 1, op: [] })
    assert.equal(line.phase, 'up')
    line.pass(1_100)
    assert.equal(line.phase, 'waiting')
    assert.ok(line.sockets[0]!.closed)
  })

  it('[K4] an op that the server sends on is waited for like one that was sent', () => {
    const line = new Line().up()
    const about = { a: 'h.catchup', c: 'c', d: 'd' } as const
    line.link.send({ ...about, v: 1, own: [['me', 1]], submit: { src: 'me', seq: 1, op: [] } })
    line.pass(2_000).hear({ ...about, from: 1, v: 2, segments: [], submitted: ['me', 1] })
    line.pass(2_000).hear({ a: 'pp' })
    assert.equal(line.phase, 'up')
    line.pass(1_100)
    assert.equal(line.phase, 'waiting')
  })

  it('[K4] replies in time keep the line, each request by its own deadline', () => {
    const line = new Line().up()
    for (let seq = 1; seq <= 5; seq++) {
      line.link.send({ a: 'op', c: 'c', d: 'd', v: seq, src: 'me', seq, op: [] })
      line.pass(2_500).hear({ a: 'op', c: 'c', d: 'd', v: seq, src: 'me', seq })
    }
    assert.equal(line.phase, 'up')
    assert.equal(line.sockets.length, 1)
  })

  it('[K5] a silent line is asked, and dropped if it does not answer', () => {
    const line = new Line().up()
    line.pass(15_001)
    assert.deepEqual(line.last.sent.at(-1), { a: 'pp' })
    line.hear({ a: 'pp' }).pass(14_000)
    assert.equal(line.phase, 'up')
    assert.equal(line.sockets.length, 1)
    line.pass(11_500)
    assert.ok(line.phases.some(phase => phase.name === 'waiting'))
    assert.ok(line.sockets[0]!.closed)
  })

  it('[K5] a server that accepts and never greets is given up', () => {
    const line = new Line()
    line.last.events.open()
    line.pass(10_001)
    assert.equal(line.phase, 'waiting')
  })

  it('[K6] waking dials at once when waiting, and asks at once when up', () => {
    const line = new Line()
    line.last.events.close(1006, '')
    line.link.wake()
    assert.equal(line.sockets.length, 2)
    line.up().link.wake()
    assert.deepEqual(line.last.sent.at(-1), { a: 'pp' })
    line.pass(3_001)
    assert.equal(line.phase, 'dialing')
    assert.equal(line.sockets.length, 3)
  })

  it('[K7] what a dropped socket still says is not heard', () => {
    const line = new Line().up()
    const old = line.last
    line.link.retry()
    old.events.text(JSON.stringify({ a: 'op', c: 'c', d: 'd', v: 1, src: 'other', seq: 1, op: [] }))
    old.events.close(1006, '')
    assert.equal(line.phase, 'dialing')
    assert.deepEqual(line.frames, [])
  })

  it('[K7] after close nothing is dialed, sent or told', () => {
    const line = new Line().up()
    line.link.close()
    line.link.retry()
    line.link.wake()
    line.pass(600_000)
    assert.equal(line.sockets.length, 1)
    assert.equal(line.link.send({ a: 'pp' }), false)
    assert.deepEqual(line.link.phase, { name: 'closed', code: null })
  })

  it('[K7] also if it is closed by who hears that it dials', () => {
    const line = new Line().cut()
    line.heard = phase => phase.name === 'dialing' && line.link.close()
    line.pass(600_000)
    assert.equal(line.sockets.length, 1)
    assert.equal(line.phase, 'closed')
  })

  it('[K8] any URL of the server leads to its WebSocket; what is none is refused', () => {
    assert.equal(socketUrl('http://localhost:7007'), 'ws://localhost:7007/ws')
    assert.equal(socketUrl('https://example.org/'), 'wss://example.org/ws')
    assert.equal(socketUrl('wss://example.org/deep/ws'), 'wss://example.org/deep/ws')
    for (const bad of ['', 'localhost:7007', 'ftp://example.org', 'not a url']) {
      assert.throws(() => socketUrl(bad), { code: 'SETTING_INVALID' })
    }
  })

  it('[K22] a socket that lies is found out within seconds of waking, and dialed anew at once', () => {
    const line = new Line({ timings: { replyMinMs: 10_000 } }).up()
    line.link.wake()
    assert.equal(line.pass(2_900).phase, 'up')
    line.pass(200)
    assert.equal(line.phase, 'dialing')
    assert.ok(line.sockets[0]!.closed)
  })

  it('[K22] though it was being asked already; waking again gives no more time', () => {
    const line = new Line({ timings: { replyMinMs: 10_000 } }).up()
    line.pass(15_001)
    assert.equal(line.last.sent.length, 2)
    line.link.wake()
    line.pass(2_000).link.wake()
    assert.equal(line.last.sent.length, 2)
    assert.equal(line.pass(1_100).phase, 'dialing')
  })

  it('[K22] a line that answers stays, also a slow one', () => {
    const line = new Line().up(3_000)
    line.link.wake()
    line.pass(5_000).hear({ a: 'pp' }).pass(5_000)
    assert.equal(line.phase, 'up')
    assert.equal(line.sockets.length, 1)
  })

  it('[K23] a timer that is much too late means that the device slept', () => {
    const line = new Line({ timings: { replyMinMs: 10_000 } }).up()
    line.pass(1_000)
    line.time.slept = 60_000
    line.pass(14_001)
    assert.equal(line.last.sent.at(-1)!.a, 'pp')
    assert.equal(line.pass(3_100).phase, 'dialing')
    const awake = new Line({ timings: { replyMinMs: 10_000 } }).up()
    assert.equal(awake.pass(18_200).phase, 'up')
  })

  it('[K27] what the server closes with decides how it goes on', () => {
    const table: [close: number, code: string | undefined, least: number][] = [
      [1009, 'FRAME_TOO_LARGE', 0],
      [1011, undefined, 0],
      [4400, 'FRAME_MALFORMED', 0],
      [4408, 'READER_TOO_SLOW', 0],
      [4429, 'TOO_MANY', 30_000],
    ]
    for (const [close, code, least] of table) {
      const { wait } = new Line().up().cut(close)
      assert.deepEqual([wait.code, wait.tries], [code, 1])
      assert.ok(wait.ms >= least && wait.ms <= Math.max(500, 2 * least), `${close}: ${wait.ms}`)
    }
    const named = new Line().up().cut(4400, 'FRAME_TOO_DEEP')
    assert.equal(named.wait.code, 'FRAME_TOO_DEEP')
    const older = new Line().up().cut(4400, 'PROTOCOL_VERSION')
    assert.deepEqual(older.link.phase, { name: 'closed', code: 'PROTOCOL_VERSION' })
  })

  it('[K27] what would happen again at once is counted on, though the link was up in between', () => {
    const line = new Line()
    for (let tries = 1; tries <= 4; tries++) {
      assert.equal(line.up().cut(1009, 'FRAME_TOO_LARGE').wait.tries, tries)
      line.untilDialed()
    }
    line.up()
    for (let i = 0; i < 4; i++) line.pass(10_000).hear({ a: 'pp' })
    assert.equal(line.cut(1009).wait.tries, 1)
  })

  it('[K28] a server that restarts is dialed soon, at a random moment, as if nothing had failed', () => {
    const time = new Time()
    const waits = Array.from({ length: 50 }, () => {
      const line = new Line({}, time).up().cut(1012, 'SERVER_DRAINING')
      assert.deepEqual([line.wait.tries, line.wait.code], [0, undefined])
      return line.wait.ms
    })
    assert.ok(waits.every(ms => ms < 2000))
    assert.ok(Math.max(...waits) > 1500 && Math.min(...waits) < 500)
  })

  it('[K29] who may not do that is told so for good, at the greeting and later', () => {
    const line = new Line()
    line.last.events.open()
    line.refuse('FORBIDDEN')
    for (const ended of [line, new Line().up().cut(4403), new Line().up().cut(4403, 'FORBIDDEN')]) {
      assert.deepEqual(ended.link.phase, { name: 'closed', code: 'FORBIDDEN' })
      ended.pass(600_000)
      assert.equal(ended.sockets.length, 1)
    }
  })
})
