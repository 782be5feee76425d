/** Chromium in the hands of a test: its life and death, and the faults of the proxy as a page sees them. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { type Chromium, launchChromium, needsChromium } from './chromium.ts'
import { type Echo, echoServer } from './echo.ts'
import { type FaultProxy, startProxy } from './proxy.ts'

/** The page's own WebSocket, as the functions that run in the page see it. */
declare let socket: WebSocket
declare let endedWith: number | null

describe('Chromium', function () {
  this.timeout(60_000)
  let server: Echo
  let proxy: FaultProxy
  let chromium: Chromium

  before(async function () {
    needsChromium(this)
    server = await echoServer()
    proxy = await startProxy(server)
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium?.close()
    await proxy?.close()
    await server?.close()
  })

  const connected = async () => {
    const page = await chromium.page(proxy.origin)
    await page.evaluate(async () => {
      const opened = new WebSocket('/ws')
      Object.assign(globalThis, { socket: opened, endedWith: null })
      opened.addEventListener('close', ({ code }) => Object.assign(globalThis, { endedWith: code }))
      await new Promise(resolve => opened.addEventListener('open', resolve))
    })
    return page
  }

  it('[X2] [X4] sees an open socket in a black hole, and its end when the line is cut', async () => {
    const page = await connected()
    proxy.mode = 'blackhole'
    await page.evaluate(() => socket.send('lost'))
    assert.deepEqual(await page.evaluate(() => [socket.readyState, endedWith]), [1, null])
    proxy.cut()
    await page.waitForFunction(() => endedWith === 1006)
    proxy.mode = 'pass'
    await page.reload()
    assert.deepEqual(server.heard, [])
    await page.close()
  })

  it('[X3] cannot reach the server while the proxy refuses', async () => {
    const page = await connected()
    proxy.mode = 'refuse'
    await page.waitForFunction(() => endedWith === 1006)
    const ask = () => fetch('/page').then(String, error => error.name)
    assert.equal(await page.evaluate(ask), 'TypeError')
    proxy.mode = 'pass'
    assert.equal(await page.evaluate(ask), '[object Response]')
    await page.close()
  })

  it('[X10] can be killed and its profile opened again; when it is closed, neither is left', async () => {
    const first = await launchChromium()
    const page = await first.page(proxy.origin)
    await page.evaluate(() => new Promise(resolve => (indexedDB.open('kept').onsuccess = resolve)))
    await first.kill()
    assert.throws(() => process.kill(first.pid, 0), { code: 'ESRCH' })
    const second = await launchChromium({ profile: first.profile })
    try {
      const again = await second.page(proxy.origin)
      const names = await again.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
      assert.deepEqual(names, ['kept'])
    } finally {
      await second.quit()
      assert.ok(existsSync(first.profile))
      await first.close()
    }
    assert.ok(!existsSync(first.profile))
  })
})
