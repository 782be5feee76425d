/**
 * What a connection still waits for, and until when. The deadline follows the measured round trip:
 *
 *   clamp(srtt + max(workMs, 4 * rttvar), replyMinMs, replyMs) * patience + bytes under way / bytesPerSecond
 *
 * A connection without a measure yet gives `replyMs`. Patience doubles for a kind of request whose reply was missed, over
 * connections, until one comes in time (RFC 6298, 5.5): else a server that is slow, or a document that is large, would be
 * asked anew for ever and never be heard out.
 *
 * What is measured: requests that were sent once over this connection (Karn's rule) and whose bytes are few. Not catch-ups,
 * whose answers may be large; not a reply that comes after its deadline, because then the device slept over it.
 */

import type { Address, ClientFrame, ServerFrame } from '../../ops/protocol.ts'
import type { Clock } from '../clock.ts'
import { lateAfter, type RoundTrip, sampled } from './roundtrip.ts'
import type { Timings } from './timings.ts'

const MOST_PATIENCE = 8
/** Milliseconds that bytes may take in a request that is measured. */
const BRIEF_MS = 250

type Kind = ClientFrame['a']

interface Waiting {
  readonly kind: Kind
  readonly bytes: number
  readonly since: number
  readonly due: number
  /** It was sent twice, so nobody knows which of the two a reply answers. */
  again: boolean
  urgent: boolean
  cancel: () => void
}

export class Replies {
  readonly #clock: Clock
  readonly #timings: Timings
  readonly #missed: () => void
  readonly #measured: (roundTrip: number) => void
  readonly #waiting = new Map<string, Waiting>()
  readonly #patience = new Map<Kind, number>()
  #estimate: RoundTrip | null = null

  constructor(clock: Clock, timings: Timings, missed: () => void, measured: (roundTrip: number) => void) {
    this.#clock = clock
    this.#timings = timings
    this.#missed = missed
    this.#measured = measured
  }

  /** Milliseconds, smoothed; null before the first measure of a connection. */
  get roundTrip(): number | null {
    return this.#estimate?.srtt ?? null
  }

  has(key: string): boolean {
    return this.#waiting.has(key)
  }

  /** A request was sent that `key` will be settled for; about `bytes` went out with it (UTF-16 units will do). */
  expect(kind: Kind, key: string, bytes: number): void {
    const known = this.#waiting.get(key)
    if (known) {
      known.again = true
      return
    }
    const ms = this.#deadline(kind, bytes)
    const since = this.#clock.now()
    const cancel = this.#clock.after(ms, () => this.#miss(kind))
    this.#waiting.set(key, { kind, bytes, since, due: since + ms, again: false, urgent: false, cancel })
  }

  /** The reply to `key` is due soon after all; what then happens is the caller's. */
  hurry(key: string, missed: () => void): void {
    const waiting = this.#waiting.get(key)
    if (!waiting || waiting.urgent) return
    const { wakeReplyMs } = this.#timings
    waiting.urgent = true
    waiting.cancel()
    waiting.cancel = this.#clock.after(this.#usual(wakeReplyMs, wakeReplyMs) + this.#bytesMs(0), missed)
  }

  settle(key: string): void {
    const waiting = this.#waiting.get(key)
    if (!waiting) return
    waiting.cancel()
    this.#waiting.delete(key)
    this.#patience.delete(waiting.kind)
    if (!this.#tells(waiting)) return
    this.#estimate = sampled(this.#estimate, this.#clock.now() - waiting.since)
    this.#measured(this.#estimate.srtt)
  }

  /** The connection is over; the next one may take another way. */
  clear(): void {
    for (const { cancel } of this.#waiting.values()) cancel()
    this.#waiting.clear()
    this.#estimate = null
  }

  /** Whether its reply, that came just now, is a measure of the line. */
  #tells({ kind, bytes, due, again }: Waiting): boolean {
    const brief = bytes <= (this.#timings.bytesPerSecond * BRIEF_MS) / 1000
    return brief && !again && kind !== 'h.catchup' && this.#clock.now() <= due
  }

  #miss(kind: Kind): void {
    this.#patience.set(kind, Math.min(MOST_PATIENCE, 2 * this.#patienceWith(kind)))
    this.#missed()
  }

  #deadline(kind: Kind, bytes: number): number {
    const { replyMs, replyMinMs } = this.#timings
    return this.#usual(replyMinMs, replyMs) * this.#patienceWith(kind) + this.#bytesMs(bytes)
  }

  #usual(least: number, unmeasured: number): number {
    const { replyMs, workMs } = this.#timings
    if (!this.#estimate) return unmeasured
    return Math.min(replyMs, Math.max(least, lateAfter(this.#estimate, workMs)))
  }

  #patienceWith(kind: Kind): number {
    return this.#patience.get(kind) ?? 1
  }

  /** A line is in order: a reply comes after all that is under way before it. */
  #bytesMs(more: number): number {
    let bytes = more
    for (const waiting of this.#waiting.values()) bytes += waiting.bytes
    return (bytes / this.#timings.bytesPerSecond) * 1000
  }
}

/** What pairs a request with its reply; null for frames that are not part of a pair. */
export function replyKey(frame: ClientFrame | ServerFrame): string | null {
  switch (frame.a) {
    case 'hs':
    case 'pp':
    case 'h.token':
      return frame.a
    case 's':
    case 'h.catchup':
      return JSON.stringify([frame.a, frame.c, frame.d])
    case 'op':
      return submitKey(frame, frame.src, frame.seq)
    default:
      return null
  }
}

export const submitKey = ({ c, d }: Address, src: string, seq: number): string =>
  JSON.stringify(['op', c, d, src, seq])
