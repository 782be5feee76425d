/** A real Firefox for a test: as people install it, driven by Playwright over WebDriver BiDi. */

import { mkdtemp, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, firefox } from 'playwright-core'
import type { RealBrowser } from './browser.ts'
import { findBrowser } from './provide.ts'

const START_MS = 60_000
/** It asks nobody for anything, and does not open the pages of its last life again. */
const PREFERENCES = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.sessionstore.resume_from_crash': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'browser.safebrowsing.provider.google4.updateURL': '',
  'browser.safebrowsing.provider.google5.updateURL': '',
  'browser.safebrowsing.provider.mozilla.updateURL': '',
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.push.connection.enabled': false,
  'extensions.update.enabled': false,
  'media.gmp-manager.url': '',
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,#none',
  'toolkit.telemetry.server': '',
}

export interface Firefox extends RealBrowser {
  readonly name: 'firefox'
}

/** In a `before` hook, `needsFirefox(this)`: skips the tests of the suite, and the rest of the hook, when there is none. */
export function needsFirefox(context: Mocha.Context): void {
  if (findBrowser('firefox') === null) context.skip()
}

/** Starts Firefox on a fresh profile in a temporary folder, or on the one handed in. */
export async function launchFirefox(options: { profile?: string | undefined } = {}): Promise<Firefox> {
  const executablePath = findBrowser('firefox')
  if (executablePath === null) throw new Error('there is no Firefox: `npm test` provides one')
  const profile = options.profile ?? (await mkdtemp(join(tmpdir(), 'holdfast-firefox-')))
  const context = await firefox.launchPersistentContext(profile, {
    channel: 'moz-firefox',
    executablePath,
    headless: true,
    timeout: START_MS,
    firefoxUserPrefs: PREFERENCES,
  })
  return handle(context, profile, await pidOf(profile), options.profile === undefined)
}

function handle(context: BrowserContext, profile: string, pid: number, ours: boolean): Firefox {
  const ended = new Promise<void>(resolve => context.once('close', () => resolve()))
  const quit = () => context.close()
  return {
    name: 'firefox',
    context,
    profile,
    pid,
    async page(url) {
      const page = await context.newPage()
      if (url !== undefined) await page.goto(url)
      return page
    },
    async kill() {
      process.kill(-pid, 'SIGKILL')
      await ended
    },
    quit,
    async close() {
      await quit()
      if (ours) await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}

/** Firefox notes in its profile who has it: `lock -> ADDRESS:+PID`. */
async function pidOf(profile: string): Promise<number> {
  const holder = await readlink(join(profile, 'lock'))
  const pid = Number(/\+(\d+)$/.exec(holder)?.[1])
  if (!(pid > 1)) throw new Error(`nobody holds the profile ${profile}: ${holder}`)
  return pid
}
