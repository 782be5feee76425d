/** <holdfast-editor> on a page of another origin, with the real client and the real server. */

import assert from 'node:assert/strict'
import type { BrowserContext, Page } from 'playwright-core'
import type { Doc } from '../../client/api.ts'
import type { RunningServer } from '../../server/server.ts'
import { type Chromium, launchChromium, needsChromium } from '../browser/harness/chromium.ts'
import { addressOf, openServer, openSite, type Site } from './site.ts'

interface Editor extends HTMLElement {
  readonly document: Doc | null
}

describe('<holdfast-editor>', () => {
  let chromium: Chromium
  let server: RunningServer
  let home: string
  let context: BrowserContext
  let page: Page
  let site: Site
  const complaints: string[] = []
  let nextId = 0

  before(async function () {
    needsChromium(this)
    ;[chromium, server] = await Promise.all([launchChromium(), openServer({ documentBytes: 2_000 })])
    home = addressOf(server.port)
  })
  after(async () => {
    await chromium?.close()
    await server?.close()
  })
  afterEach(async () => {
    await context?.close()
    await site?.close()
  })

  /** Opens a page with `body`; ID in it is a document nobody has used. */
  const embed = async (body: string) => {
    site = await openSite(home, body.replaceAll('ID', `doc-${++nextId}`))
    context = await chromium.browser.newContext()
    page = await context.newPage()
    complaints.length = 0
    page.on('pageerror', error => complaints.push(error.message))
    page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
    await page.goto(site.url)
  }
  const one = '<holdfast-editor collection="notes" doc="ID"></holdfast-editor>'
  const reach = (state: string) => page.waitForSelector(`holdfast-editor${state}`)
  const attributes = () =>
    page.evaluate(() =>
      Object.fromEntries(
        [...document.querySelector('holdfast-editor')!.attributes].map(({ name, value }) => [name, value]),
      ),
    )
  const edit = (text: string) =>
    page.evaluate(
      insert => document.querySelector<Editor>('holdfast-editor')!.document!.edit({ ops: [{ insert }] }),
      text,
    )

  it('[B13] works under a strict policy with one script, and reflects the truth in attributes', async () => {
    const elsewhere: string[] = []
    await embed(one)
    page.on('request', request => elsewhere.push(request.url()))
    await page.reload()
    await reach('[status=synced]')
    await page.click('.ql-editor')
    await page.keyboard.type('hello')
    await reach('[settled=true][unsent="0"][saved=true]')
    const { status, held, error } = await attributes()
    assert.deepEqual({ status, held, error }, { status: 'synced', held: '0', error: undefined })
    assert.deepEqual(new Set(elsewhere), new Set([`${site.url}/`, `${home}/embed.js`]))
    assert.deepEqual(complaints, [])
  })

  it('[B13] counts what the server does not have, and says that this device has it', async () => {
    await embed(one)
    await reach('[status=synced]')
    await page.evaluate(() => {
      const seen: string[] = []
      Object.assign(globalThis, { seen })
      addEventListener('holdfast-status', event => seen.push((event as CustomEvent).detail.status))
    })
    const { port } = server
    await server.close()
    await reach('[status=offline]')
    await edit('unsent\n')
    await edit('also ')
    await reach('[saved=true][settled=false]')
    assert.ok(Number((await attributes()).unsent) >= 2)
    assert.match(
      (await page.textContent('.hf-line'))!,
      /^Offline: .*Saved on this device · \d edits not yet on the server$/,
    )
    server = await openServer({ port, documentBytes: 2_000 })
    await reach('[status=synced][settled=true][unsent="0"]')
    const seen = await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen)
    assert.ok(seen.includes('offline') && seen.at(-1) === 'synced', String(seen))
  })

  it('[B14] says what is wrong with its attributes, and opens once they are mended', async () => {
    const cases: [string, string][] = [
      ['<holdfast-editor></holdfast-editor>', 'NAME_INVALID'],
      ['<holdfast-editor collection="notes"></holdfast-editor>', 'NAME_INVALID'],
      ['<holdfast-editor collection="notes" doc="__proto__"></holdfast-editor>', 'NAME_INVALID'],
      ['<holdfast-editor collection="notes" doc="ID" type="sheet"></holdfast-editor>', 'TYPE_UNKNOWN'],
      ['<holdfast-editor collection="notes" doc="ID" server="ftp://x"></holdfast-editor>', 'SETTING_INVALID'],
    ]
    await embed(cases.map(([html]) => html).join(''))
    const codes = await page.evaluate(() =>
      [...document.querySelectorAll('holdfast-editor')].map(each => each.getAttribute('error')),
    )
    assert.deepEqual(
      codes,
      cases.map(([, code]) => code),
    )
    const said = await page.evaluate(() =>
      [...document.querySelectorAll('[role=alert]')].map(each => each.textContent ?? ''),
    )
    for (const [at, [, code]] of cases.entries()) assert.ok(said[at]?.includes(code), said[at])
    assert.deepEqual(complaints, [])
    await page.evaluate(() => document.querySelectorAll('holdfast-editor')[3]!.setAttribute('type', 'text'))
    await reach('[type=text][status=synced]:not([error]) textarea')
  })

  it('[B14] says that the document is of another type', async () => {
    await embed(`${one}<holdfast-editor collection="notes" doc="other"></holdfast-editor>`)
    await reach('[status=synced]')
    await edit('x\n')
    await reach('[settled=true]')
    await page.evaluate(() => document.querySelector('holdfast-editor')!.setAttribute('type', 'text'))
    await reach('[error=TYPE_MISMATCH] [role=alert]')
  })

  it('[B15] survives being moved, removed and put back', async () => {
    await embed(one)
    await reach('[status=synced]')
    await page.click('.ql-editor')
    await page.keyboard.type('kept')
    await reach('[settled=true]')
    const same = await page.evaluate(async () => {
      const editor = document.querySelector<Editor>('holdfast-editor')!
      const before = editor.document
      document.body.append(document.createElement('main'))
      document.querySelector('main')!.append(editor)
      await Promise.resolve()
      return editor.document === before && editor.querySelectorAll('.ql-editor').length
    })
    assert.equal(same, 1)
    await page.evaluate(async () => {
      const editor = document.querySelector('holdfast-editor')!
      editor.remove()
      await Promise.resolve()
      if (editor.childElementCount > 0 || editor.hasAttribute('status'))
        throw new Error('it still shows the document')
      document.body.append(editor)
    })
    await reach('[status=synced]')
    await page.click('.ql-editor')
    await page.keyboard.press('Control+End')
    await page.keyboard.type('!')
    assert.equal(await page.textContent('.ql-editor'), 'kept!')
    assert.equal(await page.evaluate(() => document.querySelectorAll('.ql-editor').length), 1)
    assert.deepEqual(complaints, [])
  })

  it('[B15] shares one connection among the editors of a page, which follow each other', async () => {
    const sockets: string[] = []
    await embed(`${one}${one}`)
    await reach('[status=synced]')
    page.on('websocket', socket => sockets.push(socket.url()))
    await page.reload()
    await page.waitForFunction(() => document.querySelectorAll('holdfast-editor[status=synced]').length === 2)
    await page.click('.ql-editor >> nth=0')
    await page.keyboard.type('shared')
    await page.waitForFunction(() => document.querySelectorAll('.ql-editor')[1]?.textContent === 'shared')
    assert.equal(sockets.length, 1)
  })

  it('[B15] shows what the page itself does to the document', async () => {
    await embed(one)
    await reach('[status=synced]')
    await edit('by the page\n')
    await page.waitForFunction(() => document.querySelector('.ql-editor')?.textContent === 'by the page')
    await page.click('.ql-editor')
    await page.keyboard.press('Control+End')
    await page.keyboard.type('!')
    // The page's handle hears of it through the hub.
    await page.waitForFunction(
      text => JSON.stringify(document.querySelector<Editor>('holdfast-editor')!.document!.data) === text,
      JSON.stringify({ ops: [{ insert: 'by the page!\n' }] }),
    )
  })

  it('[B16] lists held edits with their reason, and discards one only when asked twice', async () => {
    await embed(one)
    await reach('[status=synced]')
    await edit('fits\n')
    await reach('[settled=true]')
    await edit('too large '.repeat(300))
    await reach('[status=held][held="1"][settled=false] .hf-panel')
    assert.match(
      (await page.textContent('.hf-reason'))!,
      /larger than the server allows.*\(DOCUMENT_TOO_LARGE\)/,
    )
    assert.match((await page.textContent('.hf-preview'))!, /^too large too large/)
    assert.match((await page.textContent('.hf-line'))!, /^1 edit needs your decision/)
    await page.focus('text=Discard…')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Discard')
    await page.focus('text=Keep')
    await page.keyboard.press('Enter')
    assert.equal((await attributes()).held, '1')
    await page.focus('text=Discard…')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await reach('[status=synced][held="0"][settled=true]')
    assert.equal(await page.evaluate(() => document.querySelector('.hf-panel')), null)
    assert.equal(await page.textContent('.ql-editor'), 'fits')
  })

  it('[B16] copies a held edit out, and tries it again', async () => {
    await embed(one)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: site.url })
    await reach('[status=synced]')
    await edit(`${'x'.repeat(1_500)}\n`)
    await reach('[settled=true]')
    await edit(`${'y'.repeat(700)}\n`)
    await reach('[held="1"] .hf-panel')
    await page.click('text=Copy out')
    await page.waitForSelector('text=Copied')
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${'y'.repeat(700)}\n`)
    await page.evaluate(() =>
      document.querySelector<Editor>('holdfast-editor')!.document!.edit({ ops: [{ delete: 1_500 }] }),
    )
    await page.click('text=Try again')
    await reach('[held="0"][settled=true][status=synced]')
    assert.equal((await page.textContent('.ql-editor'))?.includes('y'.repeat(700)), true)
  })

  it('[B16] [Q6] saves a held edit as a new document, by keyboard, and leads to it', async () => {
    await embed(one)
    await reach('[status=synced]')
    await edit('what was there\n')
    await reach('[settled=true]')
    await edit(`${'y'.repeat(2_000)}\n`)
    await reach('[held="1"] .hf-panel')
    await page.evaluate(() =>
      document
        .querySelector<Editor>('holdfast-editor')!
        .document!.edit({ ops: [{ delete: 'what was there\n'.length }] }),
    )
    await page.focus('text=Save as new document')
    await page.keyboard.press('Enter')
    await reach('[held="0"] .hf-calm')
    assert.match((await page.textContent('.hf-news'))!.trim(), /^Saved as Doc \d+ rescued, on this device/)
    const focused = await page.evaluate(() => (document.activeElement as HTMLAnchorElement).href)
    assert.match(focused, new RegExp(`^${home}/d/notes/doc-\\d+-rescued-[a-z0-9]{6}$`))
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate(() => document.querySelector('.hf-panel')), null)
    assert.deepEqual(complaints, [])
  })

  it('[B17] shows others by the names and carets that they announce', async () => {
    await embed(one.replace('>', ' person="Ada">'))
    await reach('[status=synced]')
    const other = await context.browser()!.newContext()
    const second = await other.newPage()
    await second.goto(site.url)
    await second.evaluate(() => document.querySelector('holdfast-editor')!.setAttribute('person', 'Bob'))
    await second.waitForSelector('[status=synced]')
    await second.click('.ql-editor')
    await second.keyboard.type('here')
    await page.waitForFunction(() => document.querySelector('.ql-cursor-name')?.textContent === 'Bob')
    assert.equal(
      await page.evaluate(() => document.querySelectorAll('.ql-cursor').length),
      1,
      'not ourselves',
    )
    await other.close()
    await page.waitForFunction(() => document.querySelector('.ql-cursor') === null)
  })
})
