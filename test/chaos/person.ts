/** Somebody at a page of a real browser: types tokens, and what the page shows goes into the ledger. */

import type { CDPSession, Page } from 'playwright-core'
import type { Chromium } from '../browser/harness/chromium.ts'
import type { Random } from '../random.ts'
import type { Standing } from './checker.ts'
import type { Ledger } from './ledger.ts'
import type { ChaosPage, Look, Opening, Report } from './page.ts'

/** The page's own, as the functions that run in it see it. */
declare const chaos: ChaosPage

const PATIENCE_MS = 45_000

/** Where the hub of a browser lives: in a worker that all tabs share, or in one of the tabs. */
export type Home = 'worker' | 'tab'

export interface Surroundings {
  /** Address of the page itself, which is there whatever happens to the server. */
  readonly address: string
  readonly ledger: Ledger
  readonly random: Random
  readonly opening: Omit<Opening, 'seed'>
  readonly token: () => Promise<string | null>
}

export class Person {
  readonly name: string
  readonly browser: Chromium
  readonly page: Page
  readonly #around: Surroundings

  private constructor(name: string, browser: Chromium, page: Page, around: Surroundings) {
    this.name = name
    this.browser = browser
    this.page = page
    this.#around = around
  }

  static async sit(name: string, browser: Chromium, home: Home, around: Surroundings): Promise<Person> {
    const page = await browser.page()
    page.setDefaultTimeout(PATIENCE_MS)
    const person = new Person(name, browser, page, around)
    if (home === 'tab')
      await page.addInitScript(() => {
        Object.assign(window, { SharedWorker: undefined, Worker: undefined })
      })
    await page.exposeFunction('chaosTell', (report: Report) => person.#told(report))
    await page.exposeFunction('chaosToken', around.token)
    return person
  }

  /** The profile is the device. */
  get device(): string {
    return this.browser.profile
  }

  #told({ saved, settled, error }: Report): void {
    const { ledger } = this.#around
    ledger.note('saved', saved)
    ledger.note('settled', settled)
    if (error) ledger.tell(this.device, error)
  }

  /** Goes to the page, or loads it anew, and opens the document. */
  async open(): Promise<this> {
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

  async openDocument(): Promise<void> {
    const opening: Opening = { ...this.#around.opening, seed: this.#around.random.word() }
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

  /** Goes to another page, does `meanwhile` and comes back: to the page as it was, if the browser kept it. */
  async leaveAndComeBack(meanwhile: () => Promise<unknown>): Promise<void> {
    await this.page.goto(`${this.#around.address}elsewhere`)
    await meanwhile()
    await this.page.goBack({ waitUntil: 'commit' }) // a kept page has no load
    await this.page.waitForFunction(() => 'chaos' in globalThis)
    if (!(await this.page.evaluate(() => chaos.opened))) await this.openDocument()
  }

  devtools(): Promise<CDPSession> {
    return this.browser.devtools(this.page)
  }

  async standing(): Promise<Standing> {
    const { truth, data, held } = await this.look()
    return { name: this.name, exists: truth.exists, data, held }
  }
}

/** Says what was waited for, and what there was instead. */
const late = (what: string, look?: () => Promise<Look>) => async (reason: Error) => {
  const instead = await look?.().catch(() => null)
  const shown = instead ? `: ${JSON.stringify(instead.truth)}` : ` (${reason.message.split('\n')[0]})`
  throw new Error(`I9: it took too long until ${what}${shown}`)
}
