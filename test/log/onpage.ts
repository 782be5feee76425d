/** The log in pages of a real Chromium, for whole suites: `page.ts` runs in each of them. */

import { type Chromium, launchChromium, needsChromium } from '../browser/harness/chromium.ts'
import { bundle, type Pages, servePages } from '../browser/harness/pages.ts'

export interface OnPage {
  readonly pages: Pages
  readonly chromium: Chromium
}

/** In a `describe`: hands its tests a Chromium and where the pages are; both are gone after the last of them. */
export function useLogPages(take: (on: OnPage) => void): void {
  let pages: Pages | undefined
  let chromium: Chromium | undefined
  before(async function () {
    needsChromium(this)
    const script = await bundle(new URL('./page.ts', import.meta.url).pathname)
    pages = await servePages({ '/': '<!doctype html><script src="/page.js"></script>', '/page.js': script })
    chromium = await launchChromium()
    take({ pages, chromium })
  })
  after(async () => {
    await chromium?.close()
    await pages?.close()
  })
}
