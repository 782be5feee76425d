/** The settings of a link, and the jitter of its waits. */

import type { Clock } from '../clock.ts'

/** In milliseconds, but for `breakAfter` and `bytesPerSecond`. */
export interface Timings {
  /** From asking for a token, or else from dialing, to the server's greeting. */
  readonly connectMs: number
  /** From a request to its reply, at most; how much sooner it is missed is measured (replies.ts). */
  readonly replyMs: number
  /** From a request to its reply, at least: a server that is busy for a moment is not gone. */
  readonly replyMinMs: number
  /** What a server may take for its work on a request, on top of the round trip. */
  readonly workMs: number
  /** What a frame's bytes are taken to pass at: 128 kbit/s, a poor mobile uplink. */
  readonly bytesPerSecond: number
  /** From asking after waking to the reply; also how late a timer may be before the device is taken to have slept. */
  readonly wakeReplyMs: number
  /** Silence after which the line is asked. */
  readonly heartbeatMs: number
  /** The same where bytes cost money. */
  readonly meteredHeartbeatMs: number
  /** Back-off: uniform in [0, min(maxMs, baseMs * 2^tries)). Source: "Exponential Backoff And Jitter", AWS 2015. */
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
  /** Clients of a server that restarts come back spread over this. */
  readonly restartMs: number
  /** Failed attempts in a row, of all links to an endpoint, after which it is only probed. */
  readonly breakAfter: number
  /** Between probes of an endpoint that fails. */
  readonly probeMs: number
}

export const defaultTimings: Timings = {
  connectMs: 10_000,
  replyMs: 10_000,
  replyMinMs: 3000,
  workMs: 2000,
  bytesPerSecond: 16_000,
  wakeReplyMs: 3000,
  heartbeatMs: 15_000,
  meteredHeartbeatMs: 60_000,
  backoffBaseMs: 500,
  backoffMaxMs: 30_000,
  restartMs: 2000,
  breakAfter: 5,
  probeMs: 30_000,
}

/** "Full jitter". */
export const backoff = (tries: number, clock: Clock, timings: Timings): number =>
  clock.random() * Math.min(timings.backoffMaxMs, timings.backoffBaseMs * 2 ** tries)

/** "Equal jitter": spread, but at least half of `ms`. */
export const atLeastHalf = (ms: number, clock: Clock): number => (ms / 2) * (1 + clock.random())
