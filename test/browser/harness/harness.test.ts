/** The harness itself: faults that do not happen would make every test behind them pass. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { type Echo, echoServer } from './echo.ts'
import { findBrowser, provideBrowser } from './provide.ts'
import { type FaultProxy, startProxy } from './proxy.ts'
import { type ServerProcess, startServerProcess } from './server.ts'

describe('proxy', () => {
  let server: Echo
  let proxy: FaultProxy
  const clients = new Set<WebSocket>()

  beforeEach(async () => {
    server = await echoServer()
    proxy = await startProxy(server)
  })
  afterEach(async () => {
    for (const client of clients) client.terminate()
    clients.clear()
    await proxy.close()
    await server.close()
  })

  const connect = (path = '/ws'): WebSocket => {
    const client = new WebSocket(`ws://127.0.0.1:${proxy.port}${path}`, { origin: proxy.origin })
    client.on('error', () => {}) // each test waits for the end that it expects
    clients.add(client)
    return client
  }
  const connected = async (): Promise<WebSocket> => {
    const client = connect()
    await once(client, 'open')
    return client
  }
  const received = (client: WebSocket, count: number): Promise<string[]> =>
    new Promise(resolve => {
      const frames: string[] = []
      client.on('message', data => frames.push(String(data)) === count && resolve(frames))
    })
  const heard = async (client: WebSocket): Promise<string> => (await received(client, 1))[0]!
  const get = () => fetch(`${proxy.origin}/page`, { headers: { connection: 'close' } })

  it('[X1] passes requests and frames as they are, host, origin and close codes included', async () => {
    const answer = await get()
    assert.equal(answer.status, 200)
    assert.equal(await answer.text(), `/page for 127.0.0.1:${proxy.port}`)
    const client = await connected()
    client.send('hi')
    assert.equal(await heard(client), `echo hi from ${proxy.origin}`)
    client.send('close 4321')
    const [code, reason] = await once(client, 'close')
    assert.equal(code, 4321)
    assert.equal(String(reason), 'as asked')
  })

  it('[X1] passes on that the server refused a WebSocket', async () => {
    const client = connect('/elsewhere')
    const [, answer] = await once(client, 'unexpected-response')
    assert.equal(answer.statusCode, 400)
    answer.destroy()
  })

  it('[X2] keeps connections open in a black hole but lets nothing through, and all of it afterwards', async () => {
    const client = await connected()
    const frames: string[] = []
    client.on('message', data => frames.push(String(data)))
    proxy.mode = 'blackhole'
    client.send('held')
    const late = connect()
    let opened = false
    late.once('open', () => {
      opened = true
    })
    const other = await straightTo(server.port, 'through the server itself, meanwhile')
    assert.match(other, /meanwhile/)
    assert.deepEqual(server.heard, ['through the server itself, meanwhile'])
    assert.deepEqual([frames, opened, client.readyState], [[], false, WebSocket.OPEN])
    proxy.mode = 'pass'
    await Promise.all([once(client, 'message'), opened || once(late, 'open')])
    assert.deepEqual(frames, [`echo held from ${proxy.origin}`])
  })

  it('[X3] resets open connections and new ones while it refuses, and takes new ones afterwards', async () => {
    const client = await connected()
    proxy.mode = 'refuse'
    const [code] = await once(client, 'close')
    assert.equal(code, 1006)
    await assert.rejects(get())
    const refused = connect()
    const [error] = await once(refused, 'error')
    assert.equal(error.code, 'ECONNRESET')
    proxy.mode = 'pass'
    assert.equal((await connected()).readyState, WebSocket.OPEN)
  })

  it('[X4] cuts what is open and takes new connections at once', async () => {
    const client = await connected()
    assert.equal(proxy.connections, 1)
    proxy.cut()
    const [code] = await once(client, 'close')
    assert.equal(code, 1006)
    assert.equal((await get()).status, 200)
  })

  it('[X4] cuts in a black hole too, and what was held is lost', async () => {
    const client = await connected()
    proxy.mode = 'blackhole'
    client.send('lost')
    proxy.cut()
    await once(client, 'close')
    proxy.mode = 'pass'
    const again = await connected()
    again.send('kept')
    await heard(again)
    assert.deepEqual(server.heard, ['kept'])
  })

  it('[X5] delays both ways and keeps the order', async () => {
    const client = await connected()
    proxy.delayMs = 30
    const from = performance.now()
    for (const text of ['1', '2', '3']) client.send(text)
    await received(client, 3)
    const took = performance.now() - from
    assert.deepEqual(server.heard, ['1', '2', '3'])
    assert.ok(took >= 55, `a round trip took ${took} ms`)
  })

  it('[X6] swallows the next frame that matches, and no other', async () => {
    const client = await connected()
    const lost = proxy.swallow(({ from, text }) => from === 'server' && text.startsWith('echo b'))
    for (const text of ['a', 'b1', 'b2']) client.send(text)
    const frames = await received(client, 2)
    assert.deepEqual(
      frames.map(frame => frame.split(' ')[1]),
      ['a', 'b2'],
    )
    assert.match((await lost).text, /echo b1/)
    assert.deepEqual(server.heard, ['a', 'b1', 'b2'])
  })

  it('[X6] shows frames as JSON, and replaces them as a hook says until it is ended', async () => {
    const client = await connected()
    const seen = proxy.next(({ from, json }) => from === 'client' && json?.a === 'op')
    const end = proxy.intercept(({ from, text }) => (from === 'client' ? [text, text] : 'pass'))
    client.send('{"a":"op"}')
    await received(client, 2)
    assert.deepEqual((await seen).json, { a: 'op' })
    end()
    client.send('last')
    await heard(client)
    assert.deepEqual(server.heard, ['{"a":"op"}', '{"a":"op"}', 'last'])
  })

  it('[X7] lets the server go and come back', async () => {
    const client = await connected()
    await server.close()
    const [code] = await once(client, 'close')
    assert.equal(code, 1006)
    await assert.rejects(get())
    server = await echoServer(server.port)
    const again = await connected()
    again.send('back')
    assert.match(await heard(again), /echo back/)
  })
})

describe('browsers', () => {
  const setting = 'HOLDFAST_TEST_FIREFOX'
  const before = process.env[setting]
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-browsers-'))
  })
  afterEach(async () => {
    if (before === undefined) delete process.env[setting]
    else process.env[setting] = before
    await rm(folder, { recursive: true })
  })

  it('[X140] a Firefox that is too old is not driven, and said to be', async () => {
    for (const [version, driven] of [
      ['148.0.2', false],
      ['149.0', true],
    ] as const) {
      const path = join(folder, version)
      await writeFile(path, `#!/bin/sh\necho 'Mozilla Firefox ${version}'\n`, { mode: 0o755 })
      process.env[setting] = path
      const said: string[] = []
      assert.equal(
        provideBrowser('firefox', line => said.push(line)),
        driven ? path : null,
      )
      assert.equal(findBrowser('firefox'), driven ? path : null)
      assert.deepEqual(
        said,
        driven ? [] : [`${path} is of version 148; Playwright drives firefox from version 149 on.`],
      )
    }
  })
})

describe('server process', function () {
  this.timeout(90_000)
  // The pages are not what is tested here, and making them takes seconds.
  const env = { HOLDFAST_WEB: import.meta.dirname }
  let server: ServerProcess
  afterEach(() => server?.close())

  it('[X8] is ready when it is started, gone when it is killed, and back on its port when it is started again', async () => {
    server = await startServerProcess({ env })
    const { origin, pid } = server
    assert.equal((await fetch(`${origin}/health`)).status, 200)
    await server.kill()
    await assert.rejects(fetch(`${origin}/health`))
    await server.restart()
    assert.equal(server.origin, origin)
    assert.notEqual(server.pid, pid)
    assert.equal((await fetch(`${origin}/health`)).status, 200)
  })

  it('[X8] says why it did not start', async () => {
    await assert.rejects(startServerProcess({ env: { HOLDFAST_PORT: 'none' } }), /SETTING_INVALID/)
  })
})

/** Sends `text` past the proxy and returns the echo: a round trip in which the proxy could have done its worst. */
async function straightTo(port: number, text: string): Promise<string> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/ws`)
  await once(client, 'open')
  client.send(text)
  const [answer] = await once(client, 'message')
  client.terminate()
  return String(answer)
}
