/** What the server is told of devices, and whom it tells what a former one had. */

import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import type { Access } from '../../server/access/access.ts'
import { type AnyFrame, closeAll, dial, serve, type TestServer } from './scene.ts'

const PAGE = 'http://127.0.0.1:1'

/** The cookie that the answer to an upgrade sets; null if none. */
async function cookieOf(server: TestServer, headers: Record<string, string>): Promise<string | null> {
  let answer: IncomingMessage | undefined
  const client = await dial(server, {
    headers,
    finishRequest: request => {
      request.once('upgrade', response => {
        answer = response
      })
      request.end()
    },
  })
  client.close()
  return answer!.headers['set-cookie']?.join() ?? null
}

let hubs = 0

interface Asker {
  welcome: AnyFrame
  ask(device: string, edits?: number, log?: string): Promise<AnyFrame>
}

async function browser(server: TestServer, headers: Record<string, string>, token?: string): Promise<Asker> {
  const client = await dial(server, { headers })
  const hello = { a: 'hs', id: `hub${++hubs}`, protocol: 1, protocolMinor: 2, holdfast: 1 }
  const welcome = await client.ask({ ...hello, ...(token && { token }) }, { a: 'hs' })
  return {
    welcome,
    ask: (device, edits, log = 'log') =>
      client.ask({ a: 'h.device', log, device, ...(edits !== undefined && { edits }) }, { a: 'h.device' }),
  }
}

const cookie = (id: string) => `holdfast_browser=${id.repeat(32)}`
const from = (id: string, Origin = PAGE) => ({ Origin, Cookie: cookie(id) })

describe('The manifest of devices', () => {
  afterEach(closeAll)

  it('[Q13] a device that comes in the place of another hears what that one had, until it has said what itself has', async () => {
    const server = await serve()
    const first = await browser(server, from('a'))
    assert.equal(first.welcome.devices, true)
    assert.deepEqual(await first.ask('one'), { a: 'h.device', edits: 0, lost: null })
    await first.ask('one', 3)
    assert.equal((await first.ask('one')).edits, 3)
    const second = await browser(server, from('a'))
    const { edits, lost } = await second.ask('two')
    assert.deepEqual([edits, lost.edits], [0, 3])
    assert.ok(Math.abs(lost.at - Date.now()) < 60_000)
    assert.equal((await second.ask('two')).lost.edits, 3)
    await second.ask('two', 0)
    assert.equal((await second.ask('two')).lost, null)
    assert.equal((await second.ask('three')).lost, null)
  })

  it('[Q13] only of the same person, browser, page and log', async () => {
    const names = { ada: 'ada', bob: 'bob' }
    const access: Access = {
      authenticate: async token => ({ id: names[token as keyof typeof names] }),
      access: () => true,
    }
    const server = await serve({ ORIGINS: ['*'] }, null, access)
    await (await browser(server, from('a'), 'ada')).ask('one', 3)
    const others: [Record<string, string>, string, string][] = [
      [from('a'), 'bob', 'log'],
      [from('b'), 'ada', 'log'],
      [from('a', 'http://elsewhere.example'), 'ada', 'log'],
      [from('a'), 'ada', 'other'],
    ]
    for (const [headers, token, log] of others)
      assert.equal((await (await browser(server, headers, token)).ask('two', undefined, log)).lost, null)
    assert.equal((await (await browser(server, from('a'), 'ada')).ask('two')).lost.edits, 3)
  })

  it('[Q14] a browser gets one cookie that says nothing but which it is; without it nothing is kept', async () => {
    const server = await serve({ ORIGINS: ['*'] })
    const first = await cookieOf(server, { Origin: PAGE })
    const [, id] =
      /^holdfast_browser=([0-9a-f]{32}); Path=\/ws; HttpOnly; Max-Age=31536000; SameSite=Lax$/.exec(first!)!
    assert.equal(await cookieOf(server, { Origin: PAGE, Cookie: `x=y; holdfast_browser=${id}` }), first)
    const safe = await cookieOf(server, { Origin: 'https://a.example', Cookie: `holdfast_browser=${id}` })
    assert.equal(
      safe,
      `holdfast_browser=${id}; Path=/ws; HttpOnly; Max-Age=31536000; SameSite=None; Secure; Partitioned`,
    )
    assert.notEqual(await cookieOf(server, { Origin: PAGE, Cookie: 'holdfast_browser=<b>' }), null)
    assert.equal(await cookieOf(server, {}), null)

    for (const headers of [
      { Origin: PAGE },
      { Origin: PAGE, Cookie: 'holdfast_browser=x' },
      { Cookie: cookie('a') },
    ]) {
      const asker = await browser(server, headers as Record<string, string>)
      assert.equal('devices' in asker.welcome, false)
      await asker.ask('one', 3)
      assert.deepEqual(await asker.ask('two'), { a: 'h.device', edits: 0, lost: null })
    }
    const mute = await serve({ BROWSER_COOKIE: '' })
    assert.equal(await cookieOf(mute, { Origin: PAGE }), null)
  })
})
