/** What the parts of the server tell of their work, as numbers; metrics.ts makes Prometheus's of it. */

import type { ErrorCode } from '../ops/errors.ts'

/** Called for every frame, so each call has to be cheap. */
export interface Meter {
  /** A session began. */
  opened(): void
  /** A session ended; null: the client went. */
  closed(code: ErrorCode | null): void
  /** A frame of a client. */
  heard(bytes: number): void
  /** Frames to a client, of so many bytes together; `ops`: somebody else's edits. */
  told(frames: number, bytes: number, ops: boolean): void
  /** A request was answered with an error. */
  refused(code: ErrorCode): void
  /** An op was answered, this long after it came; waiting for its turn included. */
  submitted(ms: number): void
  /** The store made ops durable in one transaction. */
  committed(ms: number, ops: number): void
  /** Presence was dropped for want of memory. */
  shed(): void
}

export const noMeter: Meter = {
  opened() {},
  closed() {},
  heard() {},
  told() {},
  refused() {},
  submitted() {},
  committed() {},
  shed() {},
}
