import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { type Chromium, launchChromium, needsChromium } from './harness/chromium.ts'
import { type FaultProxy, startProxy } from './harness/proxy.ts'
import { type ServerProcess, startServerProcess } from './harness/server.ts'
import { exactly, Writer } from './writer.ts'

/** Where the hub of a browser lives: in a worker that all tabs share, in a worker of one of the tabs, or in one of the tabs. */
type Home = 'worker' | 'own worker' | 'tab'

const isGreeting = ({ from, json }: { from: string; json: Readonly<Record<string, unknown>> | null }) =>
  from === 'client' && json?.a === 'hs'

describe('the tabs of one browser', function () {
  this.timeout(90_000)
  let server: ServerProcess
  let proxy: FaultProxy
  let chromium: Chromium
  let greetings = 0

  before(async function () {
    needsChromium(this)
    server = await startServerProcess()
    proxy = await startProxy(server)
    proxy.intercept(frame => {
      if (isGreeting(frame)) greetings++
      return 'pass'
    })
    chromium = await launchChromium()
  })

  after(async () => {
    await chromium?.close()
    await proxy?.close()
    await server?.close()
  })

  afterEach(async () => {
    proxy.mode = 'pass'
    await Promise.all(chromium.context.pages().map(page => page.close()))
  })

  /** A page whose hub is at home there: without workers the tabs elect one of themselves. */
  async function page(home: Home): Promise<Page> {
    const opened = await chromium.page()
    const missing = { worker: [], 'own worker': ['SharedWorker'], tab: ['SharedWorker', 'Worker'] }[home]
    await opened.addInitScript(missing => {
      for (const name of missing) Object.assign(window, { [name]: undefined })
    }, missing)
    return opened
  }

  const writer = async (home: Home, name: string, path: string) =>
    new Writer(await page(home), name).open(`${proxy.origin}/d/tabs/${path}`)

  async function words(path: string): Promise<string[]> {
    const answer = await fetch(`${server.origin}/v1/docs/tabs/${path}`)
    const { data } = (await answer.json()) as { data: { ops: { insert: string }[] } }
    const text = data.ops.map(op => op.insert).join('')
    return text.split(/\s+/).filter(Boolean)
  }

  for (const home of ['worker', 'tab'] as const) {
    it(`[R5] share one connection and one log, and converge offline (hub in a ${home})`, async () => {
      const path = `shared-${home}`
      const before = greetings
      const one = await writer(home, 'a', path)
      const typed = await one.type(1)
      await one.until({ settled: 'true' })
      const two = await writer(home, 'b', path)
      await two.sees(typed)
      assert.equal(greetings - before, 1)
      proxy.mode = 'blackhole'
      typed.push(...(await one.type(5)), ...(await two.type(5)), ...(await one.type(5)))
      await Promise.all([one.sees(typed), two.sees(typed)])
      await Promise.all([one.until({ saved: 'true' }), two.until({ saved: 'true' })])
      assert.equal(await one.text(), await two.text())
      proxy.mode = 'pass'
      await one.page.evaluate(() => dispatchEvent(new Event('online')))
      await Promise.all([
        one.until({ status: 'synced', settled: 'true' }),
        two.until({ status: 'synced', settled: 'true' }),
      ])
      exactly(await words(path), typed)
    })
  }

  it('[R6] follow the hub when the tab that it lives in is closed or crashes while all of them type', async () => {
    const path = 'moved'
    const first = await writer('tab', 'a', path)
    const typed = await first.type(1)
    await first.until({ settled: 'true' })
    const second = await writer('tab', 'b', path)
    const third = await writer('tab', 'c', path)
    await Promise.all([second.sees(typed), third.sees(typed)])
    proxy.mode = 'refuse'
    typed.push(...(await first.type(3)), ...(await second.type(3)))
    await Promise.all([first.until({ saved: 'true' }), second.until({ saved: 'true' })])
    const devtools = await chromium.devtools(first.page)
    // One writes above and one below: at one place the letters of two people may fall between each other's.
    const [b, c] = [second.type(12, 5, 'Home'), third.type(12, 5)]
    devtools.send('Page.crash').catch(() => {})
    typed.push(...(await b), ...(await c))
    await Promise.all([second.sees(typed), third.sees(typed)])
    await Promise.all([second.until({ saved: 'true' }), third.until({ saved: 'true' })])
    const more = second.type(6, 5)
    await third.page.close()
    typed.push(...(await more))
    proxy.mode = 'pass'
    await second.page.evaluate(() => dispatchEvent(new Event('online')))
    await second.until({ status: 'synced', settled: 'true', unsent: '0' })
    exactly(await second.words(), typed)
    exactly(await words(path), typed)
  })

  it('[R6] get a new hub when the worker that it lives in is ended', async () => {
    const path = 'ended'
    const one = await writer('worker', 'a', path)
    const two = await writer('worker', 'b', path)
    const typed = await one.type(2)
    await two.sees(typed)
    proxy.mode = 'refuse'
    typed.push(...(await two.type(2)))
    await two.until({ saved: 'true' })
    const typing = one.type(10, 5)
    assert.equal(await chromium.endWorkers(), 1)
    typed.push(...(await typing), ...(await two.type(3)))
    await Promise.all([one.sees(typed), two.sees(typed)])
    proxy.mode = 'pass'
    await one.page.evaluate(() => dispatchEvent(new Event('online')))
    await Promise.all([one.until({ settled: 'true' }), two.until({ settled: 'true' })])
    exactly(await words(path), typed)
  })

  it('[R7] replace a hub whose tab is frozen; when it thaws it writes nothing, and follows', async () => {
    const path = 'frozen'
    const first = await writer('tab', 'a', path)
    const typed = await first.type(2)
    await first.until({ settled: 'true' })
    const second = await writer('tab', 'b', path)
    await second.sees(typed)
    const devtools = await chromium.devtools(first.page)
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
    typed.push(...(await second.type(5)))
    await second.until({ saved: 'true', settled: 'true' })
    await devtools.send('Page.setWebLifecycleState', { state: 'active' })
    await first.sees(typed)
    typed.push(...(await first.type(3)))
    await second.sees(typed)
    await Promise.all([first.until({ settled: 'true' }), second.until({ settled: 'true' })])
    exactly(await words(path), typed)
  })

  /** Of the page that was left, or of the one that was loaded in its place. */
  const wasKept = (page: Page) => page.evaluate(() => 'left' in window)

  for (const home of ['worker', 'own worker', 'tab'] as const) {
    it(`[J9] go back to the page that was left, whatever another tab did meanwhile (hub in a ${home})`, async () => {
      const path = `left-${home.replace(' ', '-')}`
      const first = await writer(home, 'a', path)
      const typed = await first.type(2)
      await first.until({ settled: 'true' })
      const second = await writer(home, 'b', path)
      await second.sees(typed)
      for (const mode of ['pass', 'refuse'] as const) {
        proxy.mode = mode
        proxy.cut()
        typed.push(...(await first.type(2)))
        await first.until({ saved: 'true' })
        await first.page.evaluate(() => Object.assign(window, { left: true }))
        await first.page.goto('about:blank')
        typed.push(...(await second.type(2)))
        await second.until({ saved: 'true' })
        await second.sees(typed)
        await first.page.goBack({ waitUntil: 'commit' }) // a kept page has no load
        assert.ok(await wasKept(first.page))
        await first.sees(typed)
        typed.push(...(await first.type(2)), ...(await second.type(2)))
        await Promise.all([first.sees(typed), second.sees(typed)])
      }
      proxy.mode = 'pass'
      await second.page.evaluate(() => dispatchEvent(new Event('online')))
      await Promise.all([first.until({ settled: 'true' }), second.until({ settled: 'true' })])
      exactly(await words(path), typed)
    })
  }

  it('[R16] show a document from the log and take edits while the hub cannot come', async () => {
    const path = 'peeked'
    const first = await writer('worker', 'a', path)
    const typed = await first.type(3)
    await first.until({ settled: 'true' })
    await first.page.close()
    // Whoever has this lock keeps every hub from beginning.
    const keeper = await chromium.page(`${proxy.origin}/`)
    const name = `holdfast:hub:${proxy.origin}`
    await keeper.evaluate(lock => {
      const held = new Promise<void>(resolve => Object.assign(window, { letGo: resolve }))
      return new Promise<void>(got => {
        void navigator.locks.request(lock, { steal: true }, () => {
          got()
          return held
        })
      })
    }, name)
    const second = await writer('worker', 'b', path)
    await second.sees(typed)
    typed.push(...(await second.type(2)))
    assert.equal((await second.told()).saved, false)
    await keeper.evaluate(() => (window as unknown as { letGo(): void }).letGo())
    await second.until({ status: 'synced', settled: 'true', saved: 'true' })
    exactly(await words(path), typed)
  })
})
