/** The textarea binding in a real Chromium. */

import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import type { Chromium } from '../browser/harness/chromium.ts'
import type { Scene } from './scene.ts'
import { useStage } from './stage.ts'

declare const openText: Scene['openText']
declare global {
  var plain: ReturnType<Scene['openText']>
}

describe('Textarea binding', () => {
  let page: Page
  let chromium: Chromium
  useStage(stage => {
    page = stage.page
    chromium = stage.chromium
  })

  const open = (text: string) =>
    page.evaluate(content => {
      globalThis.plain = openText(content)
      plain.area.focus()
    }, text)
  const remote = (op: unknown) => page.evaluate(change => plain.doc.remote(change), op)
  const select = (start: number, end = start) =>
    page.evaluate(([from, to]) => plain.area.setSelectionRange(from!, to!), [start, end])
  const state = () =>
    page.evaluate(() => ({
      value: plain.area.value,
      stored: plain.doc.data,
      sent: plain.doc.sent,
      selection: [plain.area.selectionStart, plain.area.selectionEnd],
    }))

  it('[B12] sends what was typed, pasted over and deleted, in code points', async () => {
    await open('😀😀')
    await select(2)
    await page.keyboard.type('a')
    await page.keyboard.press('Delete')
    await select(0, 2)
    await page.keyboard.insertText('日本')
    const { value, stored, sent } = await state()
    assert.equal(value, '日本a')
    assert.equal(stored, value)
    assert.deepEqual(sent, [
      [1, 'a'],
      [2, { d: 1 }],
      ['日本', { d: 1 }],
    ])
  })

  it('[B4] leaves the selection of a textarea where its owner put it', async () => {
    const failures = await page.evaluate(() => {
      const wrong: unknown[] = []
      const content = 'ab😀cd'
      const points = [0, 1, 2, 4, 5, 6]
      for (const start of points) {
        for (const end of points.filter(point => point >= start)) {
          for (const [skip, at] of points.entries()) {
            const { area, doc } = openText(content)
            area.setSelectionRange(start, end)
            doc.remote([...(skip > 0 ? [skip] : []), 'é😀'])
            const moves = (point: number, sticks: boolean) =>
              at < point || (at === point && sticks) ? point + 3 : point
            const wanted = start === end ? [moves(start, false)] : [moves(start, true), moves(end, false)]
            const right = area.selectionStart === wanted[0] && area.selectionEnd === wanted.at(-1)
            if (!right) wrong.push({ start, end, at, now: [area.selectionStart, area.selectionEnd] })
          }
        }
      }
      return wrong
    })
    assert.deepEqual(failures, [])
  })

  it('[B6] holds the edits of others back while an input method composes in a textarea', async () => {
    await open('ab')
    await select(1)
    const devtools = await chromium.devtools(page)
    await devtools.send('Input.imeSetComposition', { text: 'に', selectionStart: 1, selectionEnd: 1 })
    await remote(['remote '])
    assert.equal((await state()).value, 'aにb', 'still composing')
    await devtools.send('Input.insertText', { text: '日' })
    await page.waitForFunction(() => plain.area.value === 'remote a日b')
    const { stored, sent, selection } = await state()
    assert.equal(stored, 'remote a日b')
    assert.deepEqual(sent, [[8, '日']])
    assert.deepEqual(selection, [9, 9])
  })

  it('[B10] shows carriage returns in a textarea as a sign', async () => {
    await open('a\r\nb')
    await select(4)
    await page.keyboard.type('!')
    assert.equal((await state()).stored, 'a\r\nb!')
  })

  it('[B3] sends nothing for what others wrote', async () => {
    await open('one')
    await remote([3, ' two'])
    await remote([{ d: 4 }])
    const { value, sent } = await state()
    assert.equal(value, 'two')
    assert.deepEqual(sent, [])
  })
})
