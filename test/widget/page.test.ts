/** The pages and their service worker in a real Chromium, on a real server. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { ensureBundle } from '../../server/bundle.ts'
import type { RunningServer } from '../../server/server.ts'
import { type Chromium, launchChromium, needsChromium } from '../browser/harness/chromium.ts'
import { addressOf, openServer } from './site.ts'

describe('Page', () => {
  let chromium: Chromium
  let folder: string
  let server: RunningServer
  let home: string
  let context: BrowserContext
  let page: Page
  const complaints: string[] = []

  before(async function () {
    needsChromium(this)
    chromium = await launchChromium()
  })
  after(() => chromium?.close())
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-page-'))
    server = await openServer({ data: join(folder, 'data') })
    home = addressOf(server.port)
    context = await chromium.browser.newContext()
    page = await context.newPage()
    complaints.length = 0
    page.on('pageerror', error => complaints.push(error.message))
    page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
  })
  afterEach(async () => {
    await context.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })

  const reach = (state: string, on = page) => on.waitForSelector(`holdfast-editor${state}`)
  const create = async (title: string, kind = 'rich') => {
    await page.goto(home)
    await page.fill('input[name=title]', title)
    await page.selectOption('select[name=type]', kind)
    await page.click('text=Create')
    await reach('[status=synced]')
  }
  const type = async (text: string, on = page) => {
    await on.click('.ql-editor, textarea')
    await on.keyboard.press('Control+End')
    await on.keyboard.type(text)
  }
  /** The worker has all of the shell and answers for the next page that is loaded. */
  const whenInstalled = () => page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  /** Asks until it is so; ends with the page at the latest. */
  const until = async (condition: () => Promise<boolean>) => {
    while (!(await page.evaluate(condition))) assert.ok(!page.isClosed())
  }
  const titles = () =>
    page.evaluate(() => [...document.querySelectorAll('.title')].map(each => each.textContent))

  it('[A1] lists nothing, then what was created', async () => {
    await page.goto(home)
    await page.waitForSelector('text=Nothing here yet')
    await create('First plan')
    assert.match(page.url(), /\/d\/notes\/first-plan-[a-z0-9]{6}$/)
    await type('one')
    await reach('[settled=true]')
    await create('Second plan', 'text')
    await type('two')
    await reach('[settled=true]')
    await page.click('[aria-label="All documents"]')
    await page.waitForSelector('.docs')
    assert.deepEqual(await titles(), ['Second plan', 'First plan'])
    await page.click('text=Second plan')
    await reach('[status=synced] textarea')
    assert.equal(await page.inputValue('textarea'), 'two')
    assert.deepEqual(complaints, [])
  })

  it('[A3] shows who else is here, by the name that each gave', async () => {
    await create('Together')
    await page.fill('.me input', 'Ada')
    await page.keyboard.press('Enter')
    const other = await chromium.browser.newContext()
    const second = await other.newPage()
    await second.goto(page.url())
    await second.waitForSelector('.faces [title=Ada]')
    assert.equal(await second.evaluate(() => document.querySelectorAll('.faces li').length), 1)
    await page.waitForSelector('.faces li')
    await page.reload()
    assert.equal(await page.inputValue('.me input'), 'Ada')
    await other.close()
    await page.waitForFunction(() => document.querySelectorAll('.faces li').length === 0)
  })

  it('[A4] opens with no network, with the document and every edit, and sends them later', async () => {
    await create('Away')
    await type('online ')
    await reach('[settled=true]')
    await whenInstalled()
    const { port } = server
    await server.close()
    await reach('[status=offline]')
    await type('offline ')
    await reach('[saved=true][settled=false]')
    await page.reload()
    await reach('[status=offline] .ql-editor:not(.ql-blank)')
    assert.equal(await page.textContent('.ql-editor'), 'online offline ')
    await type('again')
    await reach('[saved=true]')
    const url = page.url()
    await page.goto(`${home}/`)
    await page.waitForSelector('text=The server cannot be reached.')
    assert.deepEqual(await titles(), ['Away'])
    await page.waitForSelector('text=edits not yet on the server')
    server = await openServer({ port, data: join(folder, 'data') })
    await page.goto(url)
    await reach('[settled=true][status=synced]')
    assert.equal(await page.textContent('.ql-editor'), 'online offline again')
  })

  it('[A170] is in touch at once when it is opened, though its hub had given the server up for a while', async () => {
    await create('Back')
    const url = page.url()
    const { port } = server
    await server.close()
    await reach('[status=offline]')
    // Enough failures for the hub to look after the server only now and then: 15 s at least.
    let tries = 0
    const broken = createServer(socket => socket.destroy()).listen(port, '127.0.0.1')
    broken.on('connection', () => tries++)
    while (tries < 8)
      await page.evaluate(() => {
        dispatchEvent(new Event('online'))
        return new Promise(requestAnimationFrame)
      })
    broken.close()
    await once(broken, 'close')
    server = await openServer({ port, data: join(folder, 'data') })
    const other = await context.newPage()
    await other.goto(url)
    await other.waitForSelector('holdfast-editor[status=synced]', { timeout: 8000 })
  })

  it('[A5] keeps nothing of what the server says in the caches of the worker', async () => {
    await create('Cached')
    await whenInstalled()
    await page.goto(home)
    await page.waitForSelector('.list')
    assert.equal(await page.evaluate(() => navigator.serviceWorker.controller !== null), true)
    await page.evaluate(() => fetch('/v1/docs/notes').then(response => response.json()))
    const cached = await page.evaluate(async () => {
      // The hub's own note (client/hub/firmnote.ts) is none of the worker's.
      const names = (await caches.keys()).filter(name => !name.startsWith('holdfast-note-'))
      const shells = await Promise.all(names.map(name => caches.open(name)))
      return (await Promise.all(shells.map(cache => cache.keys())))
        .flat()
        .map(({ url }) => new URL(url).pathname)
    })
    assert.ok(cached.length >= 4)
    for (const path of cached) assert.match(path, /^\/(index\.html|assets\/[a-z]+-[A-Z0-9]{8}\.(js|css))$/)
  })

  it('[A6] lets a new build take over with the next page, never mixed with the old one', async () => {
    const port = server.port
    await server.close()
    const web = join(folder, 'web')
    await cp(await ensureBundle(), web, { recursive: true })
    server = await openServer({ port, data: join(folder, 'data'), web })
    await page.goto(home)
    await whenInstalled()
    const loaded = () =>
      page.evaluate(() =>
        ['script', 'link[rel=stylesheet]'].map(what =>
          document.querySelector(what)!.outerHTML.includes('NEXTBLD1'),
        ),
      )
    assert.deepEqual(await loaded(), [false, false])

    await publishNext(web)
    await page.goto(home)
    assert.deepEqual(await loaded(), [false, false], 'the old build, whole, while the new one is fetched')
    await until(async () => {
      const { installing, waiting } = (await navigator.serviceWorker.getRegistration())!
      const shells = (await caches.keys()).filter(name => name.startsWith('holdfast-shell-'))
      return !installing && !waiting && shells.length === 2
    })
    await page.goto(home)
    await page.waitForSelector('.list')
    assert.deepEqual(await loaded(), [true, true])
    assert.deepEqual(complaints, [])
  })
})

/** Makes another build of the one in `web`: other names of the assets, and none of the old. */
async function publishNext(web: string): Promise<void> {
  const next = (text: string) => text.replaceAll(/page-[A-Z0-9]{8}\./g, 'page-NEXTBLD1.')
  for (const name of ['index.html', 'sw.js']) {
    const text = next(await readFile(join(web, name), 'utf8'))
    await writeFile(
      join(web, name),
      name === 'sw.js' ? text.replaceAll(/"[0-9a-f]{16}"/g, '"00000000000000ff"') : text,
    )
  }
  for (const name of await readdir(join(web, 'assets'))) {
    await rename(join(web, 'assets', name), join(web, 'assets', next(name)))
  }
}
