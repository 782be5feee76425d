/** Answers that are remembered for a while, not more than so many: the one that was given longest ago goes first. */

import type { Clock } from '../clock.ts'

export class Memory<T> {
  readonly #answers = new Map<string, { readonly answer: Promise<T>; readonly until: number }>()
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #most: number

  constructor(clock: Clock, ttlMs: number, most: number) {
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#most = most
  }

  /** The answer that is remembered, or that is being asked for; else `ask`'s. A failure is not remembered. */
  get(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(key)
    if (known && known.until > this.#clock.now()) return known.answer
    const answer = ask()
    const entry = { answer, until: this.#clock.now() + this.#ttlMs }
    this.#answers.delete(key)
    this.#answers.set(key, entry)
    if (this.#answers.size > this.#most) this.#answers.delete(this.#answers.keys().next().value!)
    answer.catch(() => {
      if (this.#answers.get(key) === entry) this.#answers.delete(key)
    })
    return answer
  }

  get size(): number {
    return this.#answers.size
  }
}
