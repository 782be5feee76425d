/**
 * The element's style. A constructed sheet, because a strict content security policy of the page that embeds us
 * forbids `<style>` but not this; every rule in it is scoped to `holdfast-editor`.
 */

import snow from 'quill/dist/quill.snow.css'
import cursors from 'quill-cursors/css'
import quill from './quill.css'
import own from './style.css'

let sheet: CSSStyleSheet | null = null

/** Gives the document or shadow root that holds `element` the style, once. */
export function adoptStyle(element: Element): void {
  if (sheet === null) {
    sheet = new CSSStyleSheet()
    sheet.replaceSync(snow + cursors + quill + own)
  }
  const root = element.getRootNode() as Document | ShadowRoot
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet]
}
