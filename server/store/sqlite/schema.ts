/**
 * The tables of a SQLite database (`engine.ts` says what each is for), and how an older one becomes a present one.
 *
 * Names, ids and srcs stand in their JSON form ("a"), so that every JavaScript string, lone surrogates and NUL included,
 * is kept apart from every other.
 */

import { DatabaseSync } from 'node:sqlite'
import { HoldfastError } from '../../../ops/errors.ts'
import type { Durability } from '../engine.ts'
import { failed } from '../failed.ts'
import { toChainedLog } from './version2.ts'

/** Step i takes a database of version i to i + 1. A step that was released is never changed: add another. */
const steps: readonly (string | ((db: DatabaseSync) => void))[] = [
  `
  CREATE TABLE docs (
    num        INTEGER PRIMARY KEY,
    collection TEXT NOT NULL,
    id         TEXT NOT NULL,
    v          INTEGER NOT NULL,            -- the head
    type       TEXT,                        -- URI; NULL: does not exist now
    at         INTEGER NOT NULL,            -- last commit, ms since 1970
    UNIQUE (collection, id)
  ) STRICT;
  CREATE INDEX docs_by_change ON docs (collection, at DESC, id) WHERE type IS NOT NULL;

  CREATE TABLE ops (
    doc  INTEGER NOT NULL REFERENCES docs,
    v    INTEGER NOT NULL,                  -- the version that the op applies to
    src  TEXT,
    seq  INTEGER,
    at   INTEGER NOT NULL,
    type TEXT,                              -- of a create: its URI; of a delete: ''; of an edit: NULL
    body TEXT NOT NULL,                     -- {"op": …} | {"create": …} | {"del": true}
    meta TEXT,                              -- ShareDB's metadata where it says more than the time
    PRIMARY KEY (doc, v)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX ops_by_name ON ops (doc, src, seq) WHERE src IS NOT NULL;
  CREATE INDEX ops_by_type ON ops (doc, v, type) WHERE type IS NOT NULL;

  CREATE TABLE snapshots (
    doc  INTEGER PRIMARY KEY REFERENCES docs,
    v    INTEGER NOT NULL,
    type TEXT,
    data TEXT,                              -- JSON; NULL: does not exist
    meta TEXT
  ) STRICT;

  CREATE TABLE rungs (                      -- composed deltas, see rungs.ts
    doc  INTEGER NOT NULL REFERENCES docs,
    size INTEGER NOT NULL,                  -- how many versions it spans
    v    INTEGER NOT NULL,                  -- the first of them
    op   TEXT NOT NULL,
    PRIMARY KEY (doc, size, v)
  ) STRICT, WITHOUT ROWID;
  `,
  toChainedLog,
  'CREATE TABLE owners (src TEXT PRIMARY KEY, who TEXT NOT NULL) STRICT, WITHOUT ROWID',
]

/** What a database of this program is. */
export const SCHEMA_VERSION: number = steps.length

export const schemaVersionOf = (db: DatabaseSync): number =>
  db.prepare('PRAGMA user_version').get()!.user_version as number

export interface DatabaseOptions {
  /** A file, made if it is not there, or `:memory:`. */
  readonly path: string
  /** `full` survives a power cut (an fsync each commit); `normal` only the death of the process. Default `full`. */
  readonly durability?: Durability
  /** How long to wait for another process that writes (ms). Default 5000. */
  readonly busyMs?: number
}

/** Opens the database and brings it up to date. Throws `STORE_NEWER`, or `STORE_FAILED` with SQLite's reason. */
export function openDatabase({ path, durability = 'full', busyMs = 5000 }: DatabaseOptions): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { timeout: busyMs })
    // Takes effect in a new file only; one from before it uses its free pages again but does not shrink.
    db.exec('PRAGMA auto_vacuum = incremental')
    // fullfsync: macOS takes another call to get a write past the disk's own cache; elsewhere it means nothing.
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durability}; PRAGMA fullfsync = ON`)
    db.exec('PRAGMA foreign_keys = ON')
    migrate(db)
    return db
  } catch (error) {
    db?.close()
    throw failed(`open ${path}`, error)
  }
}

function migrate(db: DatabaseSync): void {
  if (schemaVersionOf(db) === SCHEMA_VERSION) return
  inTransaction(db, () => {
    // Read again: another process may have done it while we waited for the lock.
    const from = schemaVersionOf(db)
    if (from > SCHEMA_VERSION) throw newer(from)
    for (const step of steps.slice(from)) typeof step === 'string' ? db.exec(step) : step(db)
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
  })
}

export const newer = (version: number): HoldfastError =>
  new HoldfastError(
    'STORE_NEWER',
    `The database has schema version ${version}, this program knows ${SCHEMA_VERSION}: update the program.`,
  )

/**
 * Runs `work` in one write transaction that waits for no disk: for what can be derived again. A power cut may take it
 * away; the next commit that is synced makes it durable, too, because the write-ahead log is synced as a whole.
 */
export function inUnsyncedTransaction<T>(db: DatabaseSync, durability: Durability, work: () => T): T {
  db.exec('PRAGMA synchronous = normal')
  try {
    return inTransaction(db, work)
  } finally {
    db.exec(`PRAGMA synchronous = ${durability}`)
  }
}

/** Runs `work` in one write transaction: all of it is durable when this returns, none of it when it throws. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    rollBack(db)
    throw error
  }
}

/** The same for work that has to wait. Whatever else the connection is asked meanwhile is part of the transaction. */
export async function inLongTransaction<T>(db: DatabaseSync, work: () => Promise<T>): Promise<T> {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = await work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    rollBack(db)
    throw error
  }
}

/** SQLite has rolled back by itself after some failures (a full disk). */
function rollBack(db: DatabaseSync): void {
  if (db.isTransaction) db.exec('ROLLBACK')
}

/** Gives pages back to the disk, some at a time, where a quarter of the file is free: after a burst of ops was packed. */
export function shrink(db: DatabaseSync): void {
  const free = db.prepare('PRAGMA freelist_count').get()!.freelist_count as number
  const all = db.prepare('PRAGMA page_count').get()!.page_count as number
  if (free > 256 && free > all / 4) db.exec('PRAGMA incremental_vacuum(500)')
}
