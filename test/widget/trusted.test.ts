/** Pages that insist on Trusted Types: ours, and one of somebody else. Whatever a browser refuses there is heard. */

import assert from 'node:assert/strict'
import type { BrowserContext, Page } from 'playwright-core'
import type { RunningServer } from '../../server/server.ts'
import { type Chromium, launchChromium, needsChromium } from '../browser/harness/chromium.ts'
import { addressOf, openServer, openSite } from './site.ts'

describe('Trusted Types', () => {
  let chromium: Chromium
  let server: RunningServer
  let home: string
  let context: BrowserContext
  let heard: string[] = []

  before(async function () {
    needsChromium(this)
    ;[chromium, server] = await Promise.all([launchChromium(), openServer({ documentBytes: 2000 })])
    home = addressOf(server.port)
  })
  after(async () => {
    await chromium?.close()
    await server?.close()
  })
  beforeEach(async () => {
    context = await chromium.browser.newContext({ viewport: { width: 900, height: 640 } })
    heard = []
  })
  afterEach(() => context.close())

  async function open(url: string, where = context): Promise<Page> {
    const page = await where.newPage()
    // What is pasted may well have attributes that the policy forbids: those are refused, as they should be.
    await page.addInitScript(() =>
      addEventListener('securitypolicyviolation', ({ violatedDirective, sample, sourceFile }) => {
        if (violatedDirective.includes('trusted-types'))
          console.error(`violation: ${violatedDirective} ${sample} ${sourceFile}`)
      }),
    )
    page.on('pageerror', error => heard.push(error.message))
    page.on('console', message => message.text().startsWith('violation') && heard.push(message.text()))
    await page.goto(url)
    return page
  }

  const reach = (page: Page, state: string) => page.waitForSelector(`holdfast-editor${state}`)

  async function create(page: Page, title: string, kind: string): Promise<void> {
    await page.goto(home)
    await page.fill('input[name=title]', title)
    await page.selectOption('select[name=type]', kind)
    await page.click('text=Create')
    await reach(page, '[status=synced]')
  }

  const paste = (page: Page, html: string) =>
    page.evaluate(text => {
      const data = new DataTransfer()
      data.setData('text/html', text)
      data.setData('text/plain', 'plain')
      data.items.add(new File(['x'], 'x.png', { type: 'image/png' }))
      const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
      document.querySelector('.ql-editor')!.dispatchEvent(event)
    }, html)

  /** Types, formats, links, pastes and takes back in the rich editor of a page. */
  async function work(page: Page): Promise<void> {
    await page.click('.ql-editor')
    await page.keyboard.type('hello world')
    await page.keyboard.press('Control+b')
    await page.keyboard.type(' bold')
    await page.keyboard.press('Home')
    await page.keyboard.press('Shift+End')
    await page.click('button.ql-link')
    await page.fill('.ql-tooltip input', 'example.org')
    await page.keyboard.press('Enter')
    await page.click('button.ql-list[value=bullet]')
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    const item = '<p style="mso-list:l0 level1"><span style="mso-list:Ignore">o</span><i>item</i></p>'
    await paste(
      page,
      `<html xmlns:w="urn:schemas-microsoft-com:office:word"><body>${item}<img src=x onerror=alert(1)>
      <script>alert(1)</script><a href="javascript:alert(1)">no</a><b>pasted</b></body></html>`,
    )
    await reach(page, '[settled=true]')
    await page.click('button[aria-label=Undo]')
    await reach(page, '[settled=true]')
    await page.click('button[aria-label=Redo]')
    await reach(page, '[settled=true]')
    assert.match((await page.textContent('.ql-editor'))!, /hello world bold.*item.*pasted/s)
    assert.equal(await page.getAttribute('.ql-editor a', 'href'), 'https://example.org')
  }

  /** Whether the page forbids what it should; says a violation. */
  const isForbidden = (page: Page) =>
    page.evaluate(() => {
      try {
        document.body.insertAdjacentHTML('beforeend', '<b>x</b>')
        return false
      } catch (error) {
        return error instanceof TypeError
      }
    })

  it('[A7] our pages do all that they do without a violation', async () => {
    const page = await open(home)
    await create(page, 'Trusted', 'rich')
    const elsewhere = await chromium.browser.newContext()
    const other = await open(page.url(), elsewhere)
    await reach(other, '[status=synced]')
    await work(page)
    await other.click('.ql-editor')
    await other.keyboard.type('others ')
    await page.waitForSelector('.ql-cursor', { state: 'attached' })
    await page.keyboard.type('x'.repeat(100))
    await paste(page, `<p>${'too much '.repeat(400)}</p>`)
    await page.waitForSelector('holdfast-editor:not([held="0"]) .hf-held')
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
    const session = await chromium.browser.newBrowserCDPSession()
    const { targetInfos } = await session.send('Target.getTargets')
    for (const [type, script] of [
      ['shared_worker', '/assets/hub-'],
      ['service_worker', '/sw.js'],
    ])
      assert.ok(
        targetInfos.some(target => target.type === type && target.url.includes(script!)),
        `${type} runs`,
      )
    await create(page, 'Plain', 'text')
    await page.goto(`${home}/d/notes/data?type=json`)
    await page.waitForSelector('.hf-json')
    await page.goto(home)
    await page.waitForSelector('.title')
    assert.deepEqual(heard, [])
    assert.equal(await isForbidden(page), true)
    assert.equal(await isForbidden(other), true, 'also where a default policy lets an editor be built')
    assert.match(String(heard), /violation: require-trusted-types-for/)
    await elsewhere.close()
  }).timeout(60_000)

  it('[B21] a page of another origin that insists on them has the element whole', async () => {
    const policies = "require-trusted-types-for 'script'; trusted-types lit-html holdfast default"
    const editor = '<holdfast-editor collection="notes" doc="trusted-elsewhere"></holdfast-editor>'
    const site = await openSite(home, editor, policies)
    try {
      const page = await open(site.url)
      await reach(page, '[status=synced]')
      await work(page)
      assert.deepEqual(heard, [])
      assert.equal(await isForbidden(page), true)
    } finally {
      await site.close()
    }
  })
})
