/**
 * The other servers on the bus. Each says every so often that it lives, and in which collections somebody waits there for
 * changes; at once when that changes, when it hears of a server that is new to it, and when it leaves. Of one that has said
 * nothing for some of our own rounds nothing counts any more.
 *
 *   unknown  --heard-->  known  --goodbye-->  unknown
 *                        known  --silent for ROUNDS-->  lost  --heard-->  known
 *
 * What is said: {wants: [COLLECTION, …]}, or {gone: true}. As all on the bus it may be missed, then others learn of it with the next.
 */

import type { Clock } from '../clock.ts'

export interface RollParts {
  readonly clock: Clock
  /** Between two signs of life. */
  readonly beatMs: number
  /** Says it to the others. */
  say(what: object): void
  /** A server has left, or is taken for dead. */
  gone(server: string): void
  /** One that was taken for dead was not. */
  returned(server: string): void
}

interface Known {
  wants: ReadonlySet<string>
  /** Rounds of ours since it was heard. They are counted instead of the time: who slept has missed nobody's. */
  silent: number
}

/** Silent rounds after which a server is taken for dead. */
const ROUNDS = 3
/** Dead servers that may turn out not to be. */
const LOST = 100

export class Roll {
  readonly #parts: RollParts
  readonly #known = new Map<string, Known>()
  readonly #lost = new Set<string>()
  readonly #wants = new Set<string>()
  #saying = false
  #closed = false
  #cancel = () => {}

  constructor(parts: RollParts) {
    this.#parts = parts
    this.#beatLater()
  }

  /** Whether somebody waits for changes of it on another server. */
  isWanted(collection: string): boolean {
    return [...this.#known.values()].some(({ wants }) => wants.has(collection))
  }

  want(collection: string): void {
    this.#wants.add(collection)
    this.#sayOnce()
  }

  /** The others learn of it with the next sign of life. */
  unwant(collection: string): void {
    this.#wants.delete(collection)
  }

  say(): void {
    if (!this.#closed) this.#parts.say({ wants: [...this.#wants] })
  }

  hear(server: string, said: object): void {
    if ('gone' in said) this.#forget(server)
    else if ('wants' in said && isNames(said.wants)) this.#note(server, new Set(said.wants))
  }

  close(): void {
    this.#closed = true
    this.#cancel()
    this.#parts.say({ gone: true })
  }

  /** Once for all that is asked in this turn of the event loop. */
  #sayOnce(): void {
    if (this.#saying) return
    this.#saying = true
    setImmediate(() => {
      this.#saying = false
      this.say()
    })
  }

  #note(server: string, wants: ReadonlySet<string>): void {
    const isNew = !this.#known.has(server)
    this.#known.set(server, { wants, silent: 0 })
    if (isNew) this.#sayOnce()
    if (this.#lost.delete(server)) this.#parts.returned(server)
  }

  #forget(server: string): void {
    if (this.#known.delete(server)) this.#parts.gone(server)
  }

  #lose(server: string): void {
    this.#lost.add(server)
    if (this.#lost.size > LOST) this.#lost.delete(this.#lost.keys().next().value!)
    this.#forget(server)
  }

  #beatLater(): void {
    this.#cancel = this.#parts.clock.after(this.#parts.beatMs, () => {
      for (const [server, known] of this.#known) if (++known.silent > ROUNDS) this.#lose(server)
      this.say()
      this.#beatLater()
    })
  }
}

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(each => typeof each === 'string')
