/**
 * The simulation: real tabs, hubs, engines, links, gateway, ShareDB backend and store over a seeded network, in virtual
 * time. One seed decides everything; the same seed gives the same run.
 */

import type { Doc } from '../../client/api.ts'
import type { StoredSnapshot } from '../../server/store/store.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import { Random } from '../random.ts'
import { Browser } from './browser.ts'
import type { Bug } from './bugs.ts'
import { check, type Outcome } from './checker.ts'
import { VirtualClock } from './clock.ts'
import { tokensPutIn } from './edits.ts'
import { Ledger } from './ledger.ts'
import { fair, Network, type Weather } from './network.ts'
import { COLLECTION, type Page, type Surroundings, saysItFails } from './page.ts'
import { type Plan, planOf } from './plan.ts'
import { Site } from './site.ts'
import { DeviceStorage } from './storage.ts'

export interface Run {
  readonly seed: number
  readonly type: TypeName
  readonly bug?: Bug | null
  /** Whether people also decide about held edits, link documents and carry rescue files. */
  readonly people?: boolean
}

type Act = (browser: Browser) => unknown
type Actions = readonly (readonly [weight: number, act: Act])[]

const TYPES: readonly TypeName[] = ['text', 'rich', 'json']

/** The type that a seed runs when none is asked for. */
export const typeOfSeed = (seed: number): TypeName => TYPES[seed % TYPES.length]!

/** Virtual time within which everything must have come to rest once the faults are over. */
const HEAL_MS = 10 * 60_000

/** Virtual time after which nothing is on its way any more that a dead device had sent. */
const DRY_MS = 5_000

/** More than a hub may be silent (client/tab/seeker.ts). */
const LONG_MS = 16_000

/** Runs one seed to its end and checks it; throws what the checker found. */
export async function simulate(run: Run): Promise<Outcome> {
  const world = new World(run)
  try {
    await world.live()
    await world.heal()
    return await check(world)
  } finally {
    await world.end()
  }
}

export class World {
  readonly clock = new VirtualClock()
  readonly ledger = new Ledger()
  readonly type: TypeName
  readonly plan: Plan
  readonly site: Site
  readonly network: Network
  readonly browsers: Browser[]
  readonly exchange = { messages: 0, steals: 0 }
  readonly counts = {
    edits: 0,
    outages: 0,
    crashes: 0,
    closes: 0,
    freezes: 0,
    undos: 0,
    kills: 0,
    deletes: 0,
    trims: 0,
    refused: 0,
    cut: 0,
    spoil: 0,
    evict: 0,
    fill: 0,
    clone: 0,
    restores: 0,
    decisions: 0,
    links: 0,
    files: 0,
  }
  /** The server went back to a backup. */
  restored = false
  readonly #random: Random
  readonly #around: Surroundings
  readonly #actions: Actions
  /** Devices whose edits the server refuses now. */
  readonly #refused = new Set<string>()
  readonly #closing: Promise<void>[] = []
  readonly #files: string[] = []
  #backedUp = false

