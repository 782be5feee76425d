/** A program as its platform sees it: it can be frozen, which stops everything that it would hear, and it can die. */

import type { Clock } from '../../client/clock.ts'
import type { Random } from '../random.ts'
import type { VirtualClock } from './clock.ts'

export class Program {
  readonly #clock: VirtualClock
  /** Told what the program threw: nothing should ever be. */
  readonly #threw: (error: unknown) => void
  /** What it is to hear when it thaws; null while it is awake. */
  #frozen: (() => void)[] | null = null
  #alive = true
  #ends: (() => void)[] = []

  constructor(clock: VirtualClock, threw: (error: unknown) => void) {
    this.#clock = clock
    this.#threw = threw
  }

  get alive(): boolean {
    return this.#alive
  }

  get frozen(): boolean {
    return this.#frozen !== null
  }

  /** Runs `task` in the program: now, when it thaws, or never. */
  run(task: () => void): void {
    if (!this.#alive) return
    if (this.#frozen) {
      this.#frozen.push(task)
      return
    }
    try {
      task()
    } catch (error) {
      this.#threw(error)
    }
  }

  after(ms: number, task: () => void): () => void {
    let wanted = true
    const cancel = this.#clock.after(ms, () => this.run(() => wanted && task()))
    return () => {
      wanted = false
      cancel()
    }
  }

  freeze(): void {
    this.#frozen ??= []
  }

  /** All that waited happens, each in a turn of its own, before anything that comes later. */
  thaw(): void {
    const waiting = this.#frozen ?? []
    this.#frozen = null
    for (const task of waiting) this.#clock.after(0, () => this.run(task))
  }

  /** It dies, and whatever the platform held for it is freed. */
  kill(): void {
    this.#alive = false
    this.#frozen = null
    for (const end of this.#ends.splice(0)) end()
  }

  onEnd(end: () => void): void {
    this.#ends.push(end)
  }

  /** The program's own view of time, with seeded randomness. */
  clock(random: Random): Clock {
    return {
      now: () => this.#clock.now,
      after: (ms, task) => this.after(ms, task),
      random: () => random.next(),
    }
  }
}
