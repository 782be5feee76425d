/** What runs inside the test page: one editor on a document whose others are played by the test. */

import {
  bindQuill,
  bindTextarea,
  makeEditor,
  type RichDoc,
  type TextDoc,
} from '../../client/binding/index.ts'
import { FakeDoc } from './fake.ts'

/** A rich editor on `ops`. */
function openRich(ops: unknown[]) {
  document.body.innerHTML = '<div id="host"></div>'
  const doc = new FakeDoc('rich', { ops })
  const quill = makeEditor(document.querySelector<HTMLElement>('#host')!, 'Text')
  const refusals: unknown[] = []
  const binding = bindQuill(quill, doc as unknown as RichDoc, { refused: error => refusals.push(error) })
  return { doc, quill, binding, refusals }
}

/** A textarea on `text`. */
function openText(text: string) {
  document.body.innerHTML = '<textarea id="area"></textarea>'
  const doc = new FakeDoc('text', text)
  const area = document.querySelector<HTMLTextAreaElement>('#area')!
  const refusals: unknown[] = []
  const binding = bindTextarea(area, doc as unknown as TextDoc, { refused: error => refusals.push(error) })
  return { doc, area, binding, refusals }
}

const scene = { openRich, openText }
export type Scene = typeof scene
Object.assign(globalThis, scene)
