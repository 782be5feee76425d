/** Undo in both editors: the keys and the caret on a document whose others the test plays, the rest on a real server. */

import assert from 'node:assert/strict'
import type { BrowserContext, Page } from 'playwright-core'
import type { Client, Doc } from '../../client/api.ts'
import { connect } from '../../client/client.ts'
import type { RunningServer } from '../../server/server.ts'
import { type Chromium, launchChromium, needsChromium } from '../browser/harness/chromium.ts'
import type { Scene } from './scene.ts'
import { addressOf, openServer, openSite, type Site } from './site.ts'
import { useStage } from './stage.ts'

declare const openRich: Scene['openRich']
declare const openText: Scene['openText']
/** Of this test's page, whichever editor is open. */
declare global {
  var undoing: {
    doc: ReturnType<Scene['openText']>['doc']
    text(): string
    caret(): number
    put(at: number): void
    focus(): void
  }
}

describe('Undo in an editor', () => {
  let page: Page
  useStage(stage => {
    page = stage.page
  })

  const open = {
    rich: (text: string) =>
      page.evaluate(content => {
        const { doc, quill } = openRich([{ insert: content }])
        quill.focus()
        globalThis.undoing = {
          doc,
          text: () => quill.getText(),
          caret: () => quill.getSelection()!.index,
          put: at => quill.setSelection(at),
          focus: () => quill.focus(),
        }
      }, `${text}\n`),
    text: (text: string) =>
      page.evaluate(content => {
        const { doc, area } = openText(content)
        area.focus()
        globalThis.undoing = {
          doc,
          text: () => `${area.value}\n`,
          caret: () => area.selectionEnd,
          put: at => area.setSelectionRange(at, at),
          focus: () => area.focus(),
        }
      }, text),
  }
  const state = () => page.evaluate(() => [undoing.text().slice(0, -1), undoing.caret()])
  const put = (at: number) => page.evaluate(index => undoing.put(index), at)
  const press = (...keys: string[]) =>
    keys.reduce((done, key) => done.then(() => page.keyboard.press(key)), Promise.resolve())

  for (const type of ['rich', 'text'] as const) {
    const insert = (at: number, text: string) =>
      type === 'rich'
        ? { ops: [...(at > 0 ? [{ retain: at }] : []), { insert: text }] }
        : [...(at > 0 ? [at] : []), text]
    const remote = (at: number, text: string) =>
      page.evaluate(op => undoing.doc.remote(op), insert(at, text) as unknown)

    it(`[B9] [U19] ${type}: the keys take back what was typed here and nothing else, and put the caret there`, async () => {
      await open[type]('base')
      await put(2)
      await page.keyboard.type('mi')
      await remote(3, 'THEIRS')
      await page.keyboard.type('ne')
      assert.deepEqual(await state(), ['bamTHEIRSinese', 12])
      await remote(0, '> ')
      await put(0)
      await press('Control+z')
      assert.deepEqual(await state(), ['> baTHEIRSse', 10])
      await put(0)
      await press('Control+Shift+Z')
      assert.deepEqual(await state(), ['> bamTHEIRSinese', 14])
      await press('Control+z', 'Control+z')
      assert.deepEqual(await state(), ['> baTHEIRSse', 10])
      await press('Control+y')
      assert.equal((await state())[0], '> bamTHEIRSinese')
    })

    it(`[U19] ${type}: the browser's own menu and a keyboard of another alphabet undo as well; other keys are left alone`, async () => {
      await open[type]('')
      await page.keyboard.type('one two')
      const fire = (make: string, init: object) =>
        page.evaluate(
          ([name, options]) => {
            const Kind = (globalThis as unknown as Record<string, typeof Event>)[name as string]!
            const event = new Kind(name === 'InputEvent' ? 'beforeinput' : 'keydown', options as EventInit)
            document.activeElement!.dispatchEvent(event)
            return event.defaultPrevented
          },
          [make, { bubbles: true, cancelable: true, ...init }] as const,
        )
      assert.ok(await fire('InputEvent', { inputType: 'historyUndo' }))
      assert.deepEqual(await state(), ['one', 3])
      assert.ok(await fire('KeyboardEvent', { key: 'я', code: 'KeyZ', ctrlKey: true }))
      assert.deepEqual(await state(), ['', 0])
      assert.ok(await fire('InputEvent', { inputType: 'historyRedo' }))
      assert.deepEqual(await state(), ['one', 3])
      for (const key of [
        { key: 'z' },
        { key: 'z', ctrlKey: true, altKey: true },
        { key: 'Y', ctrlKey: true, shiftKey: true },
      ])
        assert.equal(await fire('KeyboardEvent', key), false, JSON.stringify(key))
      assert.deepEqual(await state(), ['one', 3])
    })

    it(`[U19] ${type}: an editor without the focus does not take it, and has its caret there when it gets it`, async () => {
      await open[type]('base')
      await put(4)
      await page.keyboard.type('!')
      await put(0)
      await page.evaluate(() => {
        document.body.append(document.createElement('input'))
        document.querySelector<HTMLElement>('body > input')!.focus()
        undoing.doc.undo()
      })
      assert.equal(await page.evaluate(() => document.activeElement!.tagName), 'INPUT')
      await page.evaluate(() => undoing.focus())
      assert.deepEqual(await state(), ['base', 4])
    })

    it(`[U19] ${type}: the place of the change is brought into view`, async () => {
      await open[type](Array.from({ length: 300 }, (_, i) => `line ${i}`).join('\n'))
      await put(0)
      await page.keyboard.type('x')
      const last = () => page.evaluate(() => undoing.text().length - 1)
      await put(await last())
      await page.keyboard.type('end')
      const scrolled = () =>
        page.evaluate(() => Math.max(scrollY, document.querySelector('.ql-editor, textarea')!.scrollTop))
      assert.ok((await scrolled()) > 100)
      await press('Control+z', 'Control+z')
      assert.ok((await scrolled()) < 100, String(await scrolled()))
    })
  }

  it('[U19] a format is taken back alone, and the caret stands behind it', async () => {
    await open.rich('some words')
    await put(10)
    await page.keyboard.type('!')
    await page.evaluate(() => {
      undoing.doc.remote({ ops: [{ retain: 5 }, { retain: 5, attributes: { italic: true } }] })
    })
    await page.keyboard.press('Home')
    await press('Shift+ArrowRight', 'Shift+ArrowRight', 'Shift+ArrowRight', 'Shift+ArrowRight', 'Control+b')
    const ops = () => page.evaluate(() => (undoing.doc.data as { ops: unknown[] }).ops)
    assert.deepEqual((await ops())[0], { insert: 'some', attributes: { bold: true } })
    await press('End', 'Control+z')
    assert.deepEqual(await ops(), [
      { insert: 'some ' },
      { insert: 'words', attributes: { italic: true } },
      { insert: '!\n' },
    ])
    assert.equal((await state())[1], 4)
  })
})

