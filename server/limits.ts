/**
 * How much one principal, or one address where nobody says who they are, may ask for at a time.
 *
 * A rate is looked at before a frame and counted behind it, in one go for all frames of a turn of the event loop: what goes
 * over the limit passes still, and the next waits until the second is over. So nothing is too large to ever pass, the order
 * of frames stays, and a count that is kept elsewhere (Redis, for several servers) costs no edit a round trip.
 *
 * Law: a limit never loses an edit. What is over it is answered with TOO_MANY, and is sent again later under its name.
 */

import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Report } from './report.ts'
import type { Settings } from './settings.ts'

type Rate = 'OPS_PER_SECOND' | 'BYTES_PER_SECOND'
type Places = 'CONNECTIONS_PER_PRINCIPAL' | 'CONNECTIONS_PER_ADDRESS' | 'SOCKETS_PER_ADDRESS'

export interface Limits {
  /** The setting that `who` has used up for now; null: go on. */
  over(who: string): Rate | null
  spend(who: string, ops: number, bytes: number): void
  /** A token from this address was refused; and whether that happened more often than REFUSED_TOKENS_PER_SECOND allows. */
  refused(address: string): void
  isGuessing(address: string): boolean
  /** Takes one of the places that `who` has; null if there is none left, else what gives it back. */
  enter(places: Places, who: string): (() => void) | null
  /** Of one connection: refused requests in a row after which it is closed. */
  readonly patience: number
  readonly documents: number
  readonly presences: number
  readonly presencePerSecond: number
}

/** Whose limits those of a session or a request are; `principal` null where nobody says who they are. */
export const whoseLimits = (principal: string | null, address: string): string =>
  principal === null ? `address ${address}` : `principal ${principal}`

export const noLimits: Limits = {
  over: () => null,
  spend() {},
  refused() {},
  isGuessing: () => false,
  enter: () => () => {},
  patience: Number.POSITIVE_INFINITY,
  documents: Number.POSITIVE_INFINITY,
  presences: Number.POSITIVE_INFINITY,
  presencePerSecond: Number.POSITIVE_INFINITY,
}

/** Of rate-limiter-flexible: points for each key and duration (s); rejects with a `RateLimiterRes` when they are used up. */
export interface Counting {
  consume(key: string, points: number): Promise<unknown>
}

/** Makes the count of a rate: in this process, or for all servers of a database (bus/counting.ts). */
export type Count = (options: { keyPrefix: string; points: number; duration: number }) => Counting

const inProcess: Count = options => new RateLimiterMemory(options)

export function openLimits(settings: Settings, report: Report, count: Count = inProcess): Limits {
  const rates = { OPS_PER_SECOND: rate('OPS_PER_SECOND'), BYTES_PER_SECOND: rate('BYTES_PER_SECOND') }
  const guesses = rate('REFUSED_TOKENS_PER_SECOND')
  const places = {
    CONNECTIONS_PER_PRINCIPAL: new Map<string, number>(),
    CONNECTIONS_PER_ADDRESS: new Map<string, number>(),
    SOCKETS_PER_ADDRESS: new Map<string, number>(),
  }

  function rate(name: Rate | 'REFUSED_TOKENS_PER_SECOND'): Gauge | null {
    const points = settings[name]
    if (points === 0) return null
    return new Gauge(points, count({ keyPrefix: name, points, duration: 1 }), report)
  }

  return {
    over: who =>
      rates.OPS_PER_SECOND?.isOver(who)
        ? 'OPS_PER_SECOND'
        : rates.BYTES_PER_SECOND?.isOver(who)
          ? 'BYTES_PER_SECOND'
          : null,
    spend(who, ops, bytes) {
      if (ops > 0) rates.OPS_PER_SECOND?.spend(who, ops)
      rates.BYTES_PER_SECOND?.spend(who, bytes)
    },
    refused: address => guesses?.spend(address, 1),
    isGuessing: address => guesses?.isOver(address) ?? false,
    enter(name, who) {
      const taken = places[name]
      const n = taken.get(who) ?? 0
      if (settings[name] > 0 && n >= settings[name]) return null
      taken.set(who, n + 1)
      return () => {
        const left = taken.get(who)! - 1
        if (left > 0) taken.set(who, left)
        else taken.delete(who)
      }
    },
    // A client that waits for its answers has no more requests on the way than documents.
    patience: settings.DOCUMENTS_PER_CONNECTION,
    documents: settings.DOCUMENTS_PER_CONNECTION,
    presences: settings.PRESENCE_PER_CONNECTION,
    presencePerSecond: settings.PRESENCE_PER_SECOND,
  }
}

/** One rate of everybody. */
class Gauge {
  readonly #points: number
  readonly #counting: Counting
  readonly #report: Report
  /** Since the last turn of the event loop. */
  #spent = new Map<string, number>()
  /** Until when somebody has to wait (ms since 1970). */
  readonly #until = new Map<string, number>()
  #failing = false

  constructor(points: number, counting: Counting, report: Report) {
    this.#points = points
    this.#counting = counting
    this.#report = report
  }

  isOver(who: string): boolean {
    const until = this.#until.get(who)
    if (until !== undefined && Date.now() < until) return true
    if (until !== undefined) this.#until.delete(who)
    return (this.#spent.get(who) ?? 0) > this.#points
  }

  spend(who: string, points: number): void {
    if (this.#spent.size === 0) setImmediate(() => this.#count())
    this.#spent.set(who, (this.#spent.get(who) ?? 0) + points)
  }

  #count(): void {
    const spent = this.#spent
    this.#spent = new Map()
    // A frame's share of the bytes that came with it may be a fraction.
    for (const [who, points] of spent)
      this.#counting.consume(who, Math.ceil(points)).then(
        () => {
          this.#failing = false
        },
        reason => this.#usedUp(who, reason),
      )
  }

  #usedUp(who: string, reason: unknown): void {
    if (reason instanceof RateLimiterRes) this.#until.set(who, Date.now() + reason.msBeforeNext)
    // A count that cannot be kept holds nobody up.
    else if (!this.#failing) {
      this.#failing = true
      this.#report('a rate could not be counted', reason)
    }
  }
}
