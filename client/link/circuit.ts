/**
 * A circuit breaker for each endpoint, shared by all links of a process to it: after `breakAfter` failed attempts in a row
 * it opens, and from then on one link at a time probes it, every `probeMs` or when a person asks.
 *
 *   closed --failures--> open --time, or asked--> half-open --verdict--> closed | open
 *
 * The states, the count and the half-open probe are cockatiel's. It reads `Date.now()` to see whether an open circuit may
 * be probed, and compares that with a duration which it asks for each time: ours is endless until our own clock says that
 * the time has come, so a simulation decides here as well. A process has one clock; each device of a simulation has its own.
 */

import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
} from 'cockatiel'
import type { Clock } from '../clock.ts'
import { atLeastHalf, type Timings } from './timings.ts'

/** One attempt at the endpoint; its verdict is told a few microtasks after it was given. */
export interface Trial {
  /** The endpoint answered, whatever it said. */
  passed(): void
  failed(): void
  /** Nobody wants to know any more. A probe must end with a verdict, so there it counts as failed. */
  dropped(): void
}

const FAILED = new Error('failed')
const DROPPED = new Error('dropped')

/** The verdict itself is no news to anybody; what a listener threw is. */
const passOver = (reason: unknown): void => {
  if (reason !== FAILED && reason !== DROPPED) throw reason
}

export class Circuit {
  /** While it is open: when it may be probed next (clock ms). */
  until = 0
  readonly #clock: Clock
  readonly #breaker: CircuitBreakerPolicy
  #asked = false

  constructor(clock: Clock, { breakAfter, probeMs }: Timings) {
    this.#clock = clock
    const due = (): boolean => this.#asked || this.#clock.now() >= this.until
    const interval = {
      next: () => {
        this.until = this.#clock.now() + atLeastHalf(probeMs, this.#clock)
        return interval
      },
      get duration() {
        return due() ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
      },
    }
    this.#breaker = circuitBreaker(
      handleWhen(reason => reason !== DROPPED || this.#breaker.state === CircuitState.HalfOpen),
      { halfOpenAfter: interval, breaker: new ConsecutiveBreaker(breakAfter) },
    )
  }

  get isOpen(): boolean {
    return this.#breaker.state === CircuitState.Open
  }

  get isClosed(): boolean {
    return this.#breaker.state === CircuitState.Closed
  }

  /** Whether an attempt may begin now; `asked`: by a person or the platform, who do not wait for the time. */
  permits(asked: boolean): boolean {
    return this.isClosed || (this.isOpen && (asked || this.#clock.now() >= this.until))
  }

  /** Call only if `permits` said so. */
  begin(asked: boolean): Trial {
    let trial!: Trial
    const verdict = new Promise<void>((resolve, reject) => {
      trial = { passed: resolve, failed: () => reject(FAILED), dropped: () => reject(DROPPED) }
    })
    this.#asked = asked
    this.#breaker.execute(() => verdict).catch(passOver)
    this.#asked = false
    return trial
  }

  /** Tells of every change of state; the result ends it. */
  onTurn(listener: () => void): () => void {
    const { dispose } = this.#breaker.onStateChange(listener)
    return dispose
  }
}

const circuits = new WeakMap<Clock, Map<string, Circuit>>()

/** The circuit of an endpoint; the timings of the link that asks first are the circuit's. */
export function circuitOf(url: string, clock: Clock, timings: Timings): Circuit {
  const known = circuits.get(clock) ?? new Map<string, Circuit>()
  circuits.set(clock, known)
  const circuit = known.get(url) ?? new Circuit(clock, timings)
  known.set(url, circuit)
  return circuit
}
