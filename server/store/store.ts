/** What the rest of the server asks of a store: the op log and the snapshots, the only authority on order. */

import type { DocKey, Name } from '../../ops/identity.ts'
import type { WireChange } from '../../ops/protocol.ts'

/** One committed op; it took the document from version `v` to `v + 1`. `create.type` is a type's URI. */
export type StoredOp = WireChange & { v: number; src?: string; seq?: number; /** Commit time, ms since 1970. */ at: number }

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
}

export interface Store {
  /** The adapter that ShareDB commits through (`sharedb.DB`); typed where it is used. */
  readonly db: unknown
  snapshot(key: DocKey): Promise<StoredSnapshot>
  /** Ops `from <= v < to` in order; `to` null reads to the head. A gap is `STORE_FAILED`, never a shorter answer. */
  ops(key: DocKey, from: number, to: number | null): Promise<StoredOp[]>
  /** The version at which this name was committed to the document, or null. O(log n). */
  versionOf(key: DocKey, name: Name): Promise<number | null>
  /** Existing documents of a collection, last changed first; `after` continues behind the last one of a page. */
  list(collection: string, page: { limit: number; after?: { at: number; id: string } }): Promise<ListedDoc[]>
  /** Throws when the store cannot serve. */
  ping(): Promise<void>
  close(): Promise<void>
}
