import assert from 'node:assert/strict'
import { Line, turn } from './line.ts'

/** An app that gives t1, t2, ... unless told otherwise. */
class App {
  asked = 0
  give: () => Promise<string | null> = async () => `t${this.asked}`
  readonly token = () => {
    this.asked++
    return this.give()
  }
}

/** A line with a token function; its first socket is dialed once the token is there. */
async function scene(app = new App()): Promise<{ app: App; line: Line }> {
  const line = new Line({ token: app.token })
  await turn()
  return { app, line }
}

const told = (line: Line) => line.last.sent.find(frame => frame.a === 'hs')?.token

describe('link: tokens', () => {
  it('[K9] asks for a token anew before every greeting, and takes it along', async () => {
    const { app, line } = await scene()
    line.up()
    assert.equal(told(line), 't1')
    await line.cut().redialed()
    line.up()
    assert.equal(told(line), 't2')
    assert.equal(app.asked, 2)
  })

  it('[K9] dials only when it has the token; null greets without one', async () => {
    const app = new App()
    const given = Promise.withResolvers<null>()
    app.give = () => given.promise
    const { line } = await scene(app)
    assert.equal(line.phase, 'dialing')
    assert.equal(line.sockets.length, 0)
    given.resolve(null)
    await turn()
    line.up()
    assert.deepEqual(Object.keys(line.last.sent[0]!).sort(), [
      'a',
      'holdfast',
      'id',
      'protocol',
      'protocolMinor',
    ])
  })

  it('[K9] a token that comes after a retry is not used', async () => {
    const app = new App()
    const slow = Promise.withResolvers<string>()
    app.give = () => (app.asked === 1 ? slow.promise : Promise.resolve('new'))
    const { line } = await scene(app)
    line.link.retry()
    slow.resolve('old')
    await turn()
    assert.equal(line.sockets.length, 1)
    line.up()
    assert.equal(told(line), 'new')
  })

  it('[K10] a token function that rejects, throws or takes too long is a failed attempt that says so', async () => {
    const failures: App['give'][] = [
      () => Promise.reject(new Error('offline')),
      () => {
        throw new Error('a bug')
      },
      () => new Promise(() => {}),
    ]
    for (const give of failures) {
      const app = new App()
      app.give = give
      const { line } = await scene(app)
      await line.time.live(10_000)
      assert.equal(line.wait.code, 'TOKEN_FAILED')
      assert.equal(line.sockets.length, 0)
      app.give = async () => 'now'
      await line.redialed()
      line.up()
      assert.equal(told(line), 'now')
    }
  })

  it('[K10] a server that then does not greet is another matter', async () => {
    const { line } = await scene()
    line.pass(10_000)
    assert.equal(line.wait.code, undefined)
  })

  it('[K10] nor if the endpoint was being tried when a retry asked the app anew', async () => {
    const { app, line } = await scene()
    for (let times = 1; times <= 6; times++) {
      app.give = () => Promise.reject(new Error('offline'))
      line.link.retry()
      await turn()
      assert.deepEqual([line.wait.code, line.wait.tries], ['TOKEN_FAILED', 1])
      assert.ok(line.wait.ms < 500)
      app.give = async () => 'now'
      await line.redialed()
    }
  })

  it('[K10] and does not count against the endpoint, however often', async () => {
    const app = new App()
    app.give = () => Promise.reject(new Error('offline'))
    const { line } = await scene(app)
    await line.time.live(300_000)
    assert.ok(app.asked > 8, String(app.asked))
    app.give = async () => 'now'
    await line.redialed()
    assert.equal(line.up().phase, 'up')
  })

  it('[K11] an expired token is replaced at once, once, and then backed off from', async () => {
    const { app, line } = await scene()
    line.last.events.open()
    line.refuse('TOKEN_EXPIRED')
    await turn()
    assert.equal(app.asked, 2)
    assert.equal(line.sockets.length, 2)
    assert.ok(line.sockets[0]!.closed)
    assert.equal(line.time.virtual.now, 0)
    line.last.events.open()
    line.refuse('TOKEN_EXPIRED')
    assert.deepEqual([line.wait.tries, line.wait.code], [1, 'TOKEN_EXPIRED'])
    assert.equal(app.asked, 2)
  })

  it('[K11] a connection that was good for a while may expire at once again', async () => {
    const { line } = await scene()
    for (let times = 1; times <= 3; times++) {
      line.up()
      for (let i = 0; i < 4; i++) line.pass(10_000).hear({ a: 'pp' })
      line.cut(4401, 'TOKEN_EXPIRED')
      await turn()
      assert.equal(line.sockets.length, times + 1)
    }
    line.up().cut(4401, 'TOKEN_EXPIRED')
    await turn()
    line.up().cut(4401, 'TOKEN_EXPIRED')
    assert.equal(line.wait.code, 'TOKEN_EXPIRED')
  })

  it('[K12] a token that is refused is asked for again after a while: somebody may sign in', async () => {
    for (const code of ['TOKEN_INVALID', 'TOKEN_MISSING']) {
      const { app, line } = await scene()
      for (let tries = 1; tries <= 8; tries++) {
        line.last.events.open()
        line.refuse(code)
        assert.deepEqual([line.wait.tries, line.wait.code], [tries, code])
        await line.redialed()
        assert.equal(app.asked, tries + 1)
      }
      assert.equal(line.up().phase, 'up')
    }
  })

  it('[K12] who can give no token is told so for good', () => {
    for (const code of ['TOKEN_MISSING', 'TOKEN_INVALID', 'TOKEN_EXPIRED']) {
      const refused = new Line()
      refused.last.events.open()
      refused.refuse(code)
      assert.deepEqual(refused.link.phase, { name: 'closed', code })
      const closed = new Line().up().cut(4401, code)
      assert.deepEqual(closed.link.phase, { name: 'closed', code })
    }
  })

  it('[K13] gives a new token over the connection when the server asks for one', async () => {
    const { app, line } = await scene()
    line.up().refuse('TOKEN_EXPIRED', 'h.token').refuse('TOKEN_EXPIRED', 'h.token')
    await turn()
    assert.equal(app.asked, 2)
    assert.deepEqual(line.last.sent.slice(1), [{ a: 'h.token', token: 't2' }])
    line.hear({ a: 'h.token' }).pass(10_000)
    assert.equal(line.phase, 'up')
    assert.equal(line.sockets.length, 1)
    assert.deepEqual(line.frames, [])
  })

  it('[K13] a new token that is refused, or not answered, ends the connection', async () => {
    const { line } = await scene()
    line.up().refuse('TOKEN_EXPIRED', 'h.token')
    await turn()
    line.refuse('TOKEN_INVALID', 'h.token')
    assert.equal(line.wait.code, 'TOKEN_INVALID')
    await line.redialed()
    line.up().refuse('TOKEN_EXPIRED', 'h.token')
    await turn()
    line.pass(3_100)
    assert.ok(line.sockets[1]!.closed)
  })

  it('[K13] an app that has none to give leaves the end to the server', async () => {
    for (const give of [() => Promise.reject(new Error('no')), async () => null]) {
      const { app, line } = await scene()
      line.up()
      app.give = give
      line.refuse('TOKEN_EXPIRED', 'h.token')
      await turn()
      assert.equal(line.phase, 'up')
      assert.equal(line.last.sent.length, 1)
      line.cut(4401, 'TOKEN_EXPIRED')
      await turn()
      assert.equal(app.asked, 3)
    }
  })

  it('[K13] renews as often as it is asked, and gives no connection the token of another', async () => {
    const { app, line } = await scene()
    line.up()
    for (const token of ['t2', 't3']) {
      line.refuse('TOKEN_EXPIRED', 'h.token')
      await turn()
      assert.deepEqual(line.last.sent.at(-1), { a: 'h.token', token })
      line.hear({ a: 'h.token' })
    }
    const slow = Promise.withResolvers<string>()
    app.give = () => slow.promise
    line.refuse('TOKEN_EXPIRED', 'h.token')
    app.give = async () => `t${app.asked}`
    await line.cut().redialed()
    line.up()
    slow.resolve('old')
    await turn()
    assert.equal(line.last.sent.length, 1)
    line.refuse('TOKEN_EXPIRED', 'h.token')
    await turn()
    assert.deepEqual(line.last.sent.at(-1), { a: 'h.token', token: 't6' })
  })

  it('[K13] an old connection that still waits for its token does not keep a new one from renewing', async () => {
    const { app, line } = await scene()
    line.up()
    app.give = () => new Promise(() => {})
    line.refuse('TOKEN_EXPIRED', 'h.token')
    app.give = async () => `t${app.asked}`
    await line.cut().redialed()
    line.up().refuse('TOKEN_EXPIRED', 'h.token')
    await turn()
    assert.deepEqual(line.last.sent.at(-1), { a: 'h.token', token: 't4' })
  })
})
