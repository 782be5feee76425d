/**
 * The presence that one connection announces, at most so many states at a time and so many changes a second: what comes
 * faster waits, and only the newest of each is passed on. Nothing but the last place of a caret is worth anything.
 */

import type { Clock } from '../clock.ts'
import type { Limits } from '../limits.ts'
import type { Frame } from './schemas.ts'

export type Announcement = Extract<Frame, { a: 'p' }>

export interface CaretParts {
  readonly clock: Clock
  readonly limits: Pick<Limits, 'presences' | 'presencePerSecond'>
  /** Passes it on. */
  readonly go: (announcement: Announcement) => void
  /** It was overtaken by a newer one. */
  readonly passed: (announcement: Announcement) => void
}

const SECOND = 1000

export class Carets {
  readonly #parts: CaretParts
  readonly #announced = new Set<string>()
  readonly #waiting = new Map<string, Announcement>()
  #since = Number.NEGATIVE_INFINITY
  #count = 0
  #cancel: (() => void) | null = null

  constructor(parts: CaretParts) {
    this.#parts = parts
  }

  /** Answers false if it is one more than there may be. */
  take(announcement: Announcement): boolean {
    const key = JSON.stringify([announcement.ch, announcement.id])
    if (announcement.p === null) this.#announced.delete(key)
    else if (!this.#announced.has(key) && this.#announced.size >= this.#parts.limits.presences) return false
    else this.#announced.add(key)

    const older = this.#waiting.get(key)
    if (older) this.#parts.passed(older)
    if (!older && this.#isFree()) this.#parts.go(announcement)
    else this.#wait(key, announcement)
    return true
  }

  close(): void {
    this.#cancel?.()
    this.#waiting.clear()
  }

  #isFree(): boolean {
    const now = this.#parts.clock.now()
    if (now - this.#since >= SECOND) {
      this.#since = now
      this.#count = 0
    }
    return this.#count++ < this.#parts.limits.presencePerSecond
  }

  #wait(key: string, announcement: Announcement): void {
    this.#waiting.set(key, announcement)
    const { clock } = this.#parts
    this.#cancel ??= clock.after(Math.max(0, this.#since + SECOND - clock.now()), () => this.#goOn())
  }

  #goOn(): void {
    this.#cancel = null
    for (const [key, announcement] of [...this.#waiting]) {
      this.#waiting.delete(key)
      if (this.#isFree()) this.#parts.go(announcement)
      else {
        this.#wait(key, announcement)
        return
      }
    }
  }
}