  constructor({ seed, type, bug = null, people = false }: Run) {
    this.type = type
    this.#random = new Random(seed)
    const plan = planOf(this.#random.fork(), people)
    this.plan = plan
    const documentBytes = plan.refusal === 'large' ? 1024 : undefined
    this.site = new Site({ ...(documentBytes && { documentBytes }), refusal: op => this.#refusal(op.src) })
    const accept = bug?.accept?.(this.site.accept) ?? this.site.accept
    this.network = new Network(this.clock, this.#random.fork(), accept)
    const { clock, network, ledger } = this
    this.#around = { clock, network, ledger, type, bug }
    this.browsers = plan.devices.map((device, i) => {
      const name = `device${i}`
      const storage = DeviceStorage.make(name, ledger, this.#random.fork(), plan.damage === 'cut')
      const { exchange } = this
      return new Browser({ ...device, name, storage, exchange }, this.#around, this.#random.fork())
    })
    this.#actions = this.#listActions()
  }

  #listActions(): Actions {
    const { deletes, trims, freezes, damage, restores, refusal, undo, people } = this.plan
    const tabs = this.plan.devices.some(device => device.tabs > 1)
    return [
      [62, browser => this.#edit(browser)],
      [9, browser => this.#toggle(browser)],
      [6, browser => this.network.cut(browser.name)],
      [8, browser => this.#crash(browser)],
      [4, browser => this.#close(browser)],
      [4, () => this.#restart()],
      [5, browser => this.#openOrLetGo(browser)],
      [tabs ? 8 : 0, browser => this.#openTab(browser)],
      [freezes ? 6 : 0, browser => this.#freeze(browser)],
      [trims ? 2 : 0, () => this.#trim()],
      [deletes ? 1.5 : 0, browser => this.#delete(browser)],
      [damage ? 6 : 0, browser => this.#damage(browser)],
      [restores ? 6 : 0, () => this.#goBack()],
      [undo ? 14 : 0, browser => this.#undo(browser)],
      [refusal && refusal !== 'large' ? 4 : 0, browser => this.#refuse(browser)],
      [people ? 8 : 0, browser => this.#decide(browser)],
      [people && !restores ? 10 : 0, browser => this.#link(browser)],
      [people && !restores ? 5 : 0, browser => this.#carryFile(browser)],
    ]
  }

  get keys() {
    return this.plan.docs.map(id => ({ collection: COLLECTION, id }))
  }

  /** The troubled part: edits and faults. */
  async live(): Promise<void> {
    this.site.start()
    for (const browser of this.browsers)
      for (let tabs = 1 + this.#random.int(browser.maxTabs); tabs > 0; tabs--) browser.open()
    this.network.weather = stormy(this.#random)
    for (let i = 0; i < this.plan.steps; i++) {
      await this.#act()
      await this.#pass(this.#random.next() ** 3 * 4000)
    }
  }

  /** The faults end; whatever is left must come right by itself, with no further edit. */
  async heal(): Promise<void> {
    this.network.weather = fair
    this.#refused.clear()
    for (const { name, storage } of this.browsers) {
      this.network.setMode(name, 'pass')
      storage.fill(false)
    }
    await this.#pass(1001)
    await Promise.all(this.#closing)
    for (const browser of this.browsers) browser.wake()
    const end = this.clock.now + HEAL_MS
    do {
      await this.#pass(1000)
      if (this.plan.people) this.#decideAll()
    } while (this.clock.now < end && !(await this.#atRest()))
  }

  /** What waits for a held edit waits until somebody has decided about that. */
  #decideAll(): void {
    for (const browser of this.browsers)
      for (const page of browser.awake)
        for (const [id, doc] of page.docs)
          if (doc.held.length > 0 && !this.barred(doc)) page.decide(id, 'discard')
  }

  async end(): Promise<void> {
    for (const browser of this.browsers) browser.crash()
    await this.site.end()
  }

  /** Whether the server is not what this device knew: then it keeps what it has, and says so. */
  barred({ truth }: Doc): boolean {
    return this.restored && truth.wentBack
  }

  /** Everybody says that there is nothing left to do, and shows what the server has: `held` says nothing of that. */
  async #atRest(): Promise<boolean> {
    await this.site.quiet()
    const { equalDocs } = typeOf(this.type)
    const there = new Map<string, StoredSnapshot>()
    for (const key of this.keys) there.set(key.id, await this.site.store.snapshot(key))
    return this.browsers.every(browser => {
      const { views, docs, storage } = browser
      return (
        docs.every(id => views.some(view => view.id === id)) &&
        views.every(({ id, doc }) => {
          if (saysItFails(doc) !== storage.failing) return false
          if (this.barred(doc)) return true
          if (doc.unsent > 0 || (doc.status !== 'synced' && doc.status !== 'held')) return false
          const { type, data } = there.get(id)!
          return (type !== null) === doc.truth.exists && (type === null || equalDocs(data, doc.data))
        })
      )
    })
  }

  async #pass(ms: number): Promise<void> {
    let due = false
    this.clock.after(ms, () => {
      due = true
    })
    while (!due && this.clock.step()) await this.site.quiet()
  }

  async #act(): Promise<void> {
    const browser = this.#random.pick(this.browsers)
    const { pages } = browser
    if (pages.length === 0) {
      if (browser.off || browser.agrees) browser.open()
    } else if (browser.awake.length === 0 && this.#random.chance(0.5)) {
      for (const page of pages) page.program.thaw()
    } else {
      await drawn(this.#actions, this.#random)(browser)
    }
    await this.site.quiet()
  }

  // ---- what happens to a device ----

  #page(browser: Browser): Page | null {
    const { awake } = browser
    return awake.length > 0 ? this.#random.pick(awake) : null
  }

  #edit(browser: Browser): void {
    const page = this.#page(browser)
    const open = [...(page?.docs.keys() ?? [])]
    if (!page || open.length === 0) return
    const id = this.#random.pick(open)
    for (let burst = 1 + this.#random.int(5); burst > 0; burst--) {
      this.counts.edits++
      if (this.#random.chance(0.7)) page.insert(id)
      else page.change(id)
    }
  }

  #undo(browser: Browser): void {
    const page = this.#page(browser)
    const open = [...(page?.docs.keys() ?? [])]
    if (!page || open.length === 0) return
    const id = this.#random.pick(open)
    for (let times = 1 + this.#random.int(3); times > 0; times--) {
      this.counts.undos++
      page.undo(id, this.#random.chance(0.6) ? 'undo' : 'redo')
    }
  }

  #decide(browser: Browser): void {
    const page = this.#page(browser)
    const held = [...(page?.docs ?? [])].filter(([, doc]) => doc.held.length > 0)
    if (!page || held.length === 0) return
    this.counts.decisions++
    page.decide(this.#random.pick(held)[0], this.#random.chance(0.7) ? 'retry' : 'discard')
  }

  #link(browser: Browser): void {
    const page = this.#page(browser)
    const open = [...(page?.docs.keys() ?? [])]
    if (!page || open.length < 2) return
    const to = this.#random.pick(open)
    const from = this.#random.pick(open.filter(id => id !== to))
    this.counts.links++
    page.link(to, from)
  }

  /** From one device to another, or to the same one. */
  #carryFile(browser: Browser): void {
    const page = this.#page(browser)
    if (!page) return
    this.counts.files++
    if (this.#files.length === 0 || this.#random.chance(0.5)) page.takeFile(text => this.#files.push(text))
    else page.bringFile(this.#random.pick(this.#files))
  }

  #delete(browser: Browser): void {
    const page = this.#page(browser)
    const open = [...(page?.docs.keys() ?? [])]
    if (!page || open.length === 0) return
    this.counts.deletes++
    page.delete(this.#random.pick(open))
  }

  #toggle({ name }: Browser): void {
    this.counts.outages++
    const mode = this.network.mode(name)
    this.network.setMode(name, mode === 'pass' ? this.#random.pick(['blackhole', 'refuse'] as const) : 'pass')
  }

  #openOrLetGo(browser: Browser): void {
    const page = this.#page(browser)
    const id = this.#random.pick(browser.docs)
    if (page?.docs.has(id) && this.#random.chance(0.5)) page.letGo(id)
    else page?.open(id)
  }

  #openTab(browser: Browser): void {
    if (browser.pages.length < browser.maxTabs) browser.open()
  }

  /** One tab, or the whole browser; often in the moments in which an edit is on its way to the log and the server. */
  async #crash(browser: Browser): Promise<void> {
    this.counts.crashes++
    if (this.#random.chance(0.5)) {
      this.#edit(browser)
      await this.#pass(this.#random.next() * 25)
      if (browser.pages.length === 0) return
    }
    if (this.#random.chance(0.3)) browser.crash()
    else this.#random.pick(browser.pages).program.kill()
  }

  #close(browser: Browser): void {
    const page = this.#page(browser)
    if (!page) return
    this.counts.closes++
    this.#closing.push(page.close())
  }

  /** Often for so long that the others give a frozen hub up, which finds what they told it when it thaws. */
  async #freeze(browser: Browser): Promise<void> {
    const { program } = this.#random.pick(browser.pages)
    if (program.frozen) {
      program.thaw()
      return
    }
    this.counts.freezes++
    program.freeze()
    if (this.#random.chance(0.3)) return
    this.#edit(browser)
    await this.#pass(this.#random.next() * LONG_MS)
  }

  async #damage(browser: Browser): Promise<void> {
    const { damage } = this.plan
    const { storage } = browser
    if (damage === 'fill') storage.fill(!storage.full)
    else if (damage === 'evict') storage.evict()
    else if (damage === 'clone') {
      if (this.counts.clone > 0) return
      this.#clone(browser)
    } else {
      browser.crash()
      await this.#pass(DRY_MS)
      if (!browser.off) return
      if (damage === 'cut') await storage.cut()
      else if (!storage.spoil()) return
    }
    this.counts[damage!]++
  }

  #clone(browser: Browser): void {
    const { docs, maxTabs, agrees } = browser
    const name = `${browser.name}copy`
    const storage = browser.storage.copy(name, this.#random.fork())
    const options = {
      name,
      family: browser.name,
      docs,
      tabs: maxTabs,
      agrees,
      storage,
      exchange: this.exchange,
    }
    this.browsers.push(new Browser(options, this.#around, this.#random.fork()))
  }

  // ---- what happens to the server ----

  async #restart(): Promise<void> {
    this.counts.kills++
    this.site.kill()
    this.network.cut()
    await this.#pass(this.#random.next() * 2000)
    this.site.start()
  }

  async #trim(): Promise<void> {
    this.counts.trims += Number(await this.site.trim(this.keys))
  }

  /** First a backup, and later the server goes back to it; once. */
  async #goBack(): Promise<void> {
    if (this.restored) return
    if (!this.#backedUp) {
      this.#backedUp = true
      return this.site.backUp()
    }
    this.counts.restores++
    this.restored = true
    const before = await this.#logged()
    this.site.kill()
    this.network.cut()
    await this.site.restore()
    this.site.start()
    const after = await this.#logged()
    this.ledger.rolledBack = new Set([...before].filter(token => !after.has(token)))
  }

  /** All tokens in the op log. */
  async #logged(): Promise<Set<number>> {
    const ops = await Promise.all(this.keys.map(key => this.site.ops(key)))
    return new Set(ops.flat().flatMap(op => tokensPutIn(op.op ?? op.create?.data)))
  }

  #refuse({ name }: Browser): void {
    if (!this.#refused.delete(name)) this.#refused.add(name)
  }

  #refusal(src: string | undefined) {
    const device = src === undefined ? undefined : this.ledger.srcs.get(src)?.device
    if (device === undefined || !this.#refused.has(device)) return null
    this.counts.refused++
    return this.plan.refusal === 'retry' ? 'ERR_MAX_SUBMIT_RETRIES_EXCEEDED' : 'ERR_OP_SUBMIT_REJECTED'
  }
}

/** Each as often as it weighs. */
function drawn(actions: Actions, random: Random): Act {
  let at = random.next() * actions.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, act] of actions) {
    at -= weight
    if (at < 0) return act
  }
  return actions[0]![1]
}

function stormy(random: Random): Weather {
  const slow = random.chance(0.3)
  return {
    lag: slow ? [50, 1500] : [1, 60],
    loss: random.pick([0, 0.001, 0.01]),
    doubling: random.pick([0, 0.01, 0.1]),
  }
}
