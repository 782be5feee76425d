/** What a client keeps, and what it says, when a real Chromium gives it little space. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Page } from 'playwright-core'
import { until } from './harness/browser.ts'
import { type Chromium, launchChromium, needsChromium } from './harness/chromium.ts'
import { bundle, type Pages, servePages } from './harness/pages.ts'
import { type FaultProxy, startProxy } from './harness/proxy.ts'
import { type ServerProcess, startServerProcess } from './harness/server.ts'
import type { QuotaPage } from './quotapage.ts'

declare const quotaPage: QuotaPage

/** What was used so lately that a guardian leaves it alone is old by then. */
const LATER_MS = 3_600_000

/**
 * Chromium tells every page that 10 GiB more than it uses are free, so as not to tell pages apart by the disk; whoever has
 * less hears of it from a write that fails. Without that, its estimate is the quota that it holds pages to.
 */
const TRUE_ESTIMATE = '--disable-features=StaticStorageQuota'

/** Text that no database compresses. */
const noise = (length: number) => randomBytes(length).toString('base64').slice(0, length)

describe('a client with little space', function () {
  this.timeout(90_000)
  let server: ServerProcess
  let proxy: FaultProxy
  let pages: Pages
  let chromium: Chromium
  let page: Page

  before(async function () {
    needsChromium(this)
    server = await startServerProcess({ env: { HOLDFAST_ORIGINS: '*' } })
    proxy = await startProxy(server)
    const script = await bundle(new URL('./quotapage.ts', import.meta.url).pathname)
    pages = await servePages({ '/': '<!doctype html><script src="/page.js"></script>', '/page.js': script })
  })
  beforeEach(async () => {
    chromium = await launchChromium({ flags: [TRUE_ESTIMATE] })
    page = await chromium.page(pages.origin)
  })
  afterEach(async () => {
    proxy.mode = 'pass'
    await chromium?.close()
  })
  after(async () => {
    await pages?.close()
    await proxy?.close()
    await server?.close()
  })

  const start = (aheadMs = 0) =>
    page.evaluate(([server, aheadMs]) => quotaPage.start(server, aheadMs), [proxy.origin, aheadMs] as const)
  const open = (id: string) => page.evaluate(id => quotaPage.open(id), id)
  const edit = (id: string, text: string) =>
    page.evaluate(([id, text]) => quotaPage.edit(id, text), [id, text] as const)
  const saved = (id: string) => page.evaluate(id => quotaPage.saved(id), id)
  const truth = (id: string) => page.evaluate(id => quotaPage.truth(id), id)

  const holds = (count: number) =>
    until(page, async count => (await quotaPage.known()).length === count, count)

  /** For as long as the page is not loaded anew. Null gives back what the machine has. */
  async function limit(quotaSize: number | null): Promise<void> {
    const devtools = await chromium.devtools(page)
    const { origin } = pages
    await devtools.send('Storage.overrideQuotaForOrigin', { origin, ...(quotaSize && { quotaSize }) })
  }

  async function written(id: string, text: string): Promise<void> {
    await open(id)
    await edit(id, text)
    await page.evaluate(id => quotaPage.settled(id), id)
    assert.equal(await saved(id), null)
  }

  it('[Q17] forgets clean documents before the quota is reached, the last used and those that must stay excepted', async () => {
    await start()
    for (const id of ['kept', 'oldest', 'older', 'newest', 'unsent']) {
      await written(id, noise(100_000))
      if (id !== 'unsent') await page.evaluate(id => quotaPage.close(id), id)
    }
    await page.evaluate(() => quotaPage.keep(['kept']))
    proxy.mode = 'refuse'
    proxy.cut()
    await edit('unsent', 'only here')
    assert.equal(await saved('unsent'), null)
    const { usage } = await page.evaluate(() => quotaPage.storage())
    // A tenth too much for the share of 0.8 that a client takes: one document of five, or two.
    await page.reload()
    await limit(Math.round((usage! * 0.9) / 0.8))
    await start(LATER_MS)
    await holds(4)
    assert.deepEqual(await page.evaluate(() => quotaPage.known()), ['kept', 'newest', 'older', 'unsent'])
    await page.reload()
    await limit(Math.round(usage! * 0.2))
    await start(2 * LATER_MS)
    await holds(2)
    assert.deepEqual(await page.evaluate(() => quotaPage.known()), ['kept', 'unsent'])
    await open('unsent')
    assert.ok((await page.evaluate(() => quotaPage.text('unsent'))).startsWith('only here'))
    assert.equal((await truth('unsent')).unsent, 1)
  })

  it('[Q18] says that nothing is saved when a write finds no space, sends all the same, and saves again once there is some', async () => {
    await limit(600_000)
    await start()
    await written('full', 'small ')
    const large = [1, 2, 3].map(() => noise(300_000))
    for (const text of large) await edit('full', text)
    await page.waitForFunction(() => quotaPage.truth('full').error?.code === 'LOG_FAILED')
    assert.equal(await saved('full'), 'LOG_FAILED')
    const told = await truth('full')
    assert.equal(told.saved, false)
    assert.match(told.error!.message, /quota/i)
    await edit('full', 'in memory ')
    await page.evaluate(() => quotaPage.settled('full'))
    const whole = `in memory ${large.toReversed().join('')}small `
    assert.equal(await page.evaluate(() => quotaPage.text('full')), whole)
    const answer = await fetch(`${server.origin}/v1/docs/quota/full`)
    assert.equal(((await answer.json()) as { data: string }).data, whole)
    await limit(null)
    await page.evaluate(() => quotaPage.pass(60_000))
    await page.waitForFunction(() => quotaPage.truth('full').error === null)
    proxy.mode = 'refuse'
    proxy.cut()
    await edit('full', 'kept ')
    assert.equal(await saved('full'), null)
    assert.equal((await truth('full')).saved, true)
    await page.reload()
    await start()
    await open('full')
    assert.equal(await page.evaluate(() => quotaPage.text('full')), `kept ${whole}`)
    assert.equal((await truth('full')).unsent, 1)
  })
})
