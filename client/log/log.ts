/**
 * The durable record of what happened to each document on this device: numbered events with an occasional checkpoint,
 * so that state = fold(checkpoint, events). The log does not know what an event means; values are structured-cloneable.
 *
 * Laws, kept by every implementation and checked by one contract suite (test/log):
 *   - `write` is atomic and settles only when its records are durable: after it resolves, a new log opened on the same
 *     storage returns them; after it rejects, none of them are there.
 *   - Writes take effect in the order of the calls; `load` and `list` see every write that was called before them.
 *   - The numbers of a document's events have no gap: a write whose events do not follow on from what the log has is
 *     refused. So after a failed write the later ones that built on it fail too, and all of them can be written again.
 *   - `load` returns the newest checkpoint and, in order, every later event; a gap in the numbers is `LOG_FAILED`.
 *   - `close` waits for the writes that were called before it; every call after it is `LOG_FAILED`.
 */

import { HoldfastError } from '../../ops/errors.ts'
import type { DocKey } from '../../ops/identity.ts'

export interface LogEvent {
  /** Counts from 1 in each document, without a gap. */
  readonly n: number
  readonly event: unknown
}

export interface Checkpoint {
  /** The last event that the checkpoint covers. */
  readonly n: number
  readonly state: unknown
}

/** What a list of documents shows without loading them. */
export interface Summary {
  readonly type: string | null
  /** Edits that the server has not acknowledged. */
  readonly unsent: number
  readonly held: number
  /** When the document was last opened or edited here (ms since 1970). */
  readonly at: number
}

export interface Write {
  readonly key: DocKey
  readonly events?: readonly LogEvent[]
  /** Replaces the former checkpoint and removes the events that it covers, in the same transaction. */
  readonly checkpoint?: Checkpoint
  readonly summary?: Summary
  /** Forgets the document on this device altogether; stands alone. */
  readonly forget?: true
}

export interface Stored {
  readonly checkpoint: Checkpoint | null
  readonly events: readonly LogEvent[]
}

export interface Log {
  load(key: DocKey): Promise<Stored>
  /** Rejects with `LOG_FAILED` when the storage refuses; the message holds the platform's reason. */
  write(writes: readonly Write[]): Promise<void>
  list(): Promise<readonly (Summary & { readonly key: DocKey })[]>
  close(): Promise<void>
}

/** Why a log could not do something, with the platform's own words: the one error that a log rejects with. */
export function logFailed(reason: unknown): HoldfastError {
  if (reason instanceof HoldfastError) return reason
  const words = reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason)
  return new HoldfastError('LOG_FAILED', words)
}

/** How far a document's record goes: its last event (0: none yet) and the last one that its checkpoint covers. */
export interface Head {
  readonly last: number
  readonly covered: number
}

export const noHead: Head = { last: 0, covered: 0 }

/**
 * The head after `write`; throws `LOG_FAILED` if its events do not follow on from `head`, or its checkpoint goes back.
 * A checkpoint may cover events that were never written, so the next event follows on from the later of the two.
 */
export function advance(head: Head, write: Write): Head {
  if (write.forget) return noHead
  let { last, covered } = head
  for (const { n } of write.events ?? []) {
    if (n !== last + 1) throw logFailed(`event ${n} does not follow on from event ${last}`)
    last = n
  }
  if (write.checkpoint) {
    const { n } = write.checkpoint
    if (n < covered) throw logFailed(`checkpoint ${n} is older than checkpoint ${covered}`)
    covered = n
    last = Math.max(last, n)
  }
  return { last, covered }
}

/** `stored` as it is; throws `LOG_FAILED` if an event is missing between its checkpoint, its events and `head`. */
export function checkGapless(stored: Stored, head: Head): Stored {
  const { checkpoint, events } = stored
  let last = checkpoint?.n ?? 0
  if (last !== head.covered)
    throw logFailed(`the checkpoint covers event ${last}, but should cover event ${head.covered}`)
  for (const { n } of events) {
    if (n !== last + 1) throw logFailed(`the events after ${last} are missing: the next one is ${n}`)
    last = n
  }
  if (last !== head.last) throw logFailed(`the events ${last + 1} to ${head.last} are missing`)
  return stored
}
