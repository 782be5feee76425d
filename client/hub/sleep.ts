/**
 * Whether this program has just woken from a sleep: a page or a worker that the browser froze runs on as if nothing had
 * been. Told by how long nothing has run here.
 */

import type { Clock } from '../clock.ts'

/** Tabs say something every 2.5 s (tab/seeker.ts), and replace a hub that was frozen for 3.4 s at the earliest. */
const SLEPT_MS = 3_000
/** Within which a hub that woke has heard that it was replaced. */
export const WAKING_MS = 1_000

export class Sleep {
  readonly #clock: Clock
  /** When it was known to be awake last, and when it woke from its last sleep. */
  #stirred: number
  #woke = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
    this.#stirred = clock.now()
  }

  /** Something runs here; a long time after the last time, it slept. */
  stir(): void {
    const now = this.#clock.now()
    if (now - this.#stirred > SLEPT_MS) this.#woke = now
    this.#stirred = now
  }

  /** Whether it may not have heard yet what was said while it slept. */
  get waking(): boolean {
    this.stir()
    return this.#clock.now() - this.#woke < WAKING_MS
  }
}
