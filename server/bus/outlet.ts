/**
 * What is published on a channel, for one subscriber: in place of ShareDB's stream of the same events, which weighs a kB and takes
 * as long for an op as sending it.
 */

import { EventEmitter } from 'node:events'
import type { OpStream } from '../sharedb.ts'

export class Outlet extends EventEmitter implements OpStream {
  id: number | null = null
  open = true
  /** What is published before anybody listens; null from then on. */
  #early: unknown[] | null = []

  pushData(data: unknown): void {
    if (!this.open) return
    if (this.#early) this.#early.push(data)
    else this.emit('data', data)
  }

  override on(event: string, listener: (...parts: never[]) => void): this {
    super.on(event, listener as (...parts: unknown[]) => void)
    // Not before the answer to the subscription, which is given in this turn.
    if (event === 'data' && this.#early) process.nextTick(() => this.#begin())
    return this
  }

  /** `end` comes later: ShareDB puts another stream in the place of this one first. */
  destroy(): void {
    if (!this.open) return
    this.open = false
    this.#early = null
    this.emit('close')
    process.nextTick(() => this.emit('end'))
  }

  #begin(): void {
    const early = this.#early ?? []
    this.#early = null
    for (const data of early) this.pushData(data)
  }
}
