/**
 * What a store needs of its database: rows in, rows out. There is one implementation for each database (`sqlite/`,
 * `postgres/`); whatever is decided is decided above it, once for all of them (`books.ts`, `enginestore.ts`).
 *
 *   docs         where each document stands            ops         the latest ops, one row each
 *   writers      who wrote in it: the ledger           packs       older ops, many to a row (packs.ts)
 *   turns        its creates and deletes               packnames   which pack has a name
 *   collections  the numbers of its changes            rungs       composed deltas (rungs.ts)
 *   snapshots    content, written down lazily          milestones  content that is kept for ever
 *   marks        named versions                        credits     who wrote which part, as far as it was worked out
 *   facts        the epoch, how far others were told   owners      whose srcs are
 *
 * Laws, for every engine:
 *   - `append` is one transaction, durable when it resolves; when it rejects, none of it is there (or, where the answer
 *     was lost with the connection, all of it).
 *   - A version is an op's row or part of one pack, never of both, to every reader that asks for the rows first.
 *   - What can be derived again (packs excepted) may be written without waiting for the disk.
 */

import type { DocKey } from '../../ops/identity.ts'
import type { Commit, Full } from './adapter.ts'
import type { Verdict } from './books.ts'
import type { DocTable, Row, Table } from './layout.ts'
import type { Change, ListedDoc, ListRequest, Mark } from './store.ts'

/** `full`: a commit that was answered survives a power cut; `normal`: it survives the end of our process. */
export type Durability = 'full' | 'normal'

export interface DocRow {
  readonly num: number
  /** The head. */
  readonly v: number
  /** A type's URI, null while the document does not exist. */
  readonly type: string | null
  /** The chain's hash at the head. */
  readonly hash: string
  /** The first version whose op is still there. */
  readonly horizon: number
}

/** Who wrote the op of a version, under which name, and when. */
export interface KeptName {
  readonly v: number
  readonly src: string | null
  readonly seq: number | null
  /** ms since 1970. */
  readonly at: number
}

/** One op as it is kept. `body` is the change as JSON text. */
export interface KeptOp extends KeptName {
  readonly body: string
  readonly meta: string | null
}

/** A row of `ops`. */
export interface OpRow extends KeptOp {
  /** The chain's hash after it. */
  readonly hash: string
}

/** The ledger: the last op of a writer in a document. */
export interface WriterRow {
  readonly writer: number
  readonly seq: number
  /** The version at which `seq` was committed. */
  readonly v: number
  /** What was committed under it, see `seals.ts`; null for an op from before there were seals. */
  readonly seal: string | null
}

/** `n` ops from version `v` on, see packs.ts. */
export interface PackRow {
  readonly v: number
  readonly n: number
  /** Times of its earliest and its latest op, ms since 1970. */
  readonly start: number
  readonly end: number
  /** The chain's hash after it. */
  readonly hash: string
  /** Who did how much, as JSON text (`blocksOf` in summaries.ts); it stays when the ops are trimmed. */
  readonly about: string
  /** Null once its ops were trimmed; then `names` is what is left of them. */
  readonly body: Uint8Array | null
  readonly names: Uint8Array | null
}

/** In a pack: the first seq that a writer has in it. */
export interface PackName {
  readonly writer: number
  readonly seq: number
}

export interface RungRow {
  readonly v: number
  /** The composed op as JSON text. */
  readonly op: string
}

export interface SnapshotRow {
  readonly full: Full
  /** Length of the content as JSON text. */
  readonly bytes: number
}

/** A create or a delete: the document's type from version `v + 1` on. */
export interface TurnRow {
  readonly v: number
  readonly type: string | null
}

/** The rows of a database as they stood at one moment, whatever is written meanwhile. Several tables may be read at a time. */
export interface View {
  /** The rows of a table in the order of its key (layout.ts), some at a time; with `doc`, those of one document. */
  rows<T extends Table>(table: T): AsyncIterable<readonly Row<T>[]>
  rows<T extends DocTable>(table: T, doc: number): AsyncIterable<readonly Row<T>[]>
  close(): Promise<void>
}

/** A document with its whole history, as rows that do not know its number yet. */
export interface WholeDoc {
  readonly key: DocKey
  readonly doc: Omit<Row<'docs'>, 'num' | 'collection' | 'id' | 'change'>
  readonly rows: { readonly [T in DocTable]?: readonly Omit<Row<T>, 'doc'>[] }
  /** Whose the srcs of its writers are; one that is somebody's already stays theirs. */
  readonly owners: readonly Row<'owners'>[]
}

export interface Engine {
  /** Made with the database, and anew whenever a backup is restored. */
  readonly epoch: string
  /** Whether asking costs next to nothing, so that nothing has to be remembered to save it. */
  readonly local: boolean

