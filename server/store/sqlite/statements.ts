/** Every statement on the tables of `schema.ts`, prepared once: SQLite's compiling costs more than most take to run. */

import type { DatabaseSync, StatementSync } from 'node:sqlite'

export type Statements = ReturnType<typeof statementsOf>

export function statementsOf(db: DatabaseSync) {
  const sql = (text: string) => db.prepare(text)
  return {
    fact: sql('SELECT value FROM facts WHERE name = ?'),
    dropFact: sql('DELETE FROM facts WHERE name = ?'),
    putFact: sql('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)'),
    collection: sql('SELECT change FROM collections WHERE name = ?'),
    putCollection: sql(
      'INSERT INTO collections (name, change) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET change = excluded.change',
    ),

    doc: sql('SELECT * FROM docs WHERE collection = ? AND id = ?'),
    addDoc: sql(
      `INSERT INTO docs (collection, id, v, type, hash, at, change, writers) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       RETURNING num`,
    ),
    moveDoc: sql('UPDATE docs SET v = ?, type = ?, hash = ?, at = ?, change = ?, writers = ? WHERE num = ?'),
    listed: sql(
      `SELECT id, type, v, at, change FROM docs WHERE collection = ?1 AND change < ?2 AND change > 0
       AND type IS NOT NULL AND substr(id, 1, length(?4)) = ?4 AND at >= ?5 AND at < ?6
       ORDER BY change DESC LIMIT ?3`,
    ),
    changed: sql(
      `SELECT change, id, type, v, at FROM docs WHERE collection = ? AND change > ? AND change > 0
       ORDER BY change LIMIT ?`,
    ),
    keys: sql(
      'SELECT collection, id FROM docs WHERE (collection, id) > (?, ?) ORDER BY collection, id LIMIT ?',
    ),
    keysIn: sql('SELECT collection, id FROM docs WHERE collection = ? AND id > ? ORDER BY id LIMIT ?'),

    writer: sql('SELECT writer, seq, v, seal FROM writers WHERE doc = ? AND src = ?'),
    putWriter: sql(
      `INSERT INTO writers (doc, writer, src, seq, v, seal) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (doc, writer) DO UPDATE SET seq = excluded.seq, v = excluded.v, seal = excluded.seal`,
    ),
    owner: sql('SELECT who FROM owners WHERE src = ?'),
    claim: sql('INSERT INTO owners (src, who) VALUES (?, ?) ON CONFLICT (src) DO NOTHING'),
    addTurn: sql('INSERT INTO turns (doc, v, type) VALUES (?, ?, ?)'),
    turnBefore: sql('SELECT v, type FROM turns WHERE doc = ? AND v < ? ORDER BY v DESC LIMIT 1'),

    addOp: sql('INSERT INTO ops (doc, v, writer, seq, at, body, meta, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    ops: asArrays(
      sql(
        `SELECT o.v, w.src, o.seq, o.at, o.body, o.meta, o.hash
         FROM ops o LEFT JOIN writers w ON w.doc = o.doc AND w.writer = o.writer
         WHERE o.doc = ? AND o.v >= ? AND o.v < ? ORDER BY o.v`,
      ),
    ),
    bodies: asArrays(sql('SELECT v, body FROM ops WHERE doc = ? AND v >= ? AND v < ? ORDER BY v')),
    // Without an index: there are some hundred rows of a document, and only a name that was passed over is looked for.
    named: sql('SELECT v FROM ops WHERE doc = ? AND writer = ? AND seq = ?'),
    dropOps: sql('DELETE FROM ops WHERE doc = ? AND v >= ? AND v < ?'),

    addPack: sql(
      `INSERT INTO packs (doc, v, n, start, "end", hash, about, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (doc, v) DO NOTHING`,
    ),
    packs: sql(
      'SELECT v, n, start, "end", hash, about, body, names FROM packs WHERE doc = ? AND v >= ? AND v < ? ORDER BY v',
    ),
    packAt: sql('SELECT v FROM packs WHERE doc = ? AND v <= ? ORDER BY v DESC LIMIT 1'),
    packBy: sql(
      `SELECT v, n, start, "end", hash, about, body, names FROM packs WHERE doc = ? AND start <= ?
       ORDER BY v DESC LIMIT 1`,
    ),
    packedTo: sql('SELECT v + n AS v FROM packs WHERE doc = ? ORDER BY v DESC LIMIT 1'),
    addPackName: sql('INSERT OR IGNORE INTO packnames (doc, writer, seq, v) VALUES (?, ?, ?, ?)'),
    packOf: sql(
      'SELECT v FROM packnames WHERE doc = ? AND writer = ? AND seq <= ? ORDER BY seq DESC LIMIT 1',
    ),
    emptyPack: sql('UPDATE packs SET body = NULL, names = ? WHERE doc = ? AND v = ?'),
    setHorizon: sql('UPDATE docs SET horizon = ?2 WHERE num = ?1 AND horizon < ?2'),

    rungs: sql('SELECT v, op FROM rungs WHERE doc = ? AND size = ? AND v >= ? AND v < ? ORDER BY v'),
    rungsTo: sql('SELECT v + size AS v FROM rungs WHERE doc = ? AND size = ? ORDER BY v DESC LIMIT 1'),
    addRung: sql('INSERT OR IGNORE INTO rungs (doc, size, v, op) VALUES (?, ?, ?, ?)'),

    snapshot: sql('SELECT v, type, data, meta FROM snapshots WHERE doc = ?'),
    putSnapshot: sql(
      `INSERT INTO snapshots (doc, v, type, data, meta) VALUES (?, ?, ?, ?, ?) ON CONFLICT (doc) DO UPDATE
       SET v = excluded.v, type = excluded.type, data = excluded.data, meta = excluded.meta
       WHERE excluded.v > snapshots.v`,
    ),

    putMilestone: sql(
      'INSERT OR REPLACE INTO milestones (doc, v, mtime, type, data, meta) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    milestone: sql('SELECT * FROM milestones WHERE doc = ? AND v <= ? ORDER BY v DESC LIMIT 1'),
    milestoneBefore: sql(
      'SELECT * FROM milestones WHERE doc = ? AND mtime <= ? ORDER BY mtime DESC, v DESC LIMIT 1',
    ),
    milestoneAfter: sql('SELECT * FROM milestones WHERE doc = ? AND mtime >= ? ORDER BY mtime, v LIMIT 1'),

    putMark: sql('INSERT OR REPLACE INTO marks (doc, name, v, at) VALUES (?, ?, ?, ?)'),
    dropMark: sql('DELETE FROM marks WHERE doc = ? AND name = ?'),
    marks: sql('SELECT name, v, at FROM marks WHERE doc = ? ORDER BY v, name'),

    credits: sql('SELECT v, runs FROM credits WHERE doc = ?'),
    putCredits: sql(
      `INSERT INTO credits (doc, v, runs) VALUES (?, ?, ?) ON CONFLICT (doc) DO UPDATE
       SET v = excluded.v, runs = excluded.runs WHERE excluded.v > credits.v`,
    ),
  }
}

/** Rows as arrays: a third cheaper where there are thousands. */
function asArrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true)
  return statement
}
