/** Somebody at a page of a real browser: types tokens, and what the page shows goes into the ledger. */

import type { CDPSession, Page } from 'playwright-core'
import type { RealBrowser } from '../browser/harness/browser.ts'
import type { Chromium } from '../browser/harness/chromium.ts'
import { onDisk } from '../browser/harness/disk.ts'
import type { Random } from '../random.ts'
import type { Standing } from './checker.ts'
import type { Ledger } from './ledger.ts'
import { type AppSchema, type ChaosPage, DEVICE, type Look, type Opening, type Report } from './opening.ts'

/** The page's own, as the functions that run in it see it. */
declare const chaos: ChaosPage

const PATIENCE_MS = 45_000

/** Where the hub of a browser lives, by what its pages lack: in a worker that all tabs share, in one of a tab, in a tab. */
const LACKING = { worker: [], 'own worker': ['SharedWorker'], tab: ['SharedWorker', 'Worker'] } as const
export type Home = keyof typeof LACKING

export interface Surroundings {
  /** Address of the page itself, which is there whatever happens to the server. */
  readonly address: string
  readonly ledger: Ledger
  readonly random: Random
  readonly opening: Omit<Opening, 'seed' | 'schema'>
  readonly token: () => Promise<string | null>
}

export class Person {
  readonly name: string
  readonly browser: RealBrowser
  readonly page: Page
  readonly #around: Surroundings
  #schema: AppSchema = { version: 1, upcasts: 'lift' }

  private constructor(name: string, browser: RealBrowser, page: Page, around: Surroundings) {
    this.name = name
    this.browser = browser
    this.page = page
    this.#around = around
  }

  /** `hidden`: in a private window. */
  static async sit(
    name: string,
    browser: RealBrowser,
    { home, hidden }: { home: Home; hidden: boolean },
    around: Surroundings,
  ): Promise<Person> {
    const page = await (hidden ? privatePage(browser) : browser.page())
    page.setDefaultTimeout(PATIENCE_MS)
    const person = new Person(name, browser, page, around)
    await page.addInitScript(lacking => {
      for (const name of lacking) Object.assign(window, { [name]: undefined })
    }, LACKING[home])
    await page.exposeFunction('chaosTell', (report: Report) => person.#told(report))
    await page.exposeFunction('chaosToken', around.token)
    return person
  }

  /** The profile is the device. */
  get device(): string {
    return this.browser.profile
  }

  /** Throws where it is no Chromium: the scenario is for Chromium alone. */
  get chromium(): Chromium {
    return asChromium(this.browser)
  }

  #told({ saved, settled, error, lost }: Report): void {
    const { ledger } = this.#around
    ledger.note('saved', saved)
    ledger.note('settled', settled)
    if (error) ledger.tell(this.device, error)
    if (lost > 0) ledger.tellLost(this.device, lost)
  }

  /** Goes to the page, or loads it anew, as another version if so, and opens the document. */
  async open({ schema = this.#schema } = {}): Promise<this> {
    this.#schema = schema
    await this.page.goto(this.#around.address)
    await this.openDocument()
    return this
  }

  /** Before the first write: Chromium remembers for 30 s how much it found free. */
  async limit(quotaSize: number): Promise<void> {
    const { origin } = new URL(this.#around.address)
    const devtools = await this.devtools()
    await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize })
  }

  /** The browser throws away what the page keeps. */
  async clear(storageTypes: 'indexeddb' | 'all'): Promise<void> {
    const { origin } = new URL(this.#around.address)
    const devtools = await this.devtools()
    await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes })
  }

  /** What a page of a newer version does, which has the database in another shape. */
  async takeDatabase(): Promise<void> {
    await this.page.evaluate(
      name =>
        new Promise<void>((resolve, reject) => {
          const opening = indexedDB.open(name, 1_000)
          opening.onerror = () => reject(opening.error)
          opening.onsuccess = () => {
            opening.result.close()
            resolve()
          }
        }),
      DEVICE,
    )
  }

