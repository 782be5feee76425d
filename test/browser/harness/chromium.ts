/**
 * A real Chromium for a test: a process of our own, driven by Playwright over the DevTools protocol. Because we start
 * it ourselves we know its process id, can kill it as a power cut would, and can open the same profile again.
 */

import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core'
import type { RealBrowser } from './browser.ts'
import { end, start } from './processes.ts'
import { findBrowser } from './provide.ts'

const START_MS = 30_000
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--disable-breakpad',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-extensions',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--password-store=basic',
  '--remote-debugging-port=0',
]

export interface Chromium extends RealBrowser {
  readonly name: 'chromium'
  /** `browser.newContext()` makes private contexts. */
  readonly browser: Browser
  /** A DevTools session on `page`, for what Playwright has no word for (quota, crash, lifecycle). */
  devtools(page: Page): Promise<CDPSession>
  /** The browser's offline switch for everything: Playwright's own leaves SharedWorkers online. */
  setOffline(offline: boolean): Promise<void>
  /** Ends all SharedWorkers where they stand; answers how many there were. */
  endWorkers(): Promise<number>
  /** What a page saved in IndexedDB is in the profile then; localStorage may not be, Chromium writes it seconds later. */
  quit(): Promise<void>
}

/**
 * In a `before` hook, `needsChromium(this)`: skips the tests of the suite, and the rest of the hook, when there is no
 * Chromium (`npm test` says so, and provides one where it can).
 */
export function needsChromium(context: Mocha.Context): void {
  if (findBrowser('chromium') === null) context.skip()
}

/** Starts Chromium on a fresh profile in a temporary folder, or on the one handed in. */
export async function launchChromium(
  options: { profile?: string | undefined; flags?: readonly string[] } = {},
): Promise<Chromium> {
  const path = findBrowser('chromium')
  if (path === null) throw new Error('there is no Chromium: run the tests by `npm test`, which provides one')
  const profile = options.profile ?? (await mkdtemp(join(tmpdir(), 'holdfast-chromium-')))
  const flags = [...FLAGS, ...(options.flags ?? []), `--user-data-dir=${profile}`, 'about:blank']
  const child = start(path, flags, { stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    const browser = await chromium.connectOverCDP(await devtoolsAddress(child))
    return handle(child, browser, profile, options.profile === undefined)
  } catch (error) {
    await end(child)
    throw error
  }
}

function handle(child: ChildProcess, browser: Browser, profile: string, ours: boolean): Chromium {
  const context = browser.contexts()[0]!
  const quit = () => end(child, 'SIGTERM')
  return {
    name: 'chromium',
    browser,
    context,
    profile,
    pid: child.pid!,
    async page(url) {
      const page = await context.newPage()
      if (url !== undefined) await page.goto(url)
      return page
    },
    devtools: page => context.newCDPSession(page),
    endWorkers: () => endWorkers(browser),
    async setOffline(offline) {
      await Promise.all([context.setOffline(offline), setWorkersOffline(browser, offline)])
    },
    kill: () => end(child),
    quit,
    async close() {
      await quit()
      if (ours) await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}

async function endWorkers(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession()
  const { targetInfos } = await session.send('Target.getTargets')
  const workers = targetInfos.filter(({ type }) => type === 'shared_worker')
  for (const { targetId } of workers) await session.send('Target.closeTarget', { targetId })
  return workers.length
}

/** Through the browser's own session, because Playwright has none for a SharedWorker. */
async function setWorkersOffline(browser: Browser, offline: boolean): Promise<void> {
  const session = await browser.newBrowserCDPSession()
  const { targetInfos } = await session.send('Target.getTargets')
  for (const { targetId, type } of targetInfos) {
    if (type !== 'shared_worker') continue
    const { sessionId } = await session.send('Target.attachToTarget', { targetId })
    const answered = new Promise<void>(resolve =>
      session.once('Target.receivedMessageFromTarget', () => resolve()),
    )
    const params = { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 }
    const message = JSON.stringify({ id: 1, method: 'Network.emulateNetworkConditions', params })
    await session.send('Target.sendMessageToTarget', { sessionId, message })
    await answered
  }
  // Detaching would undo it; the session ends with the browser.
}

/** Chromium prints the address of its DevTools once it listens. */
async function devtoolsAddress(child: ChildProcess): Promise<string> {
  const said: string[] = []
  const signal = AbortSignal.timeout(START_MS)
  const lines = createInterface({ input: child.stderr!, signal })
  child.once('error', error => said.push(error.message))
  for await (const line of lines) {
    const address = /^DevTools listening on (ws:\S+)/.exec(line)?.[1]
    said.push(line)
    if (address) {
      child.stderr!.resume()
      return address
    }
  }
  throw new Error(`Chromium did not start:\n${said.join('\n')}`)
}
