/**
 * When the subscribers of a channel are told what came: all that came in one turn of the event loop in one go, at its end. Not in the
 * next turn: who writes on would be told of half of it, and of the other half in the turn after that, and so on.
 *
 * To tell a reader costs about the same for one edit as for twenty. So a document with many readers rests after they were told, the
 * longer the more there was to tell, and what comes meanwhile is told together. The first edit after a while is told at once.
 */

import type { Clock } from '../clock.ts'
import { docOf } from './channels.ts'

/** Readers from which on a document rests. */
const MANY = 64
/**
 * A rest is as long as telling took, times the edits that were told: the faster edits come, the less of the time goes to telling, and
 * where they come one by one none waits for long. No rest is longer than this (ms), in which a person sees no difference.
 */
const MOST_MS = 25

export interface PaceParts {
  readonly clock: Clock
  /** What the time is (ms), by a clock that does not jump. */
  readonly now: () => number
  readonly readers: (channel: string) => number
  readonly tell: (channel: string, data: readonly unknown[]) => void
}

export class Pace {
  readonly #parts: PaceParts
  /** By channel, in its order; a channel that rests has an entry, too. */
  readonly #waiting = new Map<string, unknown[]>()
  /** Channels that are told at the end of this turn. */
  #soon: string[] = []

  constructor(parts: PaceParts) {
    this.#parts = parts
  }

  add(channel: string, data: unknown): void {
    const waiting = this.#waiting.get(channel)
    if (waiting) waiting.push(data)
    else {
      this.#waiting.set(channel, [data])
      if (this.#soon.push(channel) === 1) process.nextTick(() => this.#tellSoon())
    }
  }

  /** What is still to be told. */
  waiting(channel: string): readonly unknown[] {
    return this.#waiting.get(channel) ?? []
  }

  /** Tells it now: who comes next is not to hear of it. */
  hurry(channel: string): void {
    const waiting = this.#waiting.get(channel)?.splice(0)
    if (waiting?.length) this.#parts.tell(channel, waiting)
  }

  close(): void {
    this.#waiting.clear()
  }

  #tellSoon(): void {
    const soon = this.#soon
    this.#soon = []
    for (const channel of soon) this.#tell(channel)
  }

  #tell(channel: string): void {
    const { readers, tell } = this.#parts
    const waiting = this.#waiting.get(channel)?.splice(0) ?? []
    if (waiting.length === 0 || !docOf(channel) || readers(channel) < MANY) this.#waiting.delete(channel)
    else this.#restAfter(channel, waiting.length)
    if (waiting.length > 0) tell(channel, waiting)
  }

  #restAfter(channel: string, told: number): void {
    const { clock, now } = this.#parts
    const start = now()
    // What is told goes out at the end of the turn: behind that.
    const rest = () => {
      const ms = Math.min(MOST_MS, told * (now() - start))
      clock.after(ms, () => this.#tell(channel))
    }
    process.nextTick(() => process.nextTick(rest))
  }
}
