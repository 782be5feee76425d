import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isErrorCode } from '../../ops/errors.ts'
import { openGateway } from '../../server/gateway/gateway.ts'
import { openSession, type Session } from '../../server/gateway/session.ts'
import { readSettings } from '../../server/settings.ts'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import { type AnyFrame, JSON1, RICH, TEXT } from './scene.ts'

const RUNS = 400
const hello = { a: 'hs', id: 'x', protocol: 1, protocolMinor: 2, holdfast: 1 }
const op = { a: 'op', c: 'n', v: 1, src: 'x', seq: 1 }

/** One right frame of every action and type; what is sent is one of these with something in it changed. */
const right: readonly AnyFrame[] = [
  hello,
  { ...op, d: 't', op: ['a', { d: 1 }] },
  { ...op, d: 'j', op: ['k', { i: 1 }] },
  { ...op, d: 'r', op: { ops: [{ retain: 1, attributes: { bold: true } }, { insert: 'x' }] } },
  { ...op, d: 'n', v: 0, create: { type: TEXT, data: 'x' } },
  { ...op, d: 'n', del: true },
  { a: 'f', c: 'n', d: 't', v: 0 },
  { a: 's', c: 'n', d: 't' },
  { a: 'u', c: 'n', d: 't' },
  { a: 'bf', c: 'n', b: ['t', 'j'] },
  { a: 'bs', c: 'n', b: { t: 0 } },
  { a: 'bu', c: 'n', b: ['t'] },
  { a: 'nf', id: 1, c: 'n', d: 't', v: 1 },
  { a: 'nt', id: 1, c: 'n', d: 't', ts: 0 },
  { a: 'p', ch: 'room', id: 'me', p: 3, pv: 1, c: 'n', d: 't', v: 1, t: TEXT },
  { a: 'ps', ch: 'room', seq: 1 },
  { a: 'pu', ch: 'room', seq: 2 },
  { a: 'pr', ch: 'room' },
  { a: 'pp' },
  { a: 'h.catchup', c: 'n', d: 't', v: 0, own: [['x', 1]] },
]

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    '__proto__',
    '',
    't',
    'j',
    'r',
    0,
    1,
    -1,
    1e15,
    1.5,
    null,
    [],
    {},
    { d: 1 },
    [1],
    true,
    TEXT,
  ),
)

/** The frame with another value at a place found by following `path`. */
function changed(frame: AnyFrame, path: readonly number[], to: unknown): AnyFrame {
  const copy = structuredClone(frame)
  let place = copy
  for (const [depth, step] of path.entries()) {
    const keys = Object.keys(place)
    const key = keys[step % keys.length]
    if (key === undefined) break
    const inside = place[key]
    if (depth === path.length - 1 || typeof inside !== 'object' || inside === null) {
      place[key] = to
      break
    }
    place = inside
  }
  return copy
}

const frames = fc.array(
  fc
    .tuple(fc.constantFrom(...right), fc.array(fc.nat(7), { minLength: 1, maxLength: 4 }), value)
    .map(([frame, path, to]) => changed(frame, path, to)),
  { minLength: 1, maxLength: 6 },
)

describe('Frames with something wrong in them', () => {
  it(`[W3] ${RUNS} conversations: every refusal is coded, nothing fails inside, everybody else works on`, async () => {
    const reports: string[] = []
    const report = (what: string, error?: unknown) => void reports.push(`${what} ${String(error)}`)
    const store = openSqliteStore({ path: ':memory:' })
    const gateway = openGateway({ store, settings: readSettings(), report })
    const everyObject = Reflect.ownKeys(Object.prototype).length
    let seq = 1000
    let refused = 0

    function greeted(): Session {
      const session = openSession(gateway, {
        send: ({ lines }) => {
          for (const { text } of lines) {
            const { error } = JSON.parse(text)
            if (!error) continue
            refused++
            assert.ok(isErrorCode(error.code), error.code)
          }
        },
        close: (_code, reason) => assert.ok(isErrorCode(reason), reason),
        bufferedBytes: () => 0,
      })
      session.receive(JSON.stringify(hello))
      return session
    }
    const turn = () => new Promise(resolve => setImmediate(resolve))

    const neighbour = greeted()
    await turn()
    const documents = { t: [TEXT, 'hello'], j: [JSON1, { k: [1] }], r: [RICH, { ops: [{ insert: 'hi\n' }] }] }
    for (const [d, [type, data]] of Object.entries(documents)) {
      neighbour.receive(JSON.stringify({ ...op, d, v: 0, create: { type, data } }))
    }
    neighbour.receive(JSON.stringify({ ...op, c: 'own', d: 'mine', v: 0, create: { type: TEXT } }))
    for (const conversation of fc.sample(frames, { numRuns: RUNS, seed: 20261123 })) {
      const session = greeted()
      for (const frame of conversation) {
        session.receive(JSON.stringify(frame.seq === 1 ? { ...frame, seq: seq++ } : frame))
        await turn()
      }
      session.closed()
    }
    neighbour.receive(JSON.stringify({ ...op, c: 'own', d: 'mine', seq: 2, op: ['x'] }))
    await gateway.backend.idle()

    assert.equal((await store.snapshot({ collection: 'own', id: 'mine' })).data, 'x')
    assert.ok(refused > RUNS / 2, `${refused} were refused`)
    assert.deepEqual(reports, [])
    assert.equal(Reflect.ownKeys(Object.prototype).length, everyObject)
    neighbour.closed()
    await store.close()
  })
})