  /** Decides and writes all of `commits` (books.ts). */
  append(commits: readonly Commit[]): Promise<Verdict[]>
  doc(key: DocKey): Promise<DocRow | null>
  /** The versions of documents, in the order of `keys`; 0 for one that has no row. One question, however many. */
  heads(keys: readonly DocKey[]): Promise<number[]>
  /** The row of a document that may have none yet: it then has one at version 0. */
  touch(key: DocKey): Promise<DocRow>
  writer(doc: number, src: string): Promise<WriterRow | null>
  /** The principal that has the src; null: nobody yet. */
  owner(src: string): Promise<string | null>
  /** Gives a src to a principal unless it is somebody's. Durable. */
  claim(src: string, who: string): Promise<void>
  /** Existing documents, last changed first. */
  list(collection: string, page: ListRequest): Promise<ListedDoc[]>
  /** Documents whose last change has a number above `after`, by that number; deleted ones have the type null. */
  changed(collection: string, after: number, limit: number): Promise<Change[]>
  /** All documents in some order that lasts, from behind `after`; an empty page is the end. */
  keys(after: DocKey | null, limit: number, collection?: string): Promise<DocKey[]>

  /** What was noted under a name; null: nothing. */
  fact(name: string): Promise<string | null>
  /** Notes `value` where `before` stands, null for nothing in both; false where something else does. Durable. */
  changeFact(name: string, before: string | null, value: string | null): Promise<boolean>

  /** Rows of `ops` with `from <= v < to`, in order. */
  ops(doc: number, from: number, to: number): Promise<OpRow[]>
  /** The same, bodies only. */
  bodies(doc: number, from: number, to: number): Promise<(readonly [v: number, body: string])[]>
  /** The version of a name among the rows of `ops`. */
  named(doc: number, writer: number, seq: number): Promise<number | null>
  /** The last create or delete before version `v`. */
  turnBefore(doc: number, v: number): Promise<TurnRow | null>

  /** Packs that hold a version of `from <= v < to`, in order. */
  packs(doc: number, from: number, to: number): Promise<PackRow[]>
  /** Where the packs of a document end; 0 without any. */
  packedTo(doc: number): Promise<number>
  /** The last pack with an op at or before a time. */
  packBy(doc: number, at: number): Promise<PackRow | null>
  /** The first version of the pack that has this name if any has. */
  packOf(doc: number, writer: number, seq: number): Promise<number | null>
  /** Puts a pack in the place of the rows that it holds; does nothing if somebody else did. */
  pack(doc: number, pack: PackRow, names: readonly PackName[]): Promise<void>

  /** Rungs of `size` with `from <= v < to`, in order. */
  rungs(doc: number, size: number, from: number, to: number): Promise<RungRow[]>
  /** Where the rungs of `size` end; 0 without any. */
  rungsTo(doc: number, size: number): Promise<number>
  addRungs(doc: number, size: number, rungs: readonly RungRow[]): Promise<void>

  snapshot(doc: number): Promise<SnapshotRow | null>
  /** Writes snapshots down, unless newer ones are there; answers the lengths of their contents as JSON text. */
  saveSnapshots(snapshots: readonly { doc: number; full: Full }[]): Promise<number[]>

  saveMilestone(doc: number, full: Full): Promise<void>
  /** The latest milestone with `v <= to`. */
  milestone(doc: number, to: number): Promise<Full | null>
  /** The latest milestone whose `meta.mtime` is at or before a time, or the earliest at or after it. */
  milestoneBy(doc: number, side: 'before' | 'after', at: number): Promise<Full | null>

  /** Durable. */
  saveMark(doc: number, mark: Mark): Promise<void>
  dropMark(doc: number, name: string): Promise<boolean>
  marks(doc: number): Promise<Mark[]>

  /** `runs` is any JSON value. */
  credits(doc: number): Promise<{ v: number; runs: unknown } | null>
  saveCredits(doc: number, v: number, runs: unknown): Promise<void>

  /** Forgets the ops below `horizon`, all of which are in packs: those that are named here keep their names only. */
  trim(doc: number, horizon: number, names: ReadonlyMap<number, Uint8Array>): Promise<void>

  /** What stands in all tables now. Nobody is kept from writing; `close` it soon all the same. */
  view(): Promise<View>
  /**
   * Takes over all rows of `from`, but `epoch` in the place of its epoch: one durable transaction. Rejects with
   * `STORE_NOT_EMPTY` if a document is there already. Nothing else may be asked of the engine meanwhile.
   */
  fill(from: View, epoch: string): Promise<void>
  /** Adds a document, as one change of its collection: one durable transaction. False if it is there already. */
  adopt(whole: WholeDoc): Promise<boolean>

  /** Rejects when the database cannot be written to. */
  ping(): Promise<void>
  close(): Promise<void>
}
