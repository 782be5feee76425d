/**
 * Several tabs on one hub with no server, in which a seeded hand decides what is delivered, what is saved and when the
 * hub dies; what was not delivered or saved then is lost, and the next hub starts from the log.
 */

import type { Clock } from '../../client/clock.ts'
import { Hub } from '../../client/hub/hub.ts'
import type { FromHub, FromTab } from '../../client/hub/messages.ts'
import type { Port } from '../../client/hub/port.ts'
import type { Link } from '../../client/link/link.ts'
import { goodNetwork } from '../../client/link/network.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import { type Attachment, Tab } from '../../client/tab/tab.ts'
import type { TypeName } from '../../types/type.ts'
import { Random } from '../random.ts'

const KEY = { collection: 'c', id: 'd' }

/** The link of a hub that has no server. */
export const nowhere: Link = {
  phase: { name: 'waiting', until: 0, tries: 1 },
  roundTrip: null,
  network: goodNetwork,
  pace: { gatherMs: 0, prefetch: true },
  send: () => false,
  retry() {},
  wake() {},
  close() {},
}

/** Nobody waits for time here: what asks for a timer has it run by `House.late`. */
const clockOf = (tasks: (() => void)[], random: Random): Clock => ({
  now: () => 0,
  after(_ms, task) {
    tasks.push(task)
    return () => tasks.splice(tasks.indexOf(task) >>> 0, 1)
  },
  random: () => random.next(),
})

export interface Seated {
  readonly tab: Tab
  readonly attachment: Promise<Attachment>
  doc: Attachment | null
}

export class House {
  readonly random: Random
  readonly tabs: Seated[] = []
  readonly #type: TypeName
  readonly #storage = memoryStorage()
  readonly #timers: (() => void)[] = []
  /** What waits to be delivered, by line; each is in order. */
  readonly #lines: (() => void)[][] = []
  #saves: (() => void)[] = []
  #hub!: Hub
  #log!: ReturnType<typeof memoryLog>
  #hubs = 0

  constructor(seed: number, type: TypeName) {
    this.random = new Random(seed)
    this.#type = type
    this.#open()
  }

  #open(): void {
    this.#log = memoryLog({ storage: this.#storage, complete: commit => this.#saves.push(commit) })
    this.#hub = new Hub({
      log: this.#log,
      src: `hub${++this.#hubs}`,
      clock: clockOf(this.#timers, this.random.fork()),
      link: () => nowhere,
      frameBytes: 1_000_000,
      attachMs: 0,
    })
  }

  join(): void {
    const tab = new Tab(`tab${this.tabs.length}`)
    const listener = { change() {}, truth() {}, presence() {} }
    const attachment = tab.attach(KEY, this.#type, listener)
    const seated: Seated = { tab, attachment, doc: null }
    attachment.then(doc => {
      seated.doc = doc
    })
    this.tabs.push(seated)
    this.#meet(tab)
  }

  /** The hub dies where it stands, and another one takes its place. */
  async die(): Promise<void> {
    this.#log.crash()
    this.#saves = []
    this.#lines.length = 0
    this.#open()
    for (const { tab } of this.tabs) this.#meet(tab)
    await turn()
  }

  /** Something that waits happens: a message arrives or a write is saved. False if nothing waits. */
  async step(): Promise<boolean> {
    const waiting = [
      ...this.#lines.filter(line => line.length > 0),
      ...(this.#saves.length ? [this.#saves] : []),
    ]
    if (waiting.length === 0) return false
    this.random.pick(waiting).shift()!()
    await turn()
    return true
  }

  async rest(): Promise<void> {
    await turn()
    while (await this.step()) await turn()
  }

  #meet(tab: Tab): void {
    const [near, far] = this.#line<FromHub, FromTab>()
    this.#hub.serve(far)
    tab.meet(near)
  }

  #line<A, B>(): [Port<A, B>, Port<B, A>] {
    const [toNear, toFar]: [(() => void)[], (() => void)[]] = [[], []]
    this.#lines.push(toNear, toFar)
    const hears: { near?: (message: A) => void; far?: (message: B) => void } = {}
    const near: Port<A, B> = {
      post: message => toFar.push(() => hears.far?.(message)),
      listen: listener => {
        hears.near = listener
      },
      close: () => {
        hears.near = undefined
      },
    }
    const far: Port<B, A> = {
      post: message => toNear.push(() => hears.near?.(message)),
      listen: listener => {
        hears.far = listener
      },
      close: () => {
        hears.far = undefined
      },
    }
    return [near, far]
  }
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve))
