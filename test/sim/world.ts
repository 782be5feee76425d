/**
 * The simulation: real engines, hubs, links, gateway, ShareDB backend and store over a seeded network, in virtual time.
 * One seed decides everything; the same seed gives the same run.
 */

import type { TypeName } from '../../types/type.ts'
import { Random } from '../random.ts'
import type { Bug } from './bugs.ts'
import { check, KEY, type Outcome } from './checker.ts'
import { VirtualClock } from './clock.ts'
import { Device } from './device.ts'
import { Ledger } from './ledger.ts'
import { fair, Network, type Weather } from './network.ts'
import { Site, turn } from './site.ts'

export interface Run {
  readonly seed: number
  readonly type: TypeName
  readonly bug?: Bug | null
}

const TYPES: readonly TypeName[] = ['text', 'rich', 'json']

/** The type that a seed runs when none is asked for. */
export const typeOfSeed = (seed: number): TypeName => TYPES[seed % TYPES.length]!

/** Virtual time within which everything must have come to rest once the faults are over. */
const HEAL_MS = 10 * 60_000

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
  readonly site = new Site()
  readonly ledger = new Ledger()
  readonly type: TypeName
  readonly devices: Device[]
  readonly network: Network
  readonly counts = { edits: 0, undos: 0, crashes: 0, closes: 0, kills: 0, deletes: 0, outages: 0, trims: 0 }
  /** In every fourth world devices undo; none of them takes away what another wrote, or two might bring it back. */
  readonly #undoing: boolean
  readonly #random: Random

  constructor({ seed, type, bug = null }: Run) {
    this.type = type
    this.#undoing = seed % 4 === 0
    this.#random = new Random(seed)
    this.network = new Network(this.clock, this.#random.fork(), this.site.accept)
    const around = { clock: this.clock, network: this.network, ledger: this.ledger, type, bug }
    const count = 2 + this.#random.int(3)
    this.devices = Array.from(
      { length: count },
      (_, i) => new Device(`device${i}`, around, this.#random.fork()),
    )
  }

  /** The troubled part: edits and faults. */
  async live(): Promise<void> {
    this.site.start()
    for (const device of this.devices) device.start()
    this.network.weather = stormy(this.#random)
    const rare = { deletes: this.#random.chance(0.15), trims: this.#random.chance(0.5) }
    const steps = 40 + this.#random.int(60)
    for (let i = 0; i < steps; i++) {
      await this.#act(rare)
      await this.#pass(this.#random.next() ** 3 * 4000)
    }
  }

  /** The faults end; whatever is left must come right by itself, with no further edit. */
  async heal(): Promise<void> {
    this.network.weather = fair
    for (const device of this.devices) this.network.setMode(device.name, 'pass')
    for (const device of this.devices) if (!device.on) device.start()
    const end = this.clock.now + HEAL_MS
    while (this.clock.now < end && !(await this.#atRest())) await this.#pass(1000)
  }

  async end(): Promise<void> {
    for (const device of this.devices) device.crash()
    await this.site.end()
  }

  /** Every device says that there is nothing left to do, and the server has one version that all know. */
  async #atRest(): Promise<boolean> {
    await this.site.quiet()
    return (
      this.devices.every(
        ({ doc }) => doc !== null && doc.unsent === 0 && ['synced', 'held'].includes(doc.status),
      ) && (await this.#equal())
    )
  }

  async #equal(): Promise<boolean> {
    const views = new Set(this.devices.map(({ doc }) => JSON.stringify(doc!.data)))
    return views.size === 1
  }

  async #pass(ms: number): Promise<void> {
    const end = this.clock.now + ms
    let due = false
    this.clock.after(ms, () => {
      due = true
    })
    while (!due && this.clock.now <= end && this.clock.step()) await this.site.quiet()
  }

  async #act({ deletes, trims }: { deletes: boolean; trims: boolean }): Promise<void> {
    const device = this.#random.pick(this.devices)
    const chance = this.#random.next()
    if (!device.on) device.start()
    else if (chance < 0.62) this.#edit(device)
    else if (chance < 0.72) this.#toggle(device)
    else if (chance < 0.79) this.network.cut(device.name)
    else if (chance < 0.87) this.#crash(device)
    else if (chance < 0.92) await this.#close(device)
    else if (chance < 0.96) await this.#restart()
    else if (chance < 0.98 && trims) this.counts.trims += Number(await this.site.trim(KEY))
    else if (deletes) {
      this.counts.deletes++
      device.delete()
    }
    await turn()
  }

  #edit(device: Device): void {
    for (let burst = 1 + this.#random.int(5); burst > 0; burst--) {
      this.counts.edits++
      const inserts = this.#random.chance(0.7)
      if (inserts) device.insert()
      else if (this.#undoing && this.#random.chance(0.7)) this.counts.undos += Number(device.goBack())
      else device.change(this.#undoing)
    }
  }

  #toggle(device: Device): void {
    this.counts.outages++
    const mode = this.network.mode(device.name)
    this.network.setMode(
      device.name,
      mode === 'pass' ? this.#random.pick(['blackhole', 'refuse'] as const) : 'pass',
    )
  }

  #crash(device: Device): void {
    this.counts.crashes++
    device.crash()
  }

  async #close(device: Device): Promise<void> {
    this.counts.closes++
    const closed = device.close()
    await this.#pass(1001)
    await closed
  }

  async #restart(): Promise<void> {
    this.counts.kills++
    this.site.kill()
    this.network.cut()
    await this.#pass(this.#random.next() * 2000)
    this.site.start()
  }
}

function stormy(random: Random): Weather {
  const slow = random.chance(0.3)
  return {
    lag: slow ? [50, 1500] : [1, 60],
    loss: random.pick([0, 0.001, 0.01]),
    doubling: random.pick([0, 0.01, 0.1]),
  }
}
