/** What a real Chromium does to the log behind our back, and what the page says then. */

import assert from 'node:assert/strict'
import { readdir, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { until } from './harness/browser.ts'
import { type Chromium, launchChromium, needsChromium } from './harness/chromium.ts'
import { onDisk } from './harness/disk.ts'
import { type FaultProxy, startProxy } from './harness/proxy.ts'
import { type ServerProcess, startServerProcess } from './harness/server.ts'
import { exactly, Writer } from './writer.ts'

describe('a log that the browser loses', function () {
  this.timeout(90_000)
  let server: ServerProcess
  let proxy: FaultProxy
  let chromium: Chromium

  before(async function () {
    needsChromium(this)
    server = await startServerProcess({ env: { HOLDFAST_DOCUMENT_BYTES: '4096' } })
    proxy = await startProxy(server)
  })
  beforeEach(async () => {
    chromium = await launchChromium()
  })
  afterEach(async () => {
    proxy.mode = 'pass'
    await chromium?.close()
  })
  after(async () => {
    await proxy?.close()
    await server?.close()
  })

  const noted = (page: Page) =>
    page.waitForFunction(() =>
      Object.keys(localStorage).some(
        key => key.startsWith('holdfast:canary:') && /"docs":\{"/.test(localStorage.getItem(key)!),
      ),
    )

  /** A person who wrote words that the server does not have, on a page that opens without it. */
  async function away(path: string): Promise<Writer> {
    const writer = await new Writer(await chromium.page(), 'a').open(`${proxy.origin}/d/lost/${path}`)
    await writer.type(1)
    await writer.until({ settled: 'true' })
    await writer.sheltered()
    proxy.mode = 'refuse'
    proxy.cut()
    await writer.type(2)
    await writer.until({ saved: 'true', settled: 'false' })
    await noted(writer.page)
    return writer
  }

  /** What the hub noted, of all documents. */
  const firmly = (page: Page, edits: number) =>
    until(
      page,
      async edits => {
        const note = await caches.match('/holdfast-note')
        const docs: Record<string, [n: number, edits: number]> = note ? (await note.json()).docs : {}
        return Object.values(docs).reduce((sum, doc) => sum + doc[1], 0) === edits
      },
      edits,
    )

  const dropFirmNotes = (page: Page) =>
    page.evaluate(async () => {
      for (const name of await caches.keys()) if (name.startsWith('holdfast-note-')) await caches.delete(name)
    })

  /** Leaves the page, so that its hub is gone, clears and comes back. */
  async function cleared(writer: Writer, what: 'log' | 'log and notes'): Promise<void> {
    const { page } = writer
    const address = page.url()
    if (what === 'log and notes') await dropFirmNotes(page)
    const storageTypes = what === 'log' ? 'indexeddb' : 'indexeddb,local_storage'
    const devtools = await chromium.devtools(page)
    await page.goto('about:blank')
    await chromium.endWorkers()
    await devtools.send('Storage.clearDataForOrigin', { origin: proxy.origin, storageTypes })
    await page.goto(address)
    await writer.ready()
  }

  it('[Q7] says so when it was emptied, until the person has read it', async () => {
    const writer = await away('emptied')
    await cleared(writer, 'log')
    const { page } = writer
    await page.waitForSelector('.hf-loss p')
    assert.match(
      (await page.textContent('.hf-loss p'))!,
      /^\d+ edits from this device were lost by the browser/,
    )
    await page.goto(`${proxy.origin}/`)
    await page.waitForSelector('.loss p')
    await page.focus('text=I have read it')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.loss p', { state: 'detached' })
    await page.waitForFunction(() =>
      Object.values({ ...localStorage }).some(text => String(text).includes('"loss":null')),
    )
    await page.reload()
    await page.waitForSelector('.list')
    assert.equal(await page.locator('.loss p').count(), 0)
  })

  it('[Q8] says nothing when the note was cleared as well', async () => {
    const writer = await away('both')
    await cleared(writer, 'log and notes')
    const more = await writer.type(1)
    await writer.until({ saved: 'true' })
    await noted(writer.page)
    assert.equal(await writer.page.locator('.hf-loss p').count(), 0)
    exactly(await writer.words(), more)
  })

  it('[Q13] says so when the note was cleared as well, of what the server was told', async () => {
    const writer = await new Writer(await chromium.page(), 'a').open(`${proxy.origin}/d/lost/told`)
    await writer.type(1)
    await writer.until({ settled: 'true' })
    proxy.cut() // a browser has the cookie of its first connection from the second one on
    const told = proxy.next(
      ({ from, json }) => from === 'server' && json?.a === 'h.device' && json.edits === 1,
    )
    await writer.page.keyboard.insertText('more than the server takes '.repeat(200))
    await writer.until({ held: '1' })
    await told
    await cleared(writer, 'log and notes')
    await writer.page.waitForSelector('.hf-loss p')
    assert.match(
      (await writer.page.textContent('.hf-loss p'))!,
      /^1 edit from this device was lost by the browser/,
    )
  })

  it('[Q141] says so of edits that were saved just before the browser was killed, without the server', async () => {
    const writer = await away('killed')
    const address = writer.page.url()
    await writer.type(2)
    await writer.until({ saved: 'true', settled: 'false' })
    const { unsent } = await writer.told()
    await firmly(writer.page, unsent)
    await chromium.kill()
    await removeDatabase(chromium.profile)
    const again = await launchChromium({ profile: chromium.profile })
    try {
      const page = await again.page(address)
      await page.waitForSelector('.hf-loss p')
      assert.match((await page.textContent('.hf-loss p'))!, new RegExp(`^${unsent} edits from this device`))
    } finally {
      await again.quit()
    }
  })

  it('[Q7] says so when the file of its database was cut', async () => {
    const writer = await away('cut')
    const address = writer.page.url()
    await onDisk(chromium.profile, content => content.includes('"docs":{"'))
    await chromium.quit()
    await cutDatabase(chromium.profile, 0.3)
    const again = await launchChromium({ profile: chromium.profile })
    try {
      const page = await again.page(address)
      await page.waitForSelector('.hf-loss p')
      assert.match((await page.textContent('.hf-loss p'))!, /lost by the browser/)
    } finally {
      await again.quit()
    }
  })
})

async function removeDatabase(profile: string): Promise<void> {
  const folder = join(profile, 'Default/IndexedDB')
  assert.ok((await readdir(folder)).length > 0, 'the profile has no IndexedDB')
  await rm(folder, { recursive: true })
}

/** Keeps the first part of what LevelDB wrote last. */
async function cutDatabase(profile: string, kept: number): Promise<void> {
  const files = await readdir(profile, { recursive: true })
  const logs = files.filter(file => /IndexedDB.*leveldb\/\d+\.log$/.test(file))
  assert.ok(logs.length > 0, 'the profile has no IndexedDB')
  for (const log of logs) {
    const path = join(profile, log)
    await truncate(path, Math.floor((await stat(path)).size * kept))
  }
}
