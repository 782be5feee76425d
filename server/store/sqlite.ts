/** The embedded store: op log and snapshots in one SQLite file. Who opens it owns it and closes it. */

import type { DatabaseSync } from 'node:sqlite'
import { HoldfastError } from '../../ops/errors.ts'
import type { DocKey, Name } from '../../ops/identity.ts'
import type { DB } from '../sharedb.ts'
import { adapterOf, type Commit, type Full, type OpLog, type Verdict } from './adapter.ts'
import { type Group, groupOf } from './group.ts'
import { noDocument } from './replay.ts'
import { climb, type Piece, RUNG_SIZES } from './rungs.ts'
import { type DatabaseOptions, failed, inTransaction, inUnsyncedTransaction, openDatabase } from './schema.ts'
import { type SnapshotOptions, Snapshots } from './snapshots.ts'
import type { Head, ListedDoc, Store, StoreCounts, StoredOp } from './store.ts'
import { type DocRow, Tables } from './tables.ts'

export interface SqliteOptions extends DatabaseOptions, Partial<SnapshotOptions> {
  /** Versions that a composed delta spans, per level; each divides the next. Default `RUNG_SIZES`. */
  readonly rungSizes?: readonly number[]
}

/**
 * Opens a store, made if it is not there and brought up to date if it is old.
 * Throws `STORE_NEWER` for the database of a newer program, `STORE_FAILED` if it cannot be opened.
 */
export const openSqliteStore = (options: SqliteOptions): Store => new SqliteStore(options)

class SqliteStore implements Store, OpLog {
  readonly db: DB
  readonly #database: DatabaseSync
  readonly #tables: Tables
  readonly #snapshots: Snapshots
  readonly #rungSizes: readonly number[]
  readonly #group: Group<Commit, Verdict>
  #commits = 0
  #groups = 0

  constructor(options: SqliteOptions) {
    const { cacheBytes = 64 * 2 ** 20, quietMs = 5000, rungSizes = RUNG_SIZES } = options
    this.#rungSizes = rungSizes
    this.#database = openDatabase(options)
    this.#tables = new Tables(this.#database, rungSizes)
    const { durability = 'full' } = options
    const transact = (work: () => void) => inUnsyncedTransaction(this.#database, durability, work)
    this.#snapshots = new Snapshots(this.#tables, transact, { cacheBytes, quietMs })
    this.#group = groupOf(commits => this.#write(commits))
    this.db = adapterOf(this)
  }

  get counts(): StoreCounts {
    return { commits: this.#commits, groups: this.#groups, snapshots: this.#snapshots.written }
  }

  commit(commit: Commit): Promise<Verdict> {
    return this.#ask('write', () => this.#group.add(commit))
  }

  #write(commits: readonly Commit[]): Verdict[] {
    const verdicts = inTransaction(this.#database, () => commits.map(commit => this.#tables.append(commit)))
    this.#groups++
    commits.forEach(({ key, after, body }, i) => {
      if (verdicts[i] !== 'committed') return
      this.#commits++
      this.#snapshots.moved(key, after, body.length)
    })
    return verdicts
  }

  head(key: DocKey): Promise<Head> {
    return this.#read(key, { v: 0, type: null }, ({ v, type }) => ({ v, type }))
  }

  typeAt(key: DocKey, v: number): Promise<string | null> {
    return this.#read(key, null, ({ num }) => this.#tables.typeAt(num, v))
  }

  snapshot(key: DocKey): Promise<Full> {
    return this.#read(key, noDocument, row => this.#snapshots.latest(key, row))
  }

  ops(key: DocKey, from: number, to: number | null): Promise<StoredOp[]> {
    return this.#read(key, [], ({ num, v }) => this.#tables.ops(num, from, Math.min(to ?? v, v)))
  }

  changes(key: DocKey, from: number, to: number | null, apart: readonly number[] = []): Promise<Piece[]> {
    return this.#read(key, [], ({ num, v }) =>
      climb(this.#tables.ladder(num), this.#rungSizes, from, Math.min(to ?? v, v), apart),
    )
  }

  versionOf(key: DocKey, name: Name): Promise<number | null> {
    return this.#read(key, null, ({ num }) => this.#tables.versionOf(num, name))
  }

  list(
    collection: string,
    page: { limit: number; after?: { at: number; id: string } },
  ): Promise<ListedDoc[]> {
    return this.#ask('read', () => this.#tables.list(collection, page.limit, page.after))
  }

  /** An empty write transaction: it needs the lock and a file that can be written, but no fsync. */
  ping(): Promise<void> {
    return this.#ask('answer', () => inTransaction(this.#database, () => {}))
  }

  async close(): Promise<void> {
    if (!this.#database.isOpen) return
    this.#group.flush()
    this.#snapshots.close()
    await this.#ask('close', () => this.#database.close())
  }

  /** Asks about a document: `none` if nobody ever wrote it. */
  #read<T>(key: DocKey, none: T, question: (row: DocRow) => T): Promise<T> {
    return this.#ask('read', () => {
      const row = this.#tables.doc(key)
      return row ? question(row) : none
    })
  }

  /** A failure of the database gets its code, and what it said. */
  async #ask<T>(doing: string, work: () => T | Promise<T>): Promise<T> {
    if (!this.#database.isOpen) {
      throw new HoldfastError('STORE_FAILED', `The database could not ${doing}: it is closed.`)
    }
    try {
      return await work()
    } catch (error) {
      throw failed(doing, error)
    }
  }
}
