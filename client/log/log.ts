/**
 * The durable record of what happened to each document on this device: numbered events with an occasional checkpoint,
 * so that state = fold(checkpoint, events). The log does not know what an event means; values are structured-cloneable.
 *
 * Laws, kept by every implementation and checked by one contract suite (test/log):
 *   - `write` is atomic and settles only when its records are durable: after it resolves, a new log opened on the same
 *     storage returns them; after it rejects, none of them are there.
 *   - Writes take effect in the order of the calls.
 *   - `load` returns the newest checkpoint and, in order, every later event; a gap in the numbers is `LOG_FAILED`.
 */

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
