import assert from 'node:assert/strict'
import { entryOf } from '../../ops/errors.ts'
import { type Gateway, openGateway } from '../../server/gateway/gateway.ts'
import { openSession, type Session } from '../../server/gateway/session.ts'
import { readSettings, type Settings } from '../../server/settings.ts'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import { type AnyFrame, JSON1, TEXT } from './scene.ts'

/** A socket in memory: what was said on it, and how it ended. */
interface Line {
  readonly session: Session
  readonly said: AnyFrame[]
  end: { code: number; reason: string } | null
  stuck: number
  say(frame: AnyFrame): void
  /** Waits until something with these fields was said. */
  hear(fields: AnyFrame): Promise<AnyFrame>
}

const hello = { a: 'hs', id: 'ann', protocol: 1, protocolMinor: 2, holdfast: 1 }
const creation = { a: 'op', c: 'notes', d: 'a', v: 0, src: 'ann', seq: 1, create: { type: TEXT, data: 'hi' } }
const created = { a: 'op', src: 'ann', seq: 1, op: undefined }

describe('A session', () => {
  let gateway: Gateway
  let reports: string[]

  function open(overrides: Partial<Settings> = {}): void {
    reports = []
    const report = (what: string, error?: unknown) => void reports.push(`${what} ${String(error)}`)
    gateway = openGateway({
      store: openSqliteStore({ path: ':memory:' }),
      settings: { ...readSettings(), ...overrides },
      report,
    })
  }
  beforeEach(() => open())
  afterEach(() => gateway.store.close())

  function dial(): Line {
    const said: AnyFrame[] = []
    const socket = { end: null as Line['end'], stuck: 0 }
    let heard = () => {}
    const session = openSession(gateway, {
      send: ({ lines }) => {
        for (const { text } of lines) said.push(JSON.parse(text))
        heard()
      },
      close: (code, reason) => {
        socket.end = { code, reason }
      },
      bufferedBytes: () => socket.stuck,
    })
    return Object.assign(socket, {
      session,
      said,
      say: (frame: AnyFrame) => session.receive(JSON.stringify(frame)),
      hear: (fields: AnyFrame) =>
        new Promise<AnyFrame>(resolve => {
          heard = () => {
            const found = said.find(frame =>
              Object.entries(fields).every(([name, value]) => frame[name] === value),
            )
            if (found) resolve(found)
          }
          heard()
        }),
    })
  }

  async function greeted(): Promise<Line> {
    const line = dial()
    line.say(hello)
    await line.hear({ a: 'hs' })
    return line
  }

  it('[W21] leaves a document once, however often it is told so', async () => {
    const [ann, bob] = [await greeted(), dial()]
    bob.say({ ...hello, id: 'bob' })
    await bob.hear({ a: 'hs' })
    ann.say(creation)
    await ann.hear(created)
    const follow = async () => {
      bob.said.length = 0
      bob.say({ a: 's', c: 'notes', d: 'a', v: 1 })
      await bob.hear({ a: 's', d: 'a' })
    }
    const leave = async (n: number) => {
      bob.said.length = 0
      bob.say({ a: 'u', c: 'notes', d: 'a', n })
      bob.say({ a: 'f', c: 'notes', d: 'a' })
      await bob.hear({ a: 'f', d: 'a' })
    }
    const write = async (seq: number) => {
      const op = { a: 'op', c: 'notes', d: 'a', v: seq - 1, src: 'ann', seq, op: ['x'] }
      ann.say(op)
      await ann.hear({ a: 'op', seq, op: undefined })
    }
    await follow()
    await leave(1)
    await write(2)
    assert.ok(!bob.said.some(({ a }) => a === 'op'), 'it was left')
    await follow()
    await leave(1)
    await write(3)
    await bob.hear({ a: 'op', seq: 3 })
    await leave(2)
    await write(4)
    assert.ok(!bob.said.some(({ seq }) => seq === 4), 'it was left again')
  })

  it('[W9] says nothing before the handshake and answers it with the protocol of both', async () => {
    const line = dial()
    assert.equal(line.session.phase.name, 'greeting')
    line.say({ a: 'f', c: 'notes', d: 'a' })
    assert.equal(line.said[0]!.error.code, 'FRAME_MALFORMED')
    line.say(hello)
    const welcome = await line.hear({ a: 'hs' })
    assert.deepEqual([welcome.id, welcome.protocol, welcome.holdfast], ['ann', 1, 1])
    assert.equal(line.said.length, 2)
  })

  it('[W9] speaks plain ShareDB with who does not ask for more', async () => {
    const line = dial()
    line.say({ a: 'hs', id: null, protocol: 1, protocolMinor: 2 })
    const welcome = await line.hear({ a: 'hs' })
    assert.equal('holdfast' in welcome, false)
    line.say({ a: 'h.catchup', c: 'notes', d: 'a', v: null, own: [] })
    assert.equal((await line.hear({ a: 'h.catchup' })).error.code, 'PROTOCOL_VERSION')
  })

  it('[W9] answers a catch-up with the document or with what is new', async () => {
    const line = await greeted()
    line.say(creation)
    await line.hear(created)
    const ask = { a: 'h.catchup', c: 'notes', d: 'a' }
    line.say({ ...ask, v: null, own: [['ann', 1]] })
    const whole = await line.hear({ a: 'h.catchup', from: null })
    assert.deepEqual([whole.v, whole.snapshot, whole.own], [1, { type: TEXT, data: 'hi' }, [['ann', 1]]])
    line.say({ ...ask, v: 0, own: [] })
    const delta = await line.hear({ a: 'h.catchup', from: 0 })
    assert.deepEqual(delta.segments, [{ n: 1, create: { type: TEXT, data: 'hi' } }])
  })

  it('[W9] answers the handshake first, whatever was asked in the same flight', async () => {
    gateway.backend.share.use('reply', (_context, next) => void setImmediate(next))
    const line = dial()
    line.say(hello)
    line.say({ a: 'h.catchup', c: 'notes', d: 'a', v: 0, own: [] })
    line.say({ a: 'h.catchup', c: 'notes', d: 'a', v: 5, own: [] })
    await line.hear({ a: 'h.catchup', from: 0 })
    assert.equal((await line.hear({ a: 'h.catchup', from: 5 })).error.code, 'SERVER_BEHIND')
    assert.deepEqual(
      line.said.map(({ a }) => a),
      ['hs', 'h.catchup', 'h.catchup'],
    )
  })

  it('[W9] a handshake may be said twice, but not by another', async () => {
    const line = await greeted()
    line.say({ ...hello, id: null })
    assert.equal(line.end, null)
    line.say({ ...hello, id: 'victim' })
    assert.deepEqual(line.end, { code: 4400, reason: 'FRAME_MALFORMED' })
  })

  it('[W9] is gone with its socket', async () => {
    const line = await greeted()
    assert.equal(gateway.sessions.size, 1)
    line.session.closed()
    assert.equal(gateway.sessions.size, 0)
    line.say({ a: 'pp' })
    assert.equal(line.said.length, 1)
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(gateway.backend.share.agentsCount, 0)
  })

  /** A document `ab` at version 2, and what is asked about it at version 1. */
  async function twoVersions(): Promise<{ line: Line; ask: AnyFrame }> {
    const line = await greeted()
    line.say({ ...creation, create: { type: TEXT, data: 'b' } })
    await line.hear(created)
    line.say({ a: 'op', c: 'notes', d: 'a', v: 1, src: 'bea', seq: 1, op: ['a'] })
    await line.hear({ a: 'op', src: 'bea' })
    line.said.length = 0
    return { line, ask: { a: 'h.catchup', c: 'notes', d: 'a', v: 1, own: [['ann', 2]] } }
  }

  it('[W18] commits what comes along with a catch-up on top of the answer, and follows the document from there', async () => {
    const { line, ask } = await twoVersions()
    const seal = '0123456789abcdef'
    line.say({ ...ask, submit: { src: 'ann', seq: 2, seal, op: [1, '!'] } })
    await line.hear({ ...created, seq: 2, v: 2 })
    assert.deepEqual(
      line.said.map(({ a }) => a),
      ['h.catchup', 's', 'op'],
    )
    assert.deepEqual([line.said[0]!.segments, line.said[0]!.submitted], [[{ n: 1, op: ['a'] }], ['ann', 2]])
    const other = await greeted()
    other.say({ a: 'op', c: 'notes', d: 'a', v: 3, src: 'cem', seq: 1, op: [3, '?'] })
    assert.deepEqual((await line.hear({ a: 'op', src: 'cem', v: 3 })).op, [3, '?'])
    const key = { collection: 'notes', id: 'a' }
    assert.equal((await gateway.store.snapshot(key)).data, 'ab!?')
    const name = { src: 'ann', seq: 2 }
    assert.deepEqual(await gateway.store.refusalOf(key, name, seal), { kind: 'again', v: 2 })
    assert.equal((await gateway.store.refusalOf(key, name, 'another'))?.kind, 'another')
  })

  it('[W18] leaves to its sender what is in the log already, is malformed, or has lost its ground', async () => {
    const { line, ask } = await twoVersions()
    const cases = {
      known: { own: [['bea', 1]], submit: { src: 'bea', seq: 1, op: ['a'] } },
      malformed: { submit: { src: 'ann', seq: 2, op: [{ d: -1 }] } },
      unknown: { v: null, submit: { src: 'ann', seq: 2, op: ['x'] } },
      created: { v: 0, submit: { src: 'ann', seq: 2, op: ['x'] } },
    }
    for (const [what, change] of Object.entries(cases)) {
      line.said.length = 0
      line.say({ ...ask, ...change })
      const answer = await line.hear({ a: 'h.catchup' })
      assert.ok(answer.error === undefined && answer.submitted === undefined, what)
    }
    line.say({ a: 'pp' })
    await line.hear({ a: 'pp' })
    assert.equal((await gateway.store.head({ collection: 'notes', id: 'a' })).v, 2)
  })

  it('[W18] leaves to its sender an op that its type cannot carry', async () => {
    const line = await greeted()
    line.say({ ...creation, create: { type: JSON1, data: { k: 'text' } } })
    await line.hear(created)
    line.say({ a: 'op', c: 'notes', d: 'a', v: 1, src: 'ann', seq: 2, op: ['k', { es: ['x'] }] })
    await line.hear({ ...created, seq: 2 })
    const submit = { src: 'ann', seq: 3, op: ['k', { ena: 1 }] }
    line.say({ a: 'h.catchup', c: 'notes', d: 'a', v: 1, own: [['ann', 3]], submit })
    const answer = await line.hear({ a: 'h.catchup' })
    assert.deepEqual([answer.v, answer.submitted, answer.error], [2, undefined, undefined])
  })

  it('[W18] an op that came along twice is committed once', async () => {
    const { line, ask } = await twoVersions()
    const submit = { src: 'ann', seq: 2, op: [1, '!'] }
    line.say({ ...ask, submit })
    line.say({ ...ask, submit })
    await line.hear({ ...created, seq: 2, again: true })
    assert.equal((await gateway.store.head({ collection: 'notes', id: 'a' })).v, 3)
  })

  it('[W10] is cut off when too much waits for it, and hears no more', async () => {
    const line = await greeted()
    line.stuck = gateway.settings.SOCKET_BUFFER_BYTES + 1
    line.say({ a: 'pp' })
    await line.hear({ a: 'pp' })
    assert.deepEqual(line.end, { code: 4408, reason: 'READER_TOO_SLOW' })
    line.say({ a: 'pp' })
    assert.equal(line.said.filter(frame => frame.a === 'pp').length, 1)
  })

  it('[W4] an op is checked before any function of its type sees it, on an old base too', async () => {
    const line = await greeted()
    line.say(creation)
    await line.hear(created)
    line.say({ a: 'op', c: 'notes', d: 'a', v: 1, src: 'ann', seq: 2, op: ['x'] })
    await line.hear({ ...created, seq: 2 })
    const applied: unknown[] = []
    gateway.backend.share.use('apply', (submit, next) => {
      applied.push(submit.op.seq)
      next()
    })
    line.say({ a: 'op', c: 'notes', d: 'a', v: 1, src: 'ann', seq: 3, op: [{ d: -1 }] })
    assert.equal((await line.hear({ a: 'op', seq: 3 })).error.code, 'OP_MALFORMED')
    assert.deepEqual(applied, [])
  })

  it('[W4] an op that never fitted is refused for good, even where its type cannot transform it', async () => {
    const line = await greeted()
    line.say({ ...creation, create: { type: JSON1, data: { k: 'text' } } })
    await line.hear(created)
    line.say({ a: 'op', c: 'notes', d: 'a', v: 1, src: 'ann', seq: 2, op: ['k', { es: ['x'] }] })
    await line.hear({ ...created, seq: 2 })
    line.say({ a: 'op', c: 'notes', d: 'a', v: 1, src: 'ann', seq: 3, op: ['k', { ena: 1 }] })
    const { error } = await line.hear({ a: 'op', seq: 3 })
    assert.equal(error.code, 'ERR_OT_OP_NOT_APPLIED', reports.join())
    assert.equal(entryOf(error.code).fate, 'hold')
  })

  it('[W12] a failure of the store is told by its code and reported, and the next edit goes through', async () => {
    const line = await greeted()
    const head = gateway.store.head
    gateway.store.head = () => Promise.reject(new Error('SELECT v FROM docs: disk I/O error'))
    line.say(creation)
    const refusal = await line.hear({ a: 'op', seq: 1 })
    assert.equal(refusal.error.code, 'INTERNAL')
    assert.doesNotMatch(refusal.error.message, /SELECT|disk/)
    assert.match(reports.join(), /disk I\/O error/)
    gateway.store.head = head
    line.said.length = 0
    line.say(creation)
    const { hash, ...ack } = await line.hear(created)
    assert.deepEqual(ack, { a: 'op', c: 'notes', d: 'a', src: 'ann', seq: 1, v: 0 })
    assert.match(hash, /^[0-9a-f]{32}$/)
  })

  it('[W13] an edit that makes a document too large is refused, and one that shrinks it is not', async () => {
    await gateway.store.close()
    open({ DOCUMENT_BYTES: 1024 })
    const line = await greeted()
    line.say({ ...creation, create: { type: TEXT, data: 'x'.repeat(2000) } })
    assert.equal((await line.hear({ a: 'op', seq: 1 })).error.code, 'DOCUMENT_TOO_LARGE')
    line.say({ ...creation, seq: 2, create: { type: TEXT, data: 'x'.repeat(1000) } })
    await line.hear({ ...created, seq: 2 })
    line.say({ a: 'op', c: 'notes', d: 'a', v: 1, src: 'ann', seq: 3, op: ['y'.repeat(100)] })
    assert.equal((await line.hear({ a: 'op', seq: 3 })).error.code, 'DOCUMENT_TOO_LARGE')
    line.say({ a: 'op', c: 'notes', d: 'a', v: 1, src: 'ann', seq: 4, op: [{ d: 500 }, 'y'.repeat(100)] })
    assert.equal((await line.hear({ a: 'op', seq: 4 })).error, undefined)
  })

  it('[W14] draining answers what is running, leaves what is new and ends with 1012', async () => {
    const line = await greeted()
    for (const d of ['a', 'b', 'c']) line.say({ ...creation, d })
    const drained = gateway.drain()
    line.say({ ...creation, d: 'late' })
    await drained
    for (const d of ['a', 'b', 'c']) assert.equal((await line.hear({ ...created, d })).error, undefined)
    assert.ok(!line.said.some(({ d }) => d === 'late'))
    assert.deepEqual(line.end, { code: 1012, reason: 'SERVER_DRAINING' })
    assert.equal((await gateway.store.head({ collection: 'notes', id: 'c' })).v, 1)
    assert.equal((await gateway.store.head({ collection: 'notes', id: 'late' })).v, 0)
    assert.deepEqual(dial().end, { code: 1012, reason: 'SERVER_DRAINING' })
  })

  it('[W14] a handshake while it drains is refused as well, and what came along with a question is not committed', async () => {
    const { line, ask } = await twoVersions()
    line.say({ ...ask, submit: { src: 'ann', seq: 2, op: [1, '!'] } })
    const late = dial()
    late.session.drain()
    late.say(hello)
    line.session.drain()
    assert.equal((await late.hear({ a: 'hs' })).error.code, 'SERVER_DRAINING')
    assert.equal((await line.hear({ a: 'h.catchup' })).submitted, undefined)
    assert.equal((await gateway.store.head({ collection: 'notes', id: 'a' })).v, 2)
  })
})
