import assert from 'node:assert/strict'
import { type Chromium, launchChromium, needsChromium } from './harness/chromium.ts'
import { type FaultProxy, startProxy } from './harness/proxy.ts'
import { type ServerProcess, startServerProcess } from './harness/server.ts'
import { exactly, Writer } from './writer.ts'

const isAck = ({ from, json }: { from: string; json: Readonly<Record<string, unknown>> | null }) =>
  from === 'server' && json?.a === 'op' && !('op' in json) && !('create' in json) && !('error' in json)

/** The words of a document as the server has it. */
async function wordsAt(server: ServerProcess, path: string): Promise<string[]> {
  const answer = await fetch(`${server.origin}/v1/docs/${path}`)
  assert.equal(answer.status, 200)
  const { data } = (await answer.json()) as { data: { ops: { insert: string }[] } }
  return data.ops
    .map(op => op.insert)
    .join('')
    .split(/\s+/)
    .filter(Boolean)
}

describe('the whole way of an edit, in real browsers', function () {
  this.timeout(90_000)
  let server: ServerProcess
  let proxy: FaultProxy
  let ada: Chromium
  let bob: Chromium
  const others: { close(): Promise<void> }[] = []

  before(async function () {
    needsChromium(this)
    server = await startServerProcess()
    proxy = await startProxy(server)
    ada = await launchChromium()
    bob = await launchChromium()
  })

  after(async () => {
    await Promise.all([ada?.close(), bob?.close(), ...others.map(each => each.close())])
    await proxy?.close()
    await server?.close()
  })

  // A page that stays open keeps the log of its origin to itself.
  afterEach(async () => {
    proxy.mode = 'pass'
    const pages = [...ada.context.pages(), ...bob.context.pages()]
    await Promise.all(pages.map(page => page.close()))
  })

  it('[Y1] two pages type at once and converge; each says when the server has it all', async () => {
    const path = 'way/together'
    const one = await new Writer(await ada.page(), 'a').open(`${server.origin}/d/${path}`)
    const two = await new Writer(await bob.page(), 'b').open(`${server.origin}/d/${path}`)
    const words = await one.type(1)
    await two.sees(words)
    // At one place, the letters of two people may fall between each other's; so one writes above and one below.
    words.push(...(await Promise.all([one.type(20, 5, 'Home'), two.type(20, 5)])).flat())
    await Promise.all([one.sees(words), two.sees(words)])
    await Promise.all([
      one.until({ status: 'synced', settled: 'true' }),
      two.until({ status: 'synced', settled: 'true' }),
    ])
    assert.equal(await one.text(), await two.text())
    exactly(await wordsAt(server, path), words)
  })

  it('[Y2] one loses the network, types, reloads while offline, types on, comes back: nothing is lost or doubled', async () => {
    const path = 'way/offline'
    const one = await new Writer(await ada.page(), 'a').open(`${proxy.origin}/d/${path}`)
    const two = await new Writer(await bob.page(), 'b').open(`${server.origin}/d/${path}`)
    const words = [...(await one.type(3)), ...(await two.type(3))]
    await Promise.all([one.sees(words), two.sees(words)])
    await one.sheltered()

    for (const fault of ['blackhole', 'refuse', 'cut'] as const) {
      if (fault === 'cut') proxy.cut()
      proxy.mode = fault === 'cut' ? 'refuse' : fault
      words.push(...(await one.type(3)))
      await one.until({ saved: 'true', settled: 'false' })
      words.push(...(await two.type(3)))
      await two.until({ settled: 'true' })
      const before = await one.words()
      await one.page.reload()
      await one.ready()
      exactly(await one.words(), before)
      words.push(...(await one.type(3)))
      await one.until({ saved: 'true', settled: 'false' })
      proxy.mode = 'pass'
      await Promise.all([one.sees(words), two.sees(words)])
      await one.until({ status: 'synced', settled: 'true', unsent: '0' })
    }
    assert.equal(await one.text(), await two.text())
    exactly(await wordsAt(server, path), words)
  })

  it("[Y2] the browser's own offline switch: the page opens, edits, and catches up", async () => {
    const path = 'way/switch'
    const page = await ada.page()
    const one = await new Writer(page, 'a').open(`${proxy.origin}/d/${path}`)
    const words = await one.type(3)
    await one.until({ settled: 'true' })
    await one.sheltered()
    await ada.setOffline(true)
    await page.reload()
    await one.ready()
    words.push(...(await one.type(3)))
    await one.until({ status: 'offline', saved: 'true', settled: 'false' })
    await ada.setOffline(false)
    await one.until({ status: 'synced', settled: 'true' })
    exactly(await wordsAt(server, path), words)
  })

  it('[Y3] the server is killed between a commit and its ack: every edit is there exactly once', async () => {
    const path = 'way/killed'
    const one = await new Writer(await ada.page(), 'a').open(`${proxy.origin}/d/${path}`)
    const words = await one.type(2)
    await one.until({ settled: 'true' })
    for (let round = 0; round < 3; round++) {
      const swallowed = proxy.swallow(isAck)
      words.push(...(await one.type(2)))
      await swallowed
      await server.kill('SIGKILL')
      words.push(...(await one.type(2)))
      await one.until({ saved: 'true', settled: 'false' })
      await server.restart()
      await one.until({ status: 'synced', settled: 'true', unsent: '0' })
    }
    exactly(await wordsAt(server, path), words)
    exactly(await one.words(), words)
  })

  it('[Y4] the browser is killed while typing: every edit that was shown as saved arrives', async () => {
    const path = 'way/died'
    let browser = await launchChromium()
    const { profile } = browser
    others.push({ close: async () => browser.close() })
    const writer = await new Writer(await browser.page(), 'a').open(`${proxy.origin}/d/${path}`)
    await writer.type(1)
    await writer.until({ settled: 'true' })
    await writer.sheltered()
    proxy.mode = 'refuse'
    await writer.type(15)
    await writer.until({ saved: 'true', settled: 'false' })
    const saved = await writer.words()
    const typing = writer.type(50, 2).catch(() => {})
    await browser.kill()
    await typing
    proxy.mode = 'pass'
    browser = await launchChromium({ profile })
    const again = await new Writer(await browser.page(), 'z').open(`${proxy.origin}/d/${path}`)
    await again.sees(saved)
    await again.until({ status: 'synced', settled: 'true', unsent: '0' })
    const arrived = await wordsAt(server, path)
    for (const word of saved) assert.equal(arrived.filter(each => each === word).length, 1, word)
    assert.deepEqual(arrived, await again.words())
  })
})
