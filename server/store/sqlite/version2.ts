/** From version 1 to 2: hashes, the ledger, packs, milestones, marks, credits, and a number for every change. */

import type { DatabaseSync } from 'node:sqlite'
import { chained, newEpoch, START } from '../chain.ts'

export function toChainedLog(db: DatabaseSync): void {
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

    -- With a rowid where rows are large: without one, what passes a quarter of a page goes to pages of its own.
    CREATE TABLE packs (
      doc   INTEGER NOT NULL REFERENCES docs,
      v     INTEGER NOT NULL,
      n     INTEGER NOT NULL,
      start INTEGER NOT NULL,
      "end" INTEGER NOT NULL,
      hash  TEXT NOT NULL,
      about TEXT NOT NULL,
      body  BLOB,
      names BLOB,
      PRIMARY KEY (doc, v)
    ) STRICT;

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
    ) STRICT;
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
    ) STRICT;

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
    CREATE UNIQUE INDEX writers_by_src ON writers (doc, src);
    UPDATE docs SET writers = (SELECT count(*) FROM writers WHERE doc = num);
    UPDATE docs SET change = nth FROM
      (SELECT num AS doc, row_number() OVER (PARTITION BY collection ORDER BY at, num) AS nth FROM docs)
      WHERE doc = num;
    INSERT INTO collections SELECT collection, max(change) FROM docs GROUP BY collection;
    DROP INDEX docs_by_change;
    CREATE UNIQUE INDEX docs_by_number ON docs (collection, change) WHERE change > 0;
  `)
  db.prepare("INSERT INTO facts VALUES ('epoch', ?)").run(newEpoch())
}
