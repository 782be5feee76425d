/**
 * The tables of a SQLite database (`engine.ts` says what each is for), and how an older one becomes a present one.
 *
 * Names, ids and srcs stand in their JSON form ("a"), so that every JavaScript string, lone surrogates and NUL included,
 * is kept apart from every other.
 */

import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { HoldfastError } from '../../../ops/errors.ts'
import { chained, START } from '../chain.ts'

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
]

export type Durability = 'full' | 'normal'

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
  const version = () => db.prepare('PRAGMA user_version').get()!.user_version as number
  if (version() === steps.length) return
  inTransaction(db, () => {
    // Read again: another process may have done it while we waited for the lock.
    const from = version()
    if (from > steps.length) {
      throw new HoldfastError(
        'STORE_NEWER',
        `The database has schema version ${from}, this program knows ${steps.length}: update the program.`,
      )
    }
    for (const step of steps.slice(from)) typeof step === 'string' ? db.exec(step) : step(db)
    db.exec(`PRAGMA user_version = ${steps.length}`)
  })
}

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
    // SQLite has rolled back by itself after some failures (a full disk).
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/** `error` as one that has a code: its own, or `STORE_FAILED`. The message tells an operator what SQLite said. */
export function failed(doing: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  return new HoldfastError('STORE_FAILED', `The database could not ${doing}: ${(error as Error).message}`)
}

/** Version 2: hashes, the ledger, packs, milestones, marks, credits, and a number for every change of a collection. */
function toChainedLog(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE collections (
      name   TEXT PRIMARY KEY,
      change INTEGER NOT NULL               -- number of its last change
    ) STRICT, WITHOUT ROWID;

    ALTER TABLE docs ADD COLUMN hash    TEXT    NOT NULL DEFAULT '';
    ALTER TABLE docs ADD COLUMN change  INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE docs ADD COLUMN writers INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE docs ADD COLUMN horizon INTEGER NOT NULL DEFAULT 0;

    CREATE TABLE writers (
      doc    INTEGER NOT NULL REFERENCES docs,
      writer INTEGER NOT NULL,              -- counts from 1 in its document
      src    TEXT NOT NULL,
      seq    INTEGER NOT NULL,              -- its last
      v      INTEGER NOT NULL,              -- where that was committed
      seal   TEXT,
      PRIMARY KEY (doc, writer)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE turns (
      doc  INTEGER NOT NULL REFERENCES docs,
      v    INTEGER NOT NULL,
      type TEXT,                            -- of a create: its URI; of a delete: NULL
      PRIMARY KEY (doc, v)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE packs (
      doc   INTEGER NOT NULL REFERENCES docs,
      v     INTEGER NOT NULL,
      n     INTEGER NOT NULL,
      start INTEGER NOT NULL,
      "end" INTEGER NOT NULL,
      hash  TEXT NOT NULL,
      about TEXT NOT NULL,
      body  BLOB,
      PRIMARY KEY (doc, v)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE packnames (
      doc    INTEGER NOT NULL REFERENCES docs,
      writer INTEGER NOT NULL,
      seq    INTEGER NOT NULL,              -- the writer's first in the pack
      v      INTEGER NOT NULL,              -- of the pack
      PRIMARY KEY (doc, writer, seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE milestones (
      doc   INTEGER NOT NULL REFERENCES docs,
      v     INTEGER NOT NULL,
      mtime INTEGER,
      type  TEXT,
      data  BLOB,                           -- deflated JSON; NULL: does not exist
      meta  TEXT,
      PRIMARY KEY (doc, v)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX milestones_by_time ON milestones (doc, mtime);

    CREATE TABLE marks (
      doc  INTEGER NOT NULL REFERENCES docs,
      name TEXT NOT NULL,
      v    INTEGER NOT NULL,
      at   INTEGER NOT NULL,
      PRIMARY KEY (doc, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE credits (
      doc  INTEGER PRIMARY KEY REFERENCES docs,
      v    INTEGER NOT NULL,
      runs BLOB NOT NULL                    -- deflated JSON
    ) STRICT;

    DROP TABLE rungs;
    CREATE TABLE rungs (
      doc  INTEGER NOT NULL REFERENCES docs,
      size INTEGER NOT NULL,
      v    INTEGER NOT NULL,
      op   BLOB NOT NULL,                   -- deflated JSON
      PRIMARY KEY (doc, size, v)
    ) STRICT, WITHOUT ROWID;

    INSERT INTO writers (doc, writer, src, seq, v)
      SELECT doc, row_number() OVER (PARTITION BY doc ORDER BY first), src, last,
        (SELECT v FROM ops o WHERE o.doc = w.doc AND o.src = w.src AND o.seq = w.last)
      FROM (SELECT doc, src, min(v) AS first, max(seq) AS last FROM ops WHERE src IS NOT NULL GROUP BY doc, src) w;
    INSERT INTO turns (doc, v, type) SELECT doc, v, nullif(type, '') FROM ops WHERE type IS NOT NULL;

    ALTER TABLE ops RENAME TO former;
    CREATE TABLE ops (
      doc    INTEGER NOT NULL REFERENCES docs,
      v      INTEGER NOT NULL,              -- the version that the op applies to
      writer INTEGER,
      seq    INTEGER,
      at     INTEGER NOT NULL,
      body   TEXT NOT NULL,                 -- {"op": …} | {"create": …} | {"del": true}
      meta   TEXT,                          -- ShareDB's metadata where it says more than the time
      hash   TEXT NOT NULL,                 -- the chain's after it
      PRIMARY KEY (doc, v)
    ) STRICT, WITHOUT ROWID;
  `)
  const ops = db.prepare('SELECT doc, v, src, seq, body FROM former ORDER BY doc, v')
  const copy = db.prepare(
    `INSERT INTO ops SELECT f.doc, f.v, w.writer, f.seq, f.at, f.body, f.meta, ?
     FROM former f LEFT JOIN writers w ON w.doc = f.doc AND w.src = f.src WHERE f.doc = ? AND f.v = ?`,
  )
  const close = db.prepare('UPDATE docs SET hash = ? WHERE num = ?')
  let [doc, hash] = [-1, START]
  for (const op of ops.iterate()) {
    if (op.doc !== doc) {
      if (doc >= 0) close.run(hash, doc)
      doc = op.doc as number
      hash = START
    }
    const src = op.src === null ? null : (JSON.parse(op.src as string) as string)
    hash = chained(hash, src, op.seq as number | null, op.body as string)
    copy.run(hash, doc, op.v as number)
  }
  if (doc >= 0) close.run(hash, doc)
  db.exec(`
    DROP TABLE former;
    CREATE UNIQUE INDEX ops_by_name ON ops (doc, writer, seq) WHERE writer IS NOT NULL;
    CREATE UNIQUE INDEX writers_by_src ON writers (doc, src);
    UPDATE docs SET writers = (SELECT count(*) FROM writers WHERE doc = num);
    UPDATE docs SET change = nth FROM
      (SELECT num AS doc, row_number() OVER (PARTITION BY collection ORDER BY at, num) AS nth FROM docs)
      WHERE doc = num;
    INSERT INTO collections SELECT collection, max(change) FROM docs GROUP BY collection;
    CREATE UNIQUE INDEX docs_by_number ON docs (collection, change) WHERE change > 0;
  `)
  db.prepare("INSERT INTO facts VALUES ('epoch', ?)").run(newEpoch())
}

/** 128 random bits in hexadecimal. */
export const newEpoch = (): string => randomBytes(16).toString('hex')
