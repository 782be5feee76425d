import assert from 'node:assert/strict'
import type { Settings } from '../../../server/settings.ts'
import { Board, hello, tokenOf } from '../access/site.ts'
import { closeAll, dial, greet, serve, TEXT, type TestServer } from '../scene.ts'
import { type Answer, ask, make } from './asking.ts'

const ops = '/v1/docs/notes/a/ops'
const edit = (seq: number, v = 1) => ({ src: 'ann-1', seq, v, op: ['x'] })

describe('The API: rates', () => {
  afterEach(closeAll)

  async function open(settings: Partial<Settings>, board?: Board): Promise<TestServer> {
    const server = await serve(settings, null, board)
    await server.gateway.backend.submit(
      { collection: 'notes', id: 'a' },
      { create: { type: TEXT, data: '' } },
    )
    return server
  }

  function refused({ status, headers, body }: Answer, setting: string): void {
    assert.equal(status, 429)
    assert.equal(body.error.code, 'TOO_MANY')
    assert.match(body.error.message, new RegExp(`HOLDFAST_${setting}`))
    assert.equal(headers.get('retry-after'), '1')
  }

  const code = ({ body }: Answer) => body.error?.code ?? null

  it('[I62] edits over the rate are refused until the second is over, and are then done once', async () => {
    const server = await open({ OPS_PER_SECOND: 3 })
    let last: Answer
    let seq = 0
    do last = await ask(server, ops, { send: edit(++seq) })
    while (last.status === 200)
    refused(last, 'OPS_PER_SECOND')
    assert.ok(seq > 3, 'so many may be')
    refused(await ask(server, '/v1/docs/notes'), 'OPS_PER_SECOND')
    assert.equal((await ask(server, '/health')).status, 200)
    do last = await ask(server, ops, { send: edit(seq) })
    while (code(last) === 'TOO_MANY')
    assert.equal(last.status, 200)
    const { data } = await server.gateway.store.snapshot({ collection: 'notes', id: 'a' })
    assert.equal(data, 'x'.repeat(seq))
  })

  it('[I62] a batch that goes over passes, the next request waits', async () => {
    const server = await open({ OPS_PER_SECOND: 5 })
    const batch = Array.from({ length: 20 }, (_, i) => ({ collection: 'notes', id: 'a', ...edit(i + 1) }))
    const { results } = (await ask(server, '/v1/ops', { send: { ops: batch } })).body
    assert.ok(results.every((each: { error?: object }) => each.error === undefined))
    refused(await ask(server, ops, { send: edit(21) }), 'OPS_PER_SECOND')
  })

  it('[I62] all bytes of a request count', async () => {
    const server = await open({ BYTES_PER_SECOND: 100_000 })
    assert.equal((await make(server, 'big', 'text', 'x'.repeat(150_000))).status, 200)
    refused(await ask(server, '/v1/docs/notes/a'), 'BYTES_PER_SECOND')
  })

  it('[I62] sockets and requests of one address count together', async () => {
    const server = await open({ OPS_PER_SECOND: 5 })
    const client = await greet(server, 'ann')
    for (let seq = 1; seq <= 20; seq++)
      client.send({ a: 'op', c: 'notes', d: 'a', v: 1, src: 'ann', seq, op: ['x'] })
    await client.next({ a: 'op', seq: 1 })
    refused(await ask(server, ops, { send: edit(1) }), 'OPS_PER_SECOND')
  })

  it('[I62] a principal that goes over is held up, and nobody else at its address', async () => {
    const board = new Board()
    const server = await open({ OPS_PER_SECOND: 3 }, board)
    for (const who of ['ann', 'bob']) board.give(who, 'write')
    const as = (id: string) => ({ headers: { authorization: `Bearer ${tokenOf({ id })}` } })
    const batch = Array.from({ length: 10 }, (_, i) => ({ collection: 'notes', id: 'a', ...edit(i + 1) }))
    await ask(server, '/v1/ops', { ...as('ann'), send: { ops: batch } })
    refused(await ask(server, '/v1/docs/notes/a', as('ann')), 'OPS_PER_SECOND')
    assert.equal((await ask(server, '/v1/docs/notes/a', as('bob'))).status, 200)
    const socket = await dial(server)
    await socket.ask({ ...hello('s'), token: tokenOf({ id: 'ann' }) }, { a: 'hs' })
    const answer = await socket.ask({ a: 'f', c: 'notes', d: 'a' }, { a: 'f' })
    assert.equal(answer.error.code, 'TOO_MANY')
  })

  it('[F91] who guesses tokens is held up, over HTTP and in handshakes; what is open works on, and the second after all is well', async () => {
    const board = new Board()
    const server = await open({ REFUSED_TOKENS_PER_SECOND: 3 }, board)
    board.give('ann', 'write')
    const read = (token: string) =>
      ask(server, '/v1/docs/notes/a', { headers: { authorization: `Bearer ${token}` } })
    const good = tokenOf({ id: 'ann' })
    const socket = await dial(server)
    await socket.ask({ ...hello('s'), token: good }, { a: 'hs' })
    let last: Answer
    let refusals = 0
    do {
      last = await read('guess')
      refusals++
    } while (code(last) === 'TOKEN_INVALID')
    refused(last, 'REFUSED_TOKENS_PER_SECOND')
    assert.ok(refusals > 3, 'so many may be')
    refused(await read(good), 'REFUSED_TOKENS_PER_SECOND')
    assert.equal(code(await ask(server, '/v1/docs/notes/a')), 'TOKEN_MISSING')
    const late = await dial(server)
    assert.equal((await late.ask({ ...hello('t'), token: good }, { a: 'hs' })).error.code, 'TOO_MANY')
    assert.deepEqual(await late.closed, { code: 4429, reason: 'TOO_MANY' })
    assert.equal((await socket.ask({ a: 'f', c: 'notes', d: 'a' }, { a: 'f' })).error, undefined)
    do last = await read(good)
    while (code(last) === 'TOO_MANY')
    assert.equal(last.status, 200)
  })

  it('[F91] handshakes with bad tokens count, too', async () => {
    const server = await open({ REFUSED_TOKENS_PER_SECOND: 3 }, new Board())
    let last: string
    do {
      const socket = await dial(server)
      last = (await socket.ask({ ...hello('s'), token: 'guess' }, { a: 'hs' })).error.code
    } while (last === 'TOKEN_INVALID')
    assert.equal(last, 'TOO_MANY')
  })
})