  async openDocument(): Promise<void> {
    const { opening: shared, random } = this.#around
    const opening: Opening = { ...shared, schema: this.#schema, seed: random.word() }
    await this.page.evaluate(opening => chaos.open(opening), opening)
  }

  /** Types `count` tokens; resolves when the last one is made. */
  async type(count: number, everyMs = 0): Promise<number[]> {
    const tokens = this.#around.ledger.write(this.name, this.device, count)
    await this.page.evaluate(([tokens, everyMs]) => chaos.type(tokens, everyMs), [tokens, everyMs] as const)
    return tokens
  }

  /** Types in a page that will not live to the end of it. */
  typeOn(count: number, everyMs = 0): void {
    this.type(count, everyMs).catch(() => {})
  }

  paste(characters: number): Promise<void> {
    return this.page.evaluate(characters => chaos.paste(characters), characters)
  }

  delete(): Promise<void> {
    return this.page.evaluate(() => chaos.delete())
  }

  retry(): Promise<void> {
    return this.page.evaluate(() => chaos.retry())
  }

  restore(): Promise<void> {
    return this.page.evaluate(() => chaos.restore())
  }

  jump(ms: number): Promise<void> {
    return this.page.evaluate(ms => chaos.jump(ms), ms)
  }

  look(): Promise<Look> {
    return this.page.evaluate(() => chaos.look())
  }

  /** Waits until the page shows all so far as saved on the device. */
  async saved(): Promise<void> {
    await this.#until('saved', () => chaos.look().truth.saved)
  }

  async settled(): Promise<void> {
    await this.#until('settled', () => chaos.look().truth.settled)
  }

  async holding(): Promise<void> {
    await this.#until('held', () => chaos.look().truth.status === 'held')
  }

  /** Waits until all that it has and no server has is noted where its log is not, on the disk too. */
  async noted(): Promise<void> {
    await this.#until('noted', () => chaos.noted()?.edits === chaos.look().truth.unsent)
    const note = await this.page.evaluate(() => chaos.noted())
    if (this.browser.name === 'chromium') await onDisk(this.device, content => content.includes(note!.text))
  }

  /** Waits until it says that the server went back. */
  async behind(): Promise<void> {
    await this.#until('behind', () =>
      ['SERVER_BEHIND', 'SERVER_DIVERGED'].includes(chaos.look().truth.error?.code ?? ''),
    )
  }

  async offline(): Promise<void> {
    await this.#until('offline', () => chaos.look().truth.status === 'offline')
  }

  /** Waits until it shows so many tokens at least. */
  async sees(count: number): Promise<void> {
    const seen = (count: number) =>
      (JSON.stringify(chaos.look().data).match(/[\u{20000}-\u{2ffff}]/gu) ?? []).length >= count
    await this.page.waitForFunction(seen, count, { polling: 50 }).catch(late(`${this.name} sees ${count}`))
  }

  /** Nothing is on its way any more. */
  async rested(): Promise<void> {
    await this.#until('at rest', () => {
      const { status, unsent } = chaos.look().truth
      return status === 'held' || (status === 'synced' && unsent === 0)
    })
  }

  /** Waits until it shows the document as the server has it. */
  async agrees(data: unknown): Promise<void> {
    await this.page
      .waitForFunction(data => chaos.shows(data), data, { polling: 50, timeout: 10_000 })
      .catch(() => {}) // the checker says what differs
  }

  async #until(what: string, done: () => boolean): Promise<void> {
    await this.page
      .waitForFunction(done, undefined, { polling: 50 })
      .catch(late(`${this.name} is ${what}`, () => this.look()))
  }

  /** Goes to another page, does `meanwhile` and comes back; whether it is the page as it was, or a new one. */
  async leaveAndComeBack(meanwhile: () => Promise<unknown>): Promise<boolean> {
    await this.page.goto(`${this.#around.address}elsewhere`)
    await meanwhile()
    await this.page.goBack({ waitUntil: 'commit' }) // a kept page has no load
    await this.page.waitForFunction(() => 'chaos' in globalThis)
    const kept = await this.page.evaluate(() => chaos.opened)
    if (!kept) await this.openDocument()
    return kept
  }

  devtools(): Promise<CDPSession> {
    return this.chromium.devtools(this.page)
  }

  async standing(): Promise<Standing> {
    const { truth, data, held } = await this.look()
    return { name: this.name, exists: truth.exists, data, held }
  }
}

function asChromium(browser: RealBrowser): Chromium {
  if (browser.name !== 'chromium') throw new Error(`${browser.name} cannot do that`)
  return browser as Chromium
}

async function privatePage(browser: RealBrowser): Promise<Page> {
  const context = await asChromium(browser).browser.newContext()
  return context.newPage()
}

/** Says what was waited for, and what there was instead. */
const late = (what: string, look?: () => Promise<Look>) => async (reason: Error) => {
  const instead = await look?.().catch(() => null)
  const shown = instead ? `: ${JSON.stringify(instead.truth)}` : ` (${reason.message.split('\n')[0]})`
  throw new Error(`I9: it took too long until ${what}${shown}`)
}
