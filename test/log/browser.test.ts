/** The log in a real Chromium: the contract on IndexedDB, and what only a browser can do to it. */

import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import type { DocKey } from '../../ops/identity.ts'
import { type Chromium, launchChromium } from '../browser/harness/chromium.ts'
import type { Pages } from '../browser/harness/pages.ts'
import { contract } from './contract.ts'
import { useLogPages } from './onpage.ts'
import type { LogPage } from './page.ts'

declare const logPage: LogPage

const key: DocKey = { collection: 'notes', id: 'hello' }
const events = (...numbers: number[]) => [{ key, events: numbers.map(n => ({ n, event: `e${n}` })) }]
const OK = { value: null }

describe('log in Chromium', function () {
  this.timeout(60_000)
  let pages: Pages
  let chromium: Chromium

  useLogPages(on => {
    pages = on.pages
    chromium = on.chromium
  })

  const open = async (name: string, as: 'device' | 'database' = 'device', on = chromium): Promise<Page> => {
    const page = await on.page(pages.origin)
    assert.deepEqual(await page.evaluate(([name, as]) => logPage.open(name, as), [name, as] as const), OK)
    return page
  }
  const write = (page: Page, ...numbers: number[]) =>
    page.evaluate(writes => logPage.write(writes), events(...numbers))
  const numbers = (page: Page) => page.evaluate(key => logPage.numbers(key), key)

  describe('contract on IndexedDB', () => {
    let page: Page
    before(async () => {
      page = await chromium.page(pages.origin)
    })
    after(() => page?.close())
    for (const { title } of contract) {
      it(title, async () => {
        assert.equal(await page.evaluate(title => logPage.rule(title), title), null)
      })
    }
  })

  it('[G1] [G14] has after a reload what was saved before it, and the log itself again', async () => {
    const page = await open('reload')
    assert.deepEqual(await write(page, 1, 2, 3), OK)
    await page.reload()
    assert.deepEqual(await page.evaluate(() => logPage.open('reload', 'device')), OK)
    assert.deepEqual(await numbers(page), { value: [1, 2, 3] })
    assert.deepEqual(await write(page, 4), OK)
    await page.close()
  })

  it('[G12] has after the browser process was killed every write that it called saved', async () => {
    const killed = await launchChromium()
    const page = await open('killed', 'device', killed)
    await page.evaluate(key => logPage.writeOnAndOn(key, 1), key)
    await page.waitForFunction(() => logPage.saved >= 50)
    const saved = await page.evaluate(() => logPage.saved)
    await killed.kill()
    const again = await launchChromium({ profile: killed.profile })
    const found = await numbers(await open('killed', 'device', again))
    await again.quit()
    await killed.close()
    assert.ok('value' in found)
    assert.ok(found.value.length >= saved, `${saved} were saved, ${found.value.length} are there`)
    assert.deepEqual(
      found.value,
      found.value.map((_, i) => i + 1),
    )
  })

  it("[G13] rejects a write over the quota with the platform's reason, and nothing of it is there", async () => {
    const own = await launchChromium()
    const page = await own.page(pages.origin)
    const devtools = await own.devtools(page)
    // Before the first write: Chromium remembers for 30 s how much it found free.
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: pages.origin, quotaSize: 500_000 })
    assert.deepEqual(await page.evaluate(() => logPage.open('quota', 'device')), OK)
    assert.deepEqual(await write(page, 1), OK)
    const refused = await page.evaluate(key => logPage.writeLarge(key, 2, 2_000_000), key)
    assert.ok('code' in refused, 'the write went through')
    assert.equal(refused.code, 'LOG_FAILED')
    assert.match(refused.message, /quota/i)
    assert.deepEqual(await numbers(page), { value: [1] })
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: pages.origin })
    assert.deepEqual(await write(page, 2), OK)
    await own.close()
  })

  it('[G14] [G17] gives the log to the tab that asks last; the one before is told so and writes nothing more', async () => {
    const first = await open('tabs')
    assert.deepEqual(await write(first, 1), OK)
    const second = await open('tabs')
    assert.deepEqual(await write(second, 2), OK)
    const refused = await write(first, 3)
    assert.ok('code' in refused)
    assert.equal(refused.code, 'LOG_TAKEN')
    assert.deepEqual(await numbers(second), { value: [1, 2] })
    await first.close()
    await second.close()
  })

  it('[G15] lets a newer version of the program change the database, and says then that it cannot save', async () => {
    const page = await open('newer', 'database')
    assert.deepEqual(await write(page, 1), OK)
    const newer = await chromium.page(pages.origin)
    assert.deepEqual(await newer.evaluate(() => logPage.upgrade('newer')), OK)
    const refused = await write(page, 2)
    assert.ok('code' in refused)
    assert.equal(refused.code, 'LOG_FAILED')
    const opened = await newer.evaluate(() => logPage.open('newer', 'database'))
    assert.ok('code' in opened)
    assert.equal(opened.code, 'LOG_FAILED')
    await page.close()
    await newer.close()
  })
})
