/**
 * A bus on Redis pub/sub.
 *
 *   down  -- connected, everything followed, own beat heard -->  up  -- connection lost, or a beat not heard -->  down
 *
 * A beat is a text to oneself: it shows the whole way, also where a connection is open and nothing flows through it. When
 * two in a row stay away, both connections are thrown away and dialled anew.
 */

import type { Clock } from '../clock.ts'
import type { Report } from '../report.ts'
import type { Bus, BusEvents } from './bus.ts'
import type { Dial, Wire } from './wire.ts'

export interface RedisBusParts {
  readonly dial: Dial
  readonly clock: Clock
  readonly report: Report
  readonly beatMs: number
  readonly prefix: string
}

/** Channels in one command. */
const BATCH = 500
/** How long a subscriber is kept waiting for Redis (ms). */
const PATIENCE_MS = 1000
/** What may wait for Redis to take it, in UTF-16 units; what is more is dropped, and found by the others' checks. */
const UNDER_WAY = 8 * 2 ** 20

export class RedisBus implements Bus {
  up = false
  lagMs: number | null = null
  readonly #parts: RedisBusParts
  readonly #beatChannel: string
  readonly #followed = new Set<string>()
  /** Channels whose end Redis has not confirmed: node-redis takes one that is followed again meanwhile for followed. */
  readonly #leaving = new Map<string, Promise<void>>()
  #asked: string[] = []
  #asking: Promise<void> | null = null
  #events: BusEvents | null = null
  #wire: Wire | null = null
  #underWay = 0
  #beat = { number: 0, at: 0, heard: true, missed: 0 }
  #cancel = () => {}
  #reported = ''

  constructor(parts: RedisBusParts) {
    this.#parts = parts
    this.#beatChannel = `${parts.prefix}:beat:${crypto.randomUUID()}`
  }

  /** What speaks to Redis now; another one after it was dialled anew. */
  get client(): object | null {
    return this.#wire?.client ?? null
  }

  open(events: BusEvents): void {
    this.#events = events
    this.#dial()
    this.#beatLater()
  }

  async publish(channel: string, text: string): Promise<void> {
    if (!this.#wire || this.#underWay > UNDER_WAY) throw new Error('Redis takes nothing')
    this.#underWay += text.length
    try {
      await this.#wire.publish(channel, text)
    } finally {
      this.#underWay -= text.length
    }
  }

  follow(channel: string): Promise<void> {
    this.#followed.add(channel)
    this.#asked.push(channel)
    this.#asking ??= Promise.resolve().then(() => this.#ask())
    return this.up ? this.#soon(this.#asking) : Promise.resolve()
  }

  unfollow(channel: string): void {
    this.#followed.delete(channel)
    const left = (this.#wire?.unfollow(channel) ?? Promise.resolve())
      .catch(() => {}) // a connection that is lost follows nothing
      .then(() => {
        if (this.#leaving.get(channel) === left) this.#leaving.delete(channel)
      })
    this.#leaving.set(channel, left)
  }

  async close(): Promise<void> {
    this.#cancel()
    this.#events = null
    this.up = false
    this.#hangUp()
  }

  /** All that was asked for in this turn of the event loop. */
  async #ask(): Promise<void> {
    const asked = this.#asked
    this.#asked = []
    this.#asking = null
    await Promise.all(asked.map(each => this.#leaving.get(each)))
    const channels = asked.filter(each => this.#followed.has(each))
    await this.#followAll(channels).catch(() => {}) // they are followed with all others once Redis is back
  }

  async #followAll(channels: readonly string[]): Promise<void> {
    for (let from = 0; from < channels.length; from += BATCH)
      await this.#wire?.follow(channels.slice(from, from + BATCH))
  }

  async #soon(work: Promise<void>): Promise<void> {
    const late = Promise.withResolvers<void>()
    const cancel = this.#parts.clock.after(PATIENCE_MS, late.resolve)
    await Promise.race([work, late.promise])
    cancel()
  }

  // ---- the connections ----

  #dial(): void {
    const isOurs = () => this.#wire === wire && this.#events !== null
    const wire: Wire = this.#parts.dial({
      ready: () => void (isOurs() && this.#resume()),
      lost: () => isOurs() && this.#down('the connection was lost'),
      heard: (channel, text) => {
        if (!isOurs()) return
        if (channel === this.#beatChannel) this.#heardBeat(text)
        else this.#events?.heard(channel, text)
      },
      error: error => isOurs() && this.#complain(error),
    })
    this.#wire = wire
  }

  #hangUp(): void {
    const wire = this.#wire
    this.#wire = null
    this.#leaving.clear()
    wire?.close()
  }

  async #resume(): Promise<void> {
    try {
      await this.#followAll([this.#beatChannel, ...this.#followed])
      await this.#sendBeat()
    } catch (error) {
      this.#complain(error) // the next beat tries again
    }
  }

  #down(why: string): void {
    if (!this.up) return
    this.up = false
    this.#parts.report(`Redis is away: ${why}; edits go on, other servers learn of them from the database`)
  }

  /** Each failure once, however often it is tried again. */
  #complain(error: unknown): void {
    const text = String((error as Error | null)?.message || error)
    if (this.up || text === this.#reported) return
    this.#reported = text
    this.#parts.report('Redis cannot be reached', text)
  }

  // ---- beats ----

  #beatLater(): void {
    this.#cancel = this.#parts.clock.after(this.#parts.beatMs, () => {
      this.#beatOn()
      this.#beatLater()
    })
  }

  #beatOn(): void {
    if (this.#beat.heard) void this.#sendBeat().catch(() => {})
    else if (++this.#beat.missed < 2) {
      this.#down('it does not answer')
      void this.#resume()
    } else {
      this.#hangUp()
      this.#beat = { ...this.#beat, missed: 0 }
      this.#dial()
    }
  }

  async #sendBeat(): Promise<void> {
    const { number, missed } = this.#beat
    this.#beat = { number: number + 1, at: performance.now(), heard: false, missed }
    await this.#wire?.publish(this.#beatChannel, String(number + 1))
  }

  #heardBeat(text: string): void {
    if (Number(text) !== this.#beat.number || this.#beat.heard) return
    this.#beat = { ...this.#beat, heard: true, missed: 0 }
    this.lagMs = performance.now() - this.#beat.at
    if (this.up) return
    this.up = true
    if (this.#reported !== '') this.#parts.report('Redis is there')
    this.#reported = ''
    this.#events?.restored()
  }
}
