import assert from 'node:assert/strict'
import { errors, isErrorCode } from '../../ops/errors.ts'
import { type BadFrame, badFrames } from './badframes.ts'
import { closeAll, greet, JSON1, type RawClient, RICH, serve, TEXT, type TestServer } from './scene.ts'

const documents = [
  { d: 'text', type: TEXT, data: 'hello' },
  { d: 'json', type: JSON1, data: { k: 'v' } },
  { d: 'rich', type: RICH, data: { ops: [{ insert: 'hello\n' }] } },
]

const objectKeys = () => Reflect.ownKeys(Object.prototype).map(String).join()

describe('Bad frames', () => {
  let server: TestServer
  let neighbour: RawClient
  let edits = 0
  const everyObject = objectKeys()

  before(async () => {
    server = await serve()
    neighbour = await greet(server, 'neighbour')
    for (const { d, type, data } of documents) {
      const name = { a: 'op', c: 'bad', d, src: 'setup', seq: 1 }
      await neighbour.ask({ ...name, v: 0, create: { type, data } }, { ...name, v: 0 })
    }
    const second = { a: 'op', c: 'bad', d: 'text', v: 1, src: 'setup', seq: 2 }
    await neighbour.ask({ ...second, op: ['oh '] }, second)
    await neighbour.ask(
      { a: 'op', c: 'good', d: 'own', v: 0, src: 'neighbour', seq: 1, create: { type: TEXT } },
      { d: 'own' },
    )
  })
  after(closeAll)

  /** Somebody else works on, and everything that was there is as it was. */
  async function unharmed(): Promise<void> {
    edits++
    const name = { a: 'op', c: 'good', d: 'own', v: edits, src: 'neighbour', seq: edits + 1 }
    const ack = await neighbour.ask({ ...name, op: ['x'] }, name)
    assert.equal(ack.error, undefined)
    const heads = await Promise.all(
      documents.map(({ d }) => server.gateway.store.head({ collection: 'bad', id: d })),
    )
    assert.deepEqual(
      heads.map(head => head.v),
      [2, 1, 1],
    )
    assert.equal(neighbour.frames.filter(frame => frame.error).length, 0)
    assert.equal(objectKeys(), everyObject)
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
  }

  async function answered({ send, code, close }: BadFrame): Promise<void> {
    const client = await greet(server, 'x')
    client.send(send)
    const answer = await Promise.race([
      client.closed.then(end => assert.fail(`closed with ${end.code} before an answer`)),
      waitForError(client),
    ])
    assert.equal(answer.error.code, code)
    assert.ok(isErrorCode(code))
    assert.ok(answer.error.message.length > 10, 'the message says something')
    assert.doesNotMatch(answer.error.message, /\bat .*:\d+|SELECT|INSERT INTO|node_modules/)
    if (close !== undefined) {
      assert.deepEqual(await client.closed, { code: close, reason: code })
      return
    }
    assert.deepEqual(await client.ask({ a: 'pp' }, { a: 'pp' }), { a: 'pp' }, 'the connection goes on')
    client.close()
  }

  async function waitForError(client: RawClient): Promise<{ error: { code: string; message: string } }> {
    for (;;) {
      const frame = client.frames.find(each => each.error)
      if (frame) return frame as { error: { code: string; message: string } }
      await new Promise(resolve => client.socket.once('message', resolve))
    }
  }

  for (const bad of badFrames) {
    it(`[W2] [W3] ${bad.what}: ${bad.code}`, async () => {
      await answered(bad)
      await unharmed()
    })
  }

  it('[W2] the answer names the request', async () => {
    const client = await greet(server, 'asker')
    const name = { a: 'op', c: 'bad', d: 'text', src: 'asker', seq: 4 }
    const refusal = await client.ask({ ...name, v: 2, op: [99, 'x'] }, name)
    assert.deepEqual(Object.keys(refusal).sort(), ['a', 'c', 'd', 'error', 'seq', 'src'])
    const catchUp = { a: 'h.catchup', c: 'bad', d: 'text' }
    const behind = await client.ask({ ...catchUp, v: 99, own: [] }, catchUp)
    assert.equal(behind.from, 99)
  })

  it('[W2] a frame that cannot be received ends the connection with 1009', async () => {
    const client = await greet(server, 'huge')
    client.send(`"${'x'.repeat(5 * 2 ** 20)}"`)
    assert.equal((await client.closed).code, 1009)
    await unharmed()
  })

  it('[W2] every code that ends a connection has a close code', () => {
    for (const { code, close } of badFrames) {
      const entry: { close?: number } = errors[code as keyof typeof errors]
      if (close !== undefined) assert.equal(entry.close, close)
    }
  })
})
