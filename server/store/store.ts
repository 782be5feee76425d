/**
 * What the rest of the server asks of a store: the op log and the snapshots, the only authority on order.
 *
 * Laws, kept by every implementation and checked by one contract suite (test/store/contract.ts):
 *   - The op log only grows. A document's versions have no gap, and a name `(src, seq)` stands in it at most once.
 *   - A commit is answered only when it is durable; one that was answered is there after any crash.
 *   - A snapshot is what its ops make: it can be thrown away and derived again.
 */

import type { DocKey, Name } from '../../ops/identity.ts'
import type { WireChange } from '../../ops/protocol.ts'
import type { DB, MilestoneDB } from '../sharedb.ts'
import type { Refusal } from './books.ts'
import type { Receipt } from './chain.ts'
import type { History } from './history.ts'
import type { Imported, ImportRules } from './import.ts'
import type { Trimmed } from './retention.ts'
import type { Piece } from './rungs.ts'

/** One committed op; it took the document from version `v` to `v + 1`. `create.type` is a type's URI. */
export type StoredOp = WireChange & {
  v: number
  src?: string
  seq?: number
  /** When the server took it, ms since 1970. */
  at: number
  /** What ShareDB or a middleware noted beyond the time; mostly missing. */
  meta?: Record<string, unknown>
}

/** With the receipt of the version that it led to, where that can be told. */
export type ReceiptedOp = StoredOp & { hash?: string }

/** A document at a version; `type` null while it does not exist (then `v` may still be above 0: it was deleted). */
export interface StoredSnapshot {
  readonly v: number
  readonly type: string | null
  readonly data: unknown
}

export interface ListedDoc {
  readonly collection: string
  readonly id: string
  readonly type: string
  readonly v: number
  /** Time of the last commit, ms since 1970. */
  readonly at: number
  /** The number of its last change in its collection. */
  readonly change: number
}

/** Of a collection, what was last changed below the change numbered `before`, by a part of the name and the time. */
export interface ListRequest {
  readonly limit: number
  readonly before?: number
  /** How the names begin. */
  readonly prefix?: string
  /** The last change came at or after `since` and before `until`, ms since 1970. */
  readonly since?: number
  readonly until?: number
}

/** Where a document stands, without its content. */
export interface Head {
  readonly v: number
  /** A type's URI, null while the document does not exist. */
  readonly type: string | null
  /** The receipt's hash at `v`; missing where it is told from memory, and for a document that nobody ever wrote. */
  readonly hash?: string
  /** The first version whose op is still there. */
  readonly horizon: number
}

/** A document that changed: `change` is the number of its last change in its collection; deleted ones have no type. */
export interface Change {
  readonly change: number
  readonly id: string
  readonly type: string | null
  readonly v: number
  /** ms since 1970. */
  readonly at: number
}

/** A version that a person gave a name; it is kept for ever. */
export interface Mark {
  readonly name: string
  readonly v: number
  /** When it got the name, ms since 1970. */
  readonly at: number
}

export interface StoreCounts {
  /** Ops committed. */
  commits: number
  /** Transactions that committed ops: one fsync each. */
  groups: number
  /** Snapshots written down. */
  snapshots: number
}

