/**
 * The durable record of what happened to each document on this device: numbered events with an occasional checkpoint,
 * so that state = fold(checkpoint, events). The log does not know what an event means; events and states are JSON values
 * (what JSON leaves out, such as a member that is undefined, is not kept).
 *
 * Laws, kept by every implementation and checked by one contract suite (test/log):
 *   - `write` is atomic and settles only when its records are durable: after it resolves, a new log opened on the same
 *     storage returns them; after it rejects, none of them are there.
 *   - Writes take effect in the order of the calls; `load` and the lists see every write that was called before them.
 *   - The numbers of a document's events have no gap: a write whose events do not follow on from what the log has is
 *     refused. So after a failed write the later ones that built on it fail too, and all of them can be written again.
 *   - `load` returns the newest checkpoint with its bulk and, in order, every later event, each as it was written: a record that is
 *     damaged, missing or in another's place is `LOG_FAILED`, with words that name it.
 *   - A log has one owner. Opening it takes it over, and every write of a former owner is `LOG_TAKEN`, however late a
 *     thawed tab asks for it. A former owner may still load.
 *   - A storage that vanishes is told once to `onLost`; every call after it is `LOG_FAILED` for the same reason.
 *   - `close` waits for the writes that were called before it; every call after it is `LOG_FAILED`.
 *
 * A write costs what it holds, never what the document holds, so no record says how far the newest event goes. Losses
 * that a load does not notice, therefore: the newest events that came after the document's last summary or checkpoint,
 * and a storage that went back to an earlier state as a whole (a cut file, an old copy). Whoever keeps `identity` and
 * how far things were outside of the storage can tell.
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
  readonly bulk?: Bulk
}

/**
 * The part of a state that is as large as the document, kept apart: a checkpoint may stand on one that is there already, and
 * then costs what the rest of it costs.
 */
export interface Bulk {
  /** The checkpoint that it was written with. */
  readonly n: number
  /** Of use to a write with that checkpoint only; a load always gives it. */
  readonly value?: unknown
}

/** What a list of documents shows without loading them; as true as the last write that gave one. */
export interface Summary {
  readonly type: string | null
  /** Edits that the server has not acknowledged. */
  readonly unsent: number
  readonly held: number
  /** When the document was last opened or edited here (ms since 1970). */
  readonly at: number
  /** To be kept on this device, whatever else must go. */
  readonly pinned: boolean
  /** What the document takes up here, as bytes of JSON; 0 where nobody counted yet. */
  readonly bytes: number
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
  /** Of the JSON text of each, so that one can be weighed against the other. */
  readonly bytes: { readonly checkpoint: number; readonly bulk: number; readonly events: number }
}

export const nothingStored: Stored = {
  checkpoint: null,
  events: [],
  bytes: { checkpoint: 0, bulk: 0, events: 0 },
}

/** Which storage this is, and the how-manieth owner of it. */
export interface Identity {
  /** Random, made with the storage: another one means that this is not the storage that was here before. */
  readonly device: string
  /** Raised by every opening. */
  readonly epoch: number
  /** This opening made the storage. */
  readonly fresh: boolean
}

export type Listed = Summary & { readonly key: DocKey }

export interface Log {
  readonly identity: Identity
  load(key: DocKey): Promise<Stored>
  /** Rejects with `LOG_FAILED` when the storage refuses; the message holds the platform's reason. */
  write(writes: readonly Write[]): Promise<void>
  list(): Promise<readonly Listed[]>
  /** Documents with unsent edits: the pinned first, then the most recently used. Reads no others. */
  unsent(): Promise<readonly DocKey[]>
  /** Up to `limit` documents that may be forgotten (see `isClean`), the least recently used first. Reads no others. */
  clean(limit: number): Promise<readonly Listed[]>
  /** `listener` is told once, at once if it has happened already, when the storage vanishes under the open log. */
  onLost(listener: (reason: HoldfastError) => void): void
  close(): Promise<void>
}

/** Nothing would be lost with it that the server does not have, and nobody asked to keep it here. */
export const isClean = ({ unsent, held, pinned }: Summary): boolean => unsent === 0 && held === 0 && !pinned

/** Why a log could not do something, with the platform's own words. A log rejects with this or with `LOG_TAKEN`. */
export function logFailed(reason: unknown): HoldfastError {
  if (reason instanceof HoldfastError) return reason
  const words = reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason)
  return new HoldfastError('LOG_FAILED', words)
}

/** Throws unless the log's storage still belongs to `identity`; `now` is what its `meta` says, read with the write. */
export function checkOwner(
  { device, epoch }: Identity,
  now: Omit<Identity, 'fresh'> | null | undefined,
): void {
  if (!now || now.device !== device)
    throw logFailed('the storage was emptied or replaced since it was opened')
  if (now.epoch !== epoch) throw new HoldfastError('LOG_TAKEN')
}

/** The two ends of a log that can be lost: `lose` tells, once; `check` throws why, ever after. */
export function losing() {
  const listeners = new Set<(reason: HoldfastError) => void>()
  let lost: HoldfastError | null = null
  return {
    onLost(listener: (reason: HoldfastError) => void): void {
      if (lost) listener(lost)
      else listeners.add(listener)
    },
    lose(words: string): void {
      if (lost) return
      lost = logFailed(words)
      for (const listener of listeners) listener(lost)
    },
    check(): void {
      if (lost) throw lost
    },
  }
}

/** How far a document's record goes: its last event (0: none yet) and the last one that its checkpoint covers. */
export interface Head {
  readonly last: number
  readonly covered: number
}

export const noHead: Head = { last: 0, covered: 0 }

/** As much of a write as moves the head. */
interface Advance {
  readonly events?: readonly { readonly n: number }[]
  readonly checkpoint?: { readonly n: number }
  readonly forget?: true
}

/**
 * The head after `write`; throws `LOG_FAILED` if its events do not follow on from `head`, or its checkpoint goes back.
 * A checkpoint may cover events that were never written, so the next event follows on from the later of the two.
 */
export function advance(head: Head, write: Advance): Head {
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

/**
 * Throws `LOG_FAILED` if an event is missing between a checkpoint, the events after it and `head`, which tells the
 * checkpoint's number exactly and an event that must be there at least.
 */
export function checkGapless(checkpoint: number, events: readonly number[], head: Head): void {
  let last = checkpoint
  if (last !== head.covered)
    throw logFailed(`the checkpoint covers event ${last}, but should cover event ${head.covered}`)
  for (const n of events) {
    if (n !== last + 1) throw logFailed(`the events after ${last} are missing: the next one is ${n}`)
    last = n
  }
  if (last < head.last) throw logFailed(`the events ${last + 1} to ${head.last} are missing`)
}
