/** One simulated device: a storage, and up to three tabs that agree on one hub. */

import type { Doc } from '../../client/api.ts'
import type { Random } from '../random.ts'
import { Commons, type Exchange } from './agreement.ts'
import { Page, type Place, type Surroundings } from './page.ts'
import type { Program } from './program.ts'
import type { DeviceStorage } from './storage.ts'

export interface BrowserOptions {
  readonly name: string
  /** The device that it was copied from, or its own name. */
  readonly family?: string
  readonly docs: readonly string[]
  readonly tabs: number
  /** Whether its tabs can agree; if not there is one. */
  readonly agrees: boolean
  readonly storage: DeviceStorage
  readonly exchange: Exchange
}

export class Browser {
  readonly name: string
  readonly family: string
  readonly docs: readonly string[]
  readonly storage: DeviceStorage
  readonly maxTabs: number
  readonly agrees: boolean
  #pages: Page[] = []
  readonly #place: Place
  readonly #around: Surroundings
  readonly #random: Random

  constructor(options: BrowserOptions, around: Surroundings, random: Random) {
    const { name, docs, storage, exchange, agrees } = options
    this.name = name
    this.family = options.family ?? name
    this.docs = docs
    this.storage = storage
    this.maxTabs = agrees ? options.tabs : 1
    this.agrees = agrees
    this.#around = around
    this.#random = random
    const commons = new Commons(around.clock, random.fork(), exchange)
    const agree = agrees ? (program: Program) => commons.for(program) : null
    this.#place = { device: name, family: this.family, docs, storage, agree }
  }

  /** The tabs that are there and not about to go. */
  get pages(): readonly Page[] {
    return this.#pages.filter(page => page.program.alive && !page.closing)
  }

  get awake(): readonly Page[] {
    return this.pages.filter(page => !page.program.frozen)
  }

  /** Tabs that are closing still have it. */
  get off(): boolean {
    return !this.#pages.some(page => page.program.alive)
  }

  /** Opens a tab, with some of the device's documents in it. */
  open(ids: readonly string[] = this.#some()): Page {
    this.#pages = this.#pages.filter(page => page.program.alive)
    const page = new Page(this.#place, this.#around, this.#random.fork())
    this.#pages.push(page)
    for (const id of ids) page.open(id)
    return page
  }

  #some(): readonly string[] {
    const some = this.docs.filter(() => this.#random.chance(0.6))
    return some.length > 0 ? some : [this.#random.pick(this.docs)]
  }

  /** All its processes die. */
  crash(): void {
    for (const page of this.#pages) page.program.kill()
  }

  /** All documents of the device are open in a tab that is awake. */
  wake(): void {
    for (const page of this.pages) page.program.thaw()
    const [first] = this.pages
    if (!first) this.open(this.docs)
    else for (const id of this.docs) first.open(id)
  }

  /** What its tabs show, each opened document of each tab. */
  get views(): { readonly id: string; readonly doc: Doc }[] {
    return this.pages.flatMap(page => [...page.docs].map(([id, doc]) => ({ id, doc })))
  }
}