export interface Store {
  /** The adapter that ShareDB commits through; closing it closes the store. */
  readonly db: DB
  /** The one through which it reads a document at a version or a time. */
  readonly milestones: MilestoneDB
  /** Names this database's history: another one after a backup was restored. */
  readonly epoch: string
  /** Whether other servers may be writing to the same database. */
  readonly shared: boolean
  /** Where documents stand now, in the order of `keys`; 0 for one that nobody ever wrote. One question, however many. */
  heads(keys: readonly DocKey[]): Promise<number[]>
  /**
   * Version and type now; version 0 and type null for a document that nobody ever wrote. O(log n). With `base`, the answer
   * may come from memory if it is not behind `base.v`, and then be behind what other servers have committed.
   */
  head(key: DocKey, base?: { v: number }): Promise<Head>
  /** The type that the document had at version `v` (at or before the head). O(log n). */
  typeAt(key: DocKey, v: number): Promise<string | null>
  /** The document at its head; `data` is shared with the store's cache: read it, never change it. */
  snapshot(key: DocKey): Promise<StoredSnapshot>
  /** The document at version `v`. `VERSION_UNKNOWN` beyond the head, `HISTORY_TRIMMED` where it cannot be told any more. */
  at(key: DocKey, v: number): Promise<StoredSnapshot>
  /**
   * What takes the document from version `from` to version `to`, which may be the earlier one: one op, none where nothing
   * changed, or a delete and a create. Errors as of `at`.
   */
  delta(key: DocKey, from: number, to: number): Promise<WireChange[]>
  /** The version that the document had at a time (ms since 1970). */
  versionBy(key: DocKey, at: number): Promise<number>
  /** Ops `from <= v < to` in order; `to` null reads to the head. A gap is `STORE_FAILED`, never a shorter answer. */
  ops(key: DocKey, from: number, to: number | null): Promise<StoredOp[]>
  receipted(key: DocKey, from: number, to: number | null): Promise<ReceiptedOp[]>
  /**
   * What the same ops change, in few pieces: stretches are composed already where that was done in advance, but each
   * version in `apart` is a piece of its own.
   */
  changes(key: DocKey, from: number, to: number | null, apart?: readonly number[]): Promise<Piece[]>
  /** The version at which this name was committed to the document, or null. O(log n). */
  versionOf(key: DocKey, name: Name): Promise<number | null>
  /** The same, with the seal that its writer named: only that of a writer's last op is kept. */
  committed(key: DocKey, name: Name): Promise<{ v: number; seal?: string } | null>
  /**
   * Why an op of this name cannot be committed any more; `seal` as in seals.ts. Null: it can, as far as is remembered; what
   * other servers have committed meanwhile is found by its commit.
   */
  refusalOf(key: DocKey, name: Name, seal: string): Promise<Exclude<Refusal, { kind: 'taken' }> | null>
  /** The principal that wrote under `src`, and alone may do so; null: nobody who was known by a name. */
  ownerOf(src: string): Promise<string | null>
  /** Gives `src` to a principal for ever, unless it is somebody's; answers whose it is then. */
  claim(src: string, who: string): Promise<string>
  /** Drops what is remembered of a document and may be behind; answers whether there was anything. */
  forget(key: DocKey): boolean
  /** The receipt of version `v`; null beyond the head and where it was trimmed. */
  receiptAt(key: DocKey, v: number): Promise<Receipt | null>
  /**
   * Whether the document came to a version that it has by the way that this receipt is for. Where that was trimmed, its first
   * digits tell; true where nobody can tell.
   */
  agrees(key: DocKey, receipt: Receipt): Promise<boolean>
  /** Existing documents of a collection, last changed first; `before`: the `change` of the last one of the page before. */
  list(collection: string, page: ListRequest): Promise<ListedDoc[]>
  /**
   * What changed in a collection since the change numbered `after` (0: ever), each document once, by its last change.
   * Numbers rise by one with each commit, and none appears below one that was read.
   */
  changed(collection: string, page: { after: number; limit: number }): Promise<Change[]>
  readonly history: History
  /** The collection as JSON lines, see export.ts. */
  export(collection: string): AsyncGenerator<string>
  /** Adds the documents of such lines to a collection, see import.ts. */
  import(collection: string, chunks: AsyncIterable<Uint8Array>, rules?: ImportRules): Promise<Imported>
  /** What a part of the server keeps under a name; null: nothing. Goes with a backup. */
  memo(name: string): Promise<string | null>
  /** Puts `to` in its place, null for nothing, if `from` still stands there; answers whether it did. Durable. */
  changeMemo(name: string, from: string | null, to: string | null): Promise<boolean>
  /** Forgets the ops that were committed at or before a time (ms since 1970), as retention.ts says. */
  trim(until: number): Promise<Trimmed>
  /** Resolves when nothing is left to be done in the background. */
  tended(): Promise<void>
  /** Rejects with `STORE_FAILED` when the store cannot serve. */
  ping(): Promise<void>
  /** How much was done since the store was opened. */
  readonly counts: Readonly<StoreCounts>
  /** Finishes what was handed in, writes the snapshots that are due, and lets go of the database. */
  close(): Promise<void>
}
