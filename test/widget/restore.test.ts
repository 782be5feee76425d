import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { RunningServer } from '../../server/server.ts'
import { type Chromium, launchChromium, needsChromium } from '../browser/harness/chromium.ts'
import { addressOf, openServer } from './site.ts'

describe('the question after a server went back', function () {
  this.timeout(60_000)
  let chromium: Chromium
  let folder: string
  let server: RunningServer
  let page: Page

  before(async function () {
    needsChromium(this)
    chromium = await launchChromium()
  })
  after(() => chromium?.close())
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-back-'))
    server = await openServer({ data: folder })
  })
  afterEach(async () => {
    await page.close()
    await server.close()
    rmSync(folder, { recursive: true })
  })

  const type = async (words: string) => {
    await page.click('.ql-editor')
    await page.keyboard.press('Control+End')
    await page.keyboard.type(words)
  }
  const reach = (state: string) => page.waitForSelector(`holdfast-editor${state}`)

  /** The server has "one" only; the page shows more. */
  async function goBack(id: string): Promise<void> {
    const { port } = server
    page = await chromium.page(`${addressOf(port)}/d/notes/${id}`)
    await reach('[status=synced]')
    await type('one')
    await reach('[settled=true][status=synced]')
    await server.close()
    const [file, backup] = [join(folder, 'holdfast.sqlite'), join(folder, 'backup')]
    copyFileSync(file, backup)
    server = await openServer({ data: folder, port })
    await type(' two')
    await reach('[settled=true][status=synced]')
    await server.close()
    copyFileSync(backup, file)
    server = await openServer({ data: folder, port })
    await page.evaluate(() => dispatchEvent(new Event('online')))
    await reach('[error=SERVER_BEHIND] .hf-panel button')
  }
  const stored = async (id: string) =>
    JSON.stringify((await server.gateway.store.snapshot({ collection: 'notes', id })).data)

  it("[B19] [E26] is asked in words, and puts this device's version on the server by the keyboard", async () => {
    await goBack('mine')
    assert.match((await page.textContent('.hf-panel'))!, /older version.*Nothing was overwritten/s)
    assert.doesNotMatch(await stored('mine'), /two/)
    await page.focus('text=Put this version on the server')
    await page.keyboard.press('Enter')
    await reach('[settled=true][status=synced]:not([error])')
    assert.match(await stored('mine'), /one two/)
    assert.equal(await page.evaluate(() => document.querySelector('.hf-panel')), null)
  })

  it("[B19] [E26] takes the server's version when told to", async () => {
    await goBack('theirs')
    await page.click('text=Take the server’s version')
    await reach('[status=synced]:not([error])')
    assert.equal((await page.textContent('.ql-editor'))?.trim(), 'one')
  })
})
