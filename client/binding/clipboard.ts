/**
 * What is pasted, on its way into an editor. It comes from anywhere, so it is parsed where nothing of it can run, and none of
 * it is written into the page as HTML: Quill's own way does that with the items of a text processor's lists (Quill 2.0.3,
 * msWord.js), which Trusted Types forbid.
 */

import Clipboard, { traverse } from 'quill/modules/clipboard.js'
import { parsed } from '../trusted.ts'
import type { Delta } from './delta.ts'

/** What a text processor marks: the items of its lists, and in them the numbers and dots that it draws. */
const MARKED = '[style*=mso-list]'
/** Stands, with a number behind it, for the content of an item. */
const TOKEN = '\uE000'

export class SafeClipboard extends Clipboard {
  /** Files are not taken: whatever comes with them is. */
  override onCapturePaste(event: ClipboardEvent): void {
    if (event.defaultPrevented || !this.quill.isEnabled()) return
    event.preventDefault()
    const range = this.quill.getSelection(true)
    const given = (type: string) => event.clipboardData?.getData(type) ?? ''
    const html = given('text/html')
    const text = given('text/plain') || given('text/uri-list')
    if (range && (html || text)) this.onPaste(range, { html, text })
  }

  protected override convertHTML(html: string): Delta {
    const doc = parsed(html)
    this.normalizeHTML(doc)
    const matches = new WeakMap()
    const [elements, texts] = this.prepareMatching(doc.body, matches)
    return traverse(this.quill.scroll, doc.body, elements as never, texts as never, matches)
  }

  /** Quill sorts the items, without their content. */
  protected override normalizeHTML(doc: Document): void {
    const marked = [...doc.querySelectorAll<HTMLElement>(MARKED)]
    for (const each of marked) if (/mso-list:[^;]*ignore/i.test(each.getAttribute('style')!)) each.remove()
    const items = marked.filter(each => each.isConnected && !each.parentElement?.closest(MARKED))
    const contents = new Map(items.map((item, i) => [`${TOKEN}${i}`, [...item.childNodes]]))
    for (const [i, item] of items.entries()) item.replaceChildren(`${TOKEN}${i}`)
    super.normalizeHTML(doc)
    for (const place of doc.querySelectorAll(`li, ${MARKED}`)) {
      const content = contents.get(place.textContent)
      if (content) place.replaceChildren(...content)
    }
  }
}
