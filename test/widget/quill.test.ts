/** The Quill binding in a real Chromium: real keys, real selections, a real input method (by DevTools). */

import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import type { Chromium } from '../browser/harness/chromium.ts'
import type { Scene } from './scene.ts'
import { useStage } from './stage.ts'

declare const openRich: Scene['openRich']
declare global {
  var rich: ReturnType<Scene['openRich']>
}

const insertAt = (index: number, text: string) => ({
  ops: [...(index > 0 ? [{ retain: index }] : []), { insert: text }],
})
const deleteAt = (index: number, count: number) => ({
  ops: [...(index > 0 ? [{ retain: index }] : []), { delete: count }],
})

describe('Quill binding', () => {
  let page: Page
  let chromium: Chromium
  useStage(stage => {
    page = stage.page
    chromium = stage.chromium
  })

  const open = (text: string) =>
    page.evaluate(content => {
      globalThis.rich = openRich(content ? [{ insert: content }] : [])
      rich.quill.focus()
    }, text)
  const remote = (op: unknown) => page.evaluate(change => rich.doc.remote(change), op)
  const select = (index: number, length = 0) =>
    page.evaluate(([at, count]) => rich.quill.setSelection(at!, count!), [index, length])
  const selection = () => page.evaluate(() => rich.quill.getSelection())
  const sent = () => page.evaluate(() => rich.doc.sent)
  const state = () =>
    page.evaluate(() => ({
      shown: rich.quill.getContents().ops,
      stored: rich.doc.data as { ops: unknown[] },
    }))

  /** What the editor shows is what the document has. */
  const agrees = async (text: string) => {
    const { shown, stored } = await state()
    assert.deepEqual(shown, stored.ops)
    assert.equal(await page.evaluate(() => rich.quill.getText()), text)
  }

  it('[B1] sends nothing by opening a document, empty or not', async () => {
    for (const text of ['', 'no newline at the end', 'one\ntwo\n']) {
      await open(text)
      assert.deepEqual(await sent(), [], JSON.stringify(text))
      assert.equal(await page.evaluate(() => rich.quill.getText()), text.endsWith('\n') ? text : `${text}\n`)
    }
  })

  it('[B2] brings the final newline along with the first edit, once', async () => {
    await open('')
    await page.keyboard.type('hi')
    const ops = await sent()
    assert.deepEqual(ops[0], { ops: [{ insert: 'h\n' }] })
    assert.equal(ops.length, 2)
    await agrees('hi\n')
  })

  it('[B2] shows a document that loses and gains its final newline elsewhere', async () => {
    await open('one\n')
    await select(2)
    await remote(deleteAt(3, 1))
    assert.equal(await page.evaluate(() => rich.quill.getText()), 'one\n')
    await remote(insertAt(3, ' two'))
    await remote(insertAt(7, '\n'))
    await agrees('one two\n')
    assert.deepEqual(await selection(), { index: 2, length: 0 })
    assert.deepEqual(await sent(), [])
  })

  it('[B3] never echoes what others wrote', async () => {
    await open('base\n')
    for (const at of [0, 2, 4]) await remote(insertAt(at, 'x'))
    await remote({ ops: [{ retain: 2, attributes: { bold: true } }] })
    await remote({ ops: [{ retain: 7 }, { retain: 1, attributes: { header: 1 } }] })
    assert.deepEqual(await sent(), [])
    await agrees('xbxaxse\n')
  })

  it('[B4] leaves every caret and selection where its owner put it, whatever others insert', async function () {
    this.timeout(60_000)
    const failures = await page.evaluate(async () => {
      const wrong: unknown[] = []
      const content = 'ab\ncd\n'
      for (let index = 0; index < content.length; index++) {
        for (let length = 0; index + length < content.length; length++) {
          for (let at = 0; at < content.length; at++) {
            for (const text of ['x', 'xy\n']) {
              const { quill, doc } = openRich([{ insert: content }])
              quill.focus()
              quill.setSelection(index, length)
              doc.remote({ ops: [...(at > 0 ? [{ retain: at }] : []), { insert: text }] })
              await Promise.resolve()
              const now = quill.getSelection()
              const before = content.slice(index, index + length)
              const start = index + (at < index || (at === index && length > 0) ? text.length : 0)
              const grown = at > index && at < index + length ? text.length : 0
              const kept = now?.index === start && now.length === length + grown
              const selected = now && quill.getText(now.index, now.length).replace(grown ? text : '', '')
              if (!kept || selected !== before) wrong.push({ index, length, at, text, now })
            }
          }
        }
      }
      return wrong
    })
    assert.deepEqual(failures, [])
  })

  it('[B4] moves carets and selections only as far as others deleted around them', async () => {
    const failures = await page.evaluate(async () => {
      const wrong: unknown[] = []
      const content = 'ab\ncd\n'
      for (let index = 0; index < content.length; index++) {
        for (let length = 0; index + length < content.length; length++) {
          for (let at = 0; at < content.length - 1; at++) {
            for (let count = 1; at + count < content.length; count++) {
              const { quill, doc } = openRich([{ insert: content }])
              quill.focus()
              quill.setSelection(index, length)
              doc.remote({ ops: [...(at > 0 ? [{ retain: at }] : []), { delete: count }] })
              const moved = (point: number) => point - Math.max(0, Math.min(point - at, count))
              await Promise.resolve()
              const now = quill.getSelection()
              const kept = now?.index === moved(index) && now.index + now.length === moved(index + length)
              if (!kept) wrong.push({ index, length, at, count, now })
            }
          }
        }
      }
      return wrong
    })
    assert.deepEqual(failures, [])
  })

  it('[B4] keeps the direction of a selection made backwards', async () => {
    await open('hello world\n')
    await select(5)
    for (let i = 0; i < 3; i++) await page.keyboard.press('Shift+ArrowLeft')
    await remote(insertAt(0, 'oh '))
    assert.deepEqual(await selection(), { index: 5, length: 3 })
    await page.keyboard.press('Shift+ArrowLeft')
    assert.deepEqual(await selection(), { index: 4, length: 4 })
  })

  it('[B4] carries the caret of an editor that has lost the focus', async () => {
    await open('hello\n')
    await select(5)
    await page.evaluate(() => {
      document.body.append(document.createElement('input'))
      document.querySelector<HTMLElement>('body > input')!.focus()
    })
    await remote(insertAt(0, 'oh, '))
    await page.evaluate(() => rich.quill.focus())
    assert.deepEqual(await selection(), { index: 9, length: 0 })
  })

  it('[B4] leaves the focus on a button that has it, and has the caret in its place afterwards', async () => {
    await open('hello\n')
    await select(5)
    await page.evaluate(() => document.querySelector<HTMLElement>('.ql-bold')!.focus())
    await remote(insertAt(0, 'oh, '))
    assert.equal(await page.evaluate(() => document.activeElement!.className), 'ql-bold')
    await page.evaluate(() => rich.quill.root.focus())
    await page.keyboard.type('!')
    await agrees('oh, hello!\n')
  })

  it('[B4] carries the link that is just being changed', async () => {
    await open('see here now\n')
    await page.evaluate(() => rich.quill.formatText(4, 4, 'link', 'https://example.org/', 'user'))
    await page.evaluate(() => rich.quill.setSelection(6, 0, 'user'))
    await page.evaluate(() => document.querySelector<HTMLElement>('.ql-action')!.click())
    await remote(insertAt(0, 'you '))
    await page.fill('.ql-tooltip input', 'https://example.org/new')
    await page.keyboard.press('Enter')
    const { stored } = await state()
    assert.deepEqual(stored.ops, [
      { insert: 'you see ' },
      { insert: 'here', attributes: { link: 'https://example.org/new' } },
      { insert: ' now\n' },
    ])
  })

  it('[B4] leaves the tooltip of a link open while others write', async () => {
    await open('see here now\n')
    await page.evaluate(() => rich.quill.formatText(4, 4, 'link', 'https://example.org/', 'user'))
    await page.evaluate(() => rich.quill.setSelection(6, 0, 'user'))
    await remote(insertAt(0, 'you '))
    await page.evaluate(() => new Promise(resolve => setTimeout(resolve))) // what the carets of others do after a change
    assert.equal(await page.locator('.ql-tooltip').getAttribute('class'), 'ql-tooltip')
    await page.evaluate(() => document.querySelector<HTMLElement>('.ql-remove')!.click())
    assert.deepEqual((await state()).stored.ops, [{ insert: 'you see here now\n' }])
  })

  it('[B5] crosses keystrokes that Quill has not reported with what arrives meanwhile', async () => {
    await open('hello\n')
    await select(5)
    await page.evaluate(() => {
      const text = rich.quill.root.firstElementChild!.firstChild as Text
      text.insertData(5, '!')
      rich.doc.remote({ ops: [{ insert: '> ' }] })
    })
    await agrees('> hello!\n')
    assert.deepEqual(await sent(), [insertAt(7, '!')])
  })

  it('[B6] holds the edits of others back while an input method composes', async () => {
    await open('ab\n')
    await select(1)
    const devtools = await chromium.devtools(page)
    await devtools.send('Input.imeSetComposition', { text: 'に', selectionStart: 1, selectionEnd: 1 })
    await remote(insertAt(0, 'remote '))
    assert.equal(await page.evaluate(() => rich.quill.root.textContent), 'aにb', 'still composing')
    await devtools.send('Input.imeSetComposition', { text: 'にほ', selectionStart: 2, selectionEnd: 2 })
    await devtools.send('Input.insertText', { text: '日本' })
    await page.waitForFunction(() => rich.quill.getText() === 'remote a日本b\n')
    await agrees('remote a日本b\n')
    assert.deepEqual(await sent(), [insertAt(8, '日本')])
    await page.keyboard.type('!')
    await agrees('remote a日本!b\n')
  })

  it('[B7] takes nothing from the clipboard that is not in the toolbar', async () => {
    await open('\n')
    await page.evaluate(() => {
      const data = new DataTransfer()
      data.setData(
        'text/html',
        `<p style="color:red;font-size:40px">one <b>two</b></p><script>alert(1)</script><iframe src="https://example.org">f</iframe>
        <video src="https://example.org/v.mp4">v</video><span class="ql-formula" data-value="x">three</span><img src="https://example.org/i.png">
        <a href="javascript:alert(1)">bad</a> <a href="https://example.org/">good</a>`,
      )
      rich.quill.root.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      )
    })
    const { shown, stored } = await state()
    assert.deepEqual(shown, stored.ops)
    const attributes = stored.ops.map(op => (op as { attributes?: object }).attributes).filter(Boolean)
    assert.deepEqual(attributes, [{ bold: true }, { link: 'https://example.org/' }])
    const text = await page.evaluate(() => rich.quill.getText())
    assert.match(text, /^one two\s+three\s+bad good\n+$/)
    assert.equal(
      await page.evaluate(() => document.querySelectorAll('#host :is(script, iframe, video, img)').length),
      0,
    )
  })

  it('[B20] runs nothing of what is pasted, though it comes as a list of a text processor, which stays a list', async () => {
    await open('')
    await page.evaluate(() => {
      const item = (level: number, inside: string) =>
        `<p style="mso-list:l0 level${level} lfo1"><span style="mso-list:Ignore">o </span>${inside}</p>`
      const html = `<html xmlns:w="urn:schemas-microsoft-com:office:word"><head><style>
        @list l0:level1 { mso-level-number-format:bullet; }</style></head><body>
        ${item(1, '<b>one</b><img src="data:," onerror="globalThis.ran = 1">')}
        ${item(2, '<svg onload="globalThis.ran = 2"></svg>two<video src="data:," onerror="globalThis.ran = 3"></video>')}
        <p>end</p></body></html>`
      const data = new DataTransfer()
      data.setData('text/html', html)
      data.setData('text/plain', 'plain')
      rich.quill.root.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      )
    })
    // What would run does so when the picture has failed to load; this one fails later.
    await page.evaluate(
      () => new Promise(resolve => Object.assign(new Image(), { onerror: resolve, src: 'data:,' })),
    )
    assert.equal(await page.evaluate(() => 'ran' in globalThis), false)
    const { stored } = await state()
    assert.deepEqual(stored.ops, [
      { insert: 'one', attributes: { bold: true } },
      { insert: '\n', attributes: { list: 'bullet' } },
      { insert: 'two' },
      { insert: '\n', attributes: { list: 'ordered' } },
      { insert: 'end\n' },
    ])
  })

  it('[B7] makes an absolute link of an address as people type it, and no link of a script', async () => {
    for (const [typed, stored] of [
      ['example.org/a', 'https://example.org/a'],
      ['me@example.org', 'mailto:me@example.org'],
      ['javascript:alert(1)', undefined],
      ['/etc', undefined],
    ] as const) {
      await open('link\n')
      await page.evaluate(link => rich.quill.formatText(0, 4, 'link', link, 'user'), typed)
      const content = await state()
      assert.deepEqual(content.shown, content.stored.ops, typed)
      assert.equal(
        (content.stored.ops[0] as { attributes?: { link: string } }).attributes?.link,
        stored,
        typed,
      )
    }
  })

  it('[B8] shows the document again when it refuses what was typed', async () => {
    await open('text\n')
    await select(2)
    await page.evaluate(() => rich.quill.insertText(2, '\ud83d', 'user'))
    assert.equal(await page.evaluate(() => rich.refusals.length), 1)
    await agrees('text\n')
    await page.keyboard.type('x')
    await agrees('texxt\n')
  })

  it('[B9] undoes only what was typed here', async () => {
    await open('\n')
    await page.keyboard.type('mine')
    await remote(insertAt(0, 'theirs '))
    await page.keyboard.press('Control+z')
    await agrees('theirs \n')
  })

  it('[B10] shows carriage returns as a sign, so that no position moves', async () => {
    await open('a\r\nb\n')
    await select(4)
    await page.keyboard.type('!')
    const { stored } = await state()
    assert.deepEqual(stored.ops, [{ insert: 'a\r\nb!\n' }])
  })

  it('[B11] leaves Tab to the page', async () => {
    await open('text\n')
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement === rich.quill.root), false)
    assert.deepEqual(await sent(), [])
  })
})
