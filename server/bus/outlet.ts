/**
 * What is published on a channel, for one subscriber: in place of ShareDB's stream of the same events, which weighs a kB and takes
 * as long for an op as sending it.
 */

import type { OpStream } from '../sharedb.ts'

export class Outlet implements OpStream {
  readonly id: number
  told = 0
  readonly #closed: (outlet: Outlet) => void
  #open = true
  #heard: ((data: never) => void) | null = null
  #ended: (() => void) | null = null
  /** What is published before anybody listens; null from then on. */
  #early: unknown[] | null = []

  constructor(id: number, closed: (outlet: Outlet) => void) {
    this.id = id
    this.#closed = closed
  }

  pushData(data: unknown): void {
    if (!this.#open) return
    if (this.#early) this.#early.push(data)
    else this.#heard!(data as never)
  }

  on(event: 'data' | 'end', listener: (data: never) => void): void {
    if (event === 'end') this.#ended = listener as () => void
    else {
      this.#heard = listener
      // Not before the answer to the subscription, which is given in this turn.
      process.nextTick(() => this.#begin())
    }
  }

  /** `end` comes later: ShareDB puts another stream in the place of this one first. */
  destroy(): void {
    if (!this.#open) return
    this.#open = false
    this.#early = null
    this.#closed(this)
    process.nextTick(() => this.#ended?.())
  }

  #begin(): void {
    const early = this.#early ?? []
    this.#early = null
    for (const data of early) this.pushData(data)
  }
}
