/** A real browser in the hands of a test, whichever it is: what Chromium and Firefox have in common. */

import type { BrowserContext, Page } from 'playwright-core'
import type { BrowserName } from './provide.ts'

export interface RealBrowser {
  readonly name: BrowserName
  /** The profile's own context: what it stores is on disk in `profile`. */
  readonly context: BrowserContext
  /** The profile folder; it can be opened again after `kill` or `quit`. */
  readonly profile: string
  /** Of its first process, which is the head of a process group. */
  readonly pid: number
  /** Opens a page in `context`. */
  page(url?: string): Promise<Page>
  /** Kills the browser and all its processes with SIGKILL, as a power cut would; the profile stays. */
  kill(): Promise<void>
  /** Ends the browser in an orderly way; the profile stays. */
  quit(): Promise<void>
  /** `quit`, and removes the profile unless it was handed in. */
  close(): Promise<void>
}

/** Waits until `is` says so in the page; Playwright's own `waitForFunction` takes a promise for a yes. */
export async function until<Arg>(page: Page, is: (arg: Arg) => Promise<boolean>, arg: Arg): Promise<void> {
  while (!(await page.evaluate(is as (arg: unknown) => Promise<boolean>, arg))) {
    await page.evaluate(() => new Promise(resolve => requestAnimationFrame(resolve)))
  }
}
