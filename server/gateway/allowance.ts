/**
 * What one connection may ask for: so much a second of whoever speaks, so many documents at a time; and how long it is borne when it
 * goes on over a rate. What is over a limit is answered so and loses nothing, see limits.ts.
 */

import type { Limits } from '../limits.ts'
import { Followed } from './followed.ts'
import type { Frame } from './schemas.ts'

/** What the smallest frame counts for: to take one costs as much. */
const LEAST_BYTES = 256

/** Requests that make the server work, so that they wait where a rate is used up. */
const heavy: ReadonlySet<Frame['a']> = new Set(['op', 'h.catchup', 'h.device', 'f', 'bf', 'nf', 'nt'])

export class Allowance {
  readonly followed: Followed
  readonly #limits: Limits
  readonly #who: () => string
  /** What gives back the places that this connection takes. */
  readonly #places: (() => void)[] = []
  /** Requests in a row that were more than a rate allows. */
  #over = 0

  /** `who`: whose limits these are at the moment, see `whoseLimits`. */
  constructor(limits: Limits, who: () => string) {
    this.#limits = limits
    this.#who = who
    this.followed = new Followed(limits.documents)
  }

  /** Takes a place until the end; answers false if there is none left. */
  enter(places: Parameters<Limits['enter']>[0], who: string): boolean {
    const giveBack = this.#limits.enter(places, who)
    if (giveBack) this.#places.push(giveBack)
    return giveBack !== null
  }

  leave(): void {
    for (const giveBack of this.#places.splice(0)) giveBack()
  }

  /** Counts what came; null: no frame that is any good. */
  spend(frame: Frame | null, bytes: number): void {
    const ops = frame?.a === 'op' || (frame?.a === 'h.catchup' && frame.submit) ? 1 : 0
    this.#limits.spend(this.#who(), ops, Math.max(bytes, LEAST_BYTES))
  }

  /** The setting that a request goes beyond; what only ends or confirms something is not held up by a rate. */
  beyond(frame: Frame): string | null {
    const rate = heavy.has(frame.a) ? this.#limits.over(this.#who()) : null
    return rate ?? (this.followed.take(frame) ? null : 'DOCUMENTS_PER_CONNECTION')
  }

  /** After each request, and whatever else came: false when it went on over a rate for longer than that is borne. */
  isBorne(frame: Frame | null): boolean {
    if (this.#limits.over(this.#who())) this.#over++
    else if (frame && heavy.has(frame.a)) this.#over = 0
    return this.#over <= this.#limits.patience
  }
}