describe('Undo in <holdfast-editor>', () => {
  let chromium: Chromium
  let server: RunningServer
  let context: BrowserContext
  let page: Page
  let site: Site
  let client: Client
  let nextId = 0

  before(async function () {
    needsChromium(this)
    ;[chromium, server] = await Promise.all([launchChromium(), openServer()])
  })
  after(async () => {
    await chromium?.close()
    await server?.close()
  })
  afterEach(async () => {
    await client?.close()
    await context?.close()
    await site?.close()
  })

  /** An editor in a page, and the same document in the hands of somebody else. */
  const meet = async (type: 'rich' | 'text'): Promise<Doc> => {
    const id = `undo-${++nextId}`
    const home = addressOf(server.port)
    site = await openSite(
      home,
      `<holdfast-editor collection="notes" doc="${id}" type="${type}"></holdfast-editor>`,
    )
    context = await chromium.browser.newContext()
    page = await context.newPage()
    await page.goto(site.url)
    await page.waitForSelector('holdfast-editor[status=synced]')
    client = connect({ server: home })
    return client.open('notes', id, type)
  }
  const shows = (text: string) =>
    page.waitForFunction(wanted => {
      const editor = document.querySelector<HTMLElement>('.ql-editor, textarea')!
      return (editor instanceof HTMLTextAreaElement ? editor.value : editor.textContent).trimEnd() === wanted
    }, text)
  const button = (name: string) => page.locator(`holdfast-editor [role=toolbar] [aria-label=${name}]`)
  const usable = async () =>
    Promise.all(
      ['Undo', 'Redo'].map(async name => (await button(name).getAttribute('aria-disabled')) === 'false'),
    )

  for (const type of ['rich', 'text'] as const) {
    const insert = (text: string) => (type === 'rich' ? { ops: [{ insert: text }] } : [text])

    it(`[U6] [U19] ${type}: takes back only one's own typing, before and after a reload`, async () => {
      const theirs = await meet(type)
      await page.click('.ql-editor, textarea')
      await page.keyboard.type('mine too')
      await page.waitForSelector('holdfast-editor[settled=true]')
      theirs.edit(insert('theirs '))
      await shows('theirs mine too')
      await page.keyboard.press('Control+z')
      await shows('theirs mine')
      await page.waitForSelector('holdfast-editor[saved=true]')
      await page.reload()
      await page.waitForSelector('holdfast-editor[status=synced]')
      await shows('theirs mine')
      await page.click('.ql-editor, textarea')
      await page.keyboard.press('Control+Shift+z')
      await shows('theirs mine too')
      await page.keyboard.press('Control+z')
      await page.keyboard.press('Control+z')
      await shows('theirs')
      await page.keyboard.press('Control+z')
      await shows('theirs')
    })

    it(`[U20] ${type}: two buttons undo and redo, by mouse and by keyboard`, async () => {
      await meet(type)
      assert.deepEqual(await usable(), [false, false])
      await page.click('.ql-editor, textarea')
      await page.keyboard.type('one two')
      assert.deepEqual(await usable(), [true, false])
      await button('Undo').click()
      await shows('one')
      await page.keyboard.type('!')
      await shows('one!')
      await button('Undo').click()
      assert.deepEqual(await usable(), [true, true])
      await button('Undo').focus()
      await page.keyboard.press('Enter')
      await shows('')
      assert.deepEqual(await usable(), [false, true])
      await page.keyboard.press('Enter')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Space')
      await shows('one')
      assert.equal(await page.evaluate(() => document.activeElement!.getAttribute('aria-label')), 'Redo')
      const seen = await page.evaluate(() =>
        ['Undo', 'Redo'].map(name => document.querySelector<HTMLElement>(`[aria-label=${name}]`)!.title),
      )
      assert.deepEqual(seen, ['Undo (Ctrl+Z)', 'Redo (Ctrl+Shift+Z)'])
    })
  }
})
