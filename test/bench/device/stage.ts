/** What a measurement runs on: a server with one document, the line to it, and a browser with a profile of its own. */

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { launchChromium } from '../../browser/harness/chromium.ts'
import { openLine } from '../../browser/harness/line.ts'
import { digest } from '../content.ts'
import { TookTooLong } from '../process.ts'
import { COLLECTION, type Server } from '../systems.ts'
import type { DevicePage } from './page.ts'
import type { DeviceSystem } from './systems.ts'

declare const devicePage: DevicePage

export interface Stage extends AsyncDisposable {
  readonly server: Server
  /** Whether the server can be reached. */
  online: boolean
  /** Closes the page that is open, and opens the document in a fresh one; how long that took, in ms. */
  open(): Promise<number>
  /** Calls a function of the page; throws `TookTooLong`. */
  ask<Name extends keyof DevicePage>(
    name: Name,
    ...args: Parameters<DevicePage[Name]>
  ): Promise<Awaited<ReturnType<DevicePage[Name]>>>
  /** Throws unless the page shows just this text. */
  check(text: string): Promise<void>
  /** Bytes of the files in which the browser keeps IndexedDB. */
  diskBytes(): Promise<number>
}

/** The one document of a stage. */
export const DOCUMENT = 'document'

/** `origin` serves the pages; a call of a page may take `limitMs`. */
export async function openStage(
  { name, start }: DeviceSystem,
  origin: string,
  text: string,
  limitMs: number,
): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const server = await start()
  opened.defer(() => server.stop())
  await server.create(DOCUMENT, text)
  const line = await openLine({ port: Number(new URL(server.url).port) })
  opened.defer(() => line.close())
  const chromium = await launchChromium()
  opened.defer(async () => {
    await chromium.kill() // a page that took too long would not let it quit
    await chromium.close()
  })
  const address = new URL(server.url)
  address.port = String(line.port)
  let page: Page | undefined
  const ask: Stage['ask'] = (call, ...args) =>
    limited(limitMs, call, page!.evaluate(callPage, [call, args] as const)) as never
  const all = opened.move()
  return {
    server,
    get online() {
      return line.mode === 'pass'
    },
    set online(wanted) {
      line.mode = wanted ? 'pass' : 'refuse'
    },
    async open() {
      await page?.close()
      page = await chromium.page()
      await page.exposeFunction('mendLine', () => {
        line.mode = 'pass'
      })
      await page.goto(`${origin}/${name}`)
      return ask('open', address.href, { collection: COLLECTION, id: DOCUMENT })
    },
    ask,
    async check(text) {
      const shown = digest(await ask('text'))
      if (shown.hash !== digest(text).hash)
        throw new Error(`the page shows another text, of ${shown.length} and not ${text.length} characters`)
    },
    diskBytes: () => bytesUnder(join(chromium.profile, 'Default', 'IndexedDB')),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Runs in the page. */
const callPage = ([name, args]: readonly [keyof DevicePage, readonly unknown[]]) =>
  (devicePage[name] as (...args: readonly unknown[]) => unknown)(...args)

function limited<T>(limitMs: number, what: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new TookTooLong(`${what} took over ${limitMs / 1000} s`))
    const timer = setTimeout(late, limitMs)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

async function bytesUnder(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = files
    .filter(file => file.isFile())
    .map(async file => (await stat(join(file.parentPath, file.name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
