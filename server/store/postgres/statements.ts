/**
 * Every statement on the tables of `schema.ts`. Lists come as arrays, one for each column, so that a group of any size is
 * one statement with one plan.
 */

import type { Statement } from './connections.ts'

const named = <Name extends string>(texts: Record<Name, string>): Readonly<Record<Name, Statement>> =>
  Object.fromEntries(Object.entries<string>(texts).map(([name, text]) => [name, { name, text }])) as never

/** What reads: of each, test/store/postgres.test.ts checks that it finds its rows by an index. */
export const reading = named({
  doc: 'SELECT * FROM docs WHERE collection = $1 AND id = $2',
  heads: `
    SELECT n::int, (
      SELECT v FROM docs WHERE collection = asked.collection COLLATE "C" AND id = asked.id COLLATE "C"
    ) AS v FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked(collection, id, n)`,
  listed: `
    SELECT id, type, v, at, change FROM docs WHERE collection = $1 AND change < $2 AND change > 0
    AND type IS NOT NULL AND starts_with(id, $4) AND at >= $5 AND at < $6 ORDER BY change DESC LIMIT $3`,
  changed: `
    SELECT change, id, type, v, at FROM docs WHERE collection = $1 AND change > $2 AND change > 0
    ORDER BY change LIMIT $3`,
  keys: 'SELECT collection, id FROM docs WHERE (collection, id) > ($1, $2) ORDER BY collection, id LIMIT $3',
  keysIn: 'SELECT collection, id FROM docs WHERE collection = $1 AND id > $2 ORDER BY id LIMIT $3',
  writer: 'SELECT writer, seq, v, seal FROM writers WHERE doc = $1 AND src = $2',
  owner: 'SELECT who FROM owners WHERE src = $1',
  fact: 'SELECT value FROM facts WHERE name = $1',
  turnBefore: 'SELECT v, type FROM turns WHERE doc = $1 AND v < $2 ORDER BY v DESC LIMIT 1',

  ops: `
    SELECT o.v, w.src, o.seq, o.at, o.body, o.meta, o.hash
    FROM ops o LEFT JOIN writers w ON w.doc = o.doc AND w.writer = o.writer
    WHERE o.doc = $1 AND o.v >= $2 AND o.v < $3 ORDER BY o.v`,
  bodies: 'SELECT v, body FROM ops WHERE doc = $1 AND v >= $2 AND v < $3 ORDER BY v',
  // By the document alone: it has some hundred rows, and only a name that was passed over is looked for.
  named: 'SELECT v FROM ops WHERE doc = $1 AND writer = $2 AND seq = $3',

  packs: `
    SELECT v, n, start, "end", hash, about, body, names FROM packs WHERE doc = $1 AND v < $3 AND v >= coalesce(
      (SELECT v FROM packs WHERE doc = $1 AND v <= $2 ORDER BY v DESC LIMIT 1), $2) ORDER BY v`,
  packBy: `
    SELECT v, n, start, "end", hash, about, body, names FROM packs WHERE doc = $1 AND start <= $2
    ORDER BY v DESC LIMIT 1`,
  packedTo: 'SELECT v + n AS v FROM packs WHERE doc = $1 ORDER BY packs.v DESC LIMIT 1',
  packOf: `
    SELECT v FROM packnames WHERE doc = $1 AND writer = $2 AND seq <= $3 ORDER BY seq DESC LIMIT 1`,

  rungs: 'SELECT v, op FROM rungs WHERE doc = $1 AND size = $2 AND v >= $3 AND v < $4 ORDER BY v',
  rungsTo: 'SELECT v + size AS v FROM rungs WHERE doc = $1 AND size = $2 ORDER BY rungs.v DESC LIMIT 1',

  snapshot: 'SELECT v, type, data, meta FROM snapshots WHERE doc = $1',
  milestone: 'SELECT * FROM milestones WHERE doc = $1 AND v <= $2 ORDER BY v DESC LIMIT 1',
  milestoneBefore: `
    SELECT * FROM milestones WHERE doc = $1 AND mtime <= $2 ORDER BY mtime DESC, v DESC LIMIT 1`,
  milestoneAfter: 'SELECT * FROM milestones WHERE doc = $1 AND mtime >= $2 ORDER BY mtime, v LIMIT 1',
  marks: 'SELECT name, v, at FROM marks WHERE doc = $1 ORDER BY v, name',
  credits: 'SELECT v, runs FROM credits WHERE doc = $1',

  writable: "SELECT current_setting('transaction_read_only') = 'off' AS writable",
})

/** The transaction of a group of commits, see append.ts. */
export const appending = named({
  addCollections: `
    INSERT INTO collections (name, change) SELECT name, 0 FROM unnest($1::text[]) AS name
    ON CONFLICT (name) DO NOTHING`,
  lock: 'SELECT name, change FROM collections WHERE name = ANY ($1::text[]) ORDER BY name FOR UPDATE',
  addDocs: `
    INSERT INTO docs (collection, id, v, hash, at, change, writers)
    SELECT collection, id, 0, $3, 0, 0, 0 FROM unnest($1::text[], $2::text[]) AS _(collection, id)
    ON CONFLICT (collection, id) DO NOTHING`,
  load: `
    SELECT i, num, d.v, type, hash, at, writers, change, writer, seq, w.v, seal
    FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS asked(collection, id, src, i)
    JOIN docs d ON d.collection = asked.collection AND d.id = asked.id
    LEFT JOIN writers w ON w.doc = d.num AND w.src = asked.src`,
  write: `
    WITH counted AS (
      UPDATE collections c SET change = new.change FROM unnest($1::text[], $2::bigint[]) AS new(name, change)
      WHERE c.name = new.name
    ), moved AS (
      UPDATE docs d SET v = new.v, type = new.type, hash = new.hash, at = new.at, change = new.change,
        writers = new.writers
      FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[])
        AS new(num, v, type, hash, at, change, writers)
      WHERE d.num = new.num
    ), wrote AS (
      INSERT INTO writers (doc, writer, src, seq, v, seal)
      SELECT * FROM unnest($10::bigint[], $11::bigint[], $12::text[], $13::bigint[], $14::bigint[], $15::text[])
      ON CONFLICT (doc, writer) DO UPDATE SET seq = excluded.seq, v = excluded.v, seal = excluded.seal
    ), turned AS (
      INSERT INTO turns (doc, v, type) SELECT * FROM unnest($16::bigint[], $17::bigint[], $18::text[])
    )
    INSERT INTO ops (doc, v, writer, seq, at, body, meta, hash)
    SELECT * FROM unnest($19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[], $24::text[],
      $25::text[], $26::text[])`,
})

/** What writes by itself, a transaction each. */
export const writing = named({
  claim: 'INSERT INTO owners (src, who) VALUES ($1, $2) ON CONFLICT (src) DO NOTHING',
  addFact: 'INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING name',
  dropFact: 'DELETE FROM facts WHERE name = $1 AND value = $2 RETURNING name',
  changeFact: 'UPDATE facts SET value = $3 WHERE name = $1 AND value = $2 RETURNING name',
  touch: `
    INSERT INTO docs (collection, id, v, hash, at, change, writers) VALUES ($1, $2, 0, $3, 0, 0, 0)
    ON CONFLICT (collection, id) DO NOTHING`,

  pack: `
    WITH added AS (
      INSERT INTO packs (doc, v, n, start, "end", hash, about, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
      ON CONFLICT (doc, v) DO NOTHING RETURNING doc, v, n
    ), known AS (
      INSERT INTO packnames (doc, writer, seq, v)
      SELECT doc, writer, seq, v FROM added, unnest($9::bigint[], $10::bigint[]) AS _(writer, seq)
      ON CONFLICT (doc, writer, seq) DO NOTHING
    )
    DELETE FROM ops USING added WHERE ops.doc = $1 AND ops.v >= $2 AND ops.v < $2::bigint + $3::bigint`,
  addRungs: `
    INSERT INTO rungs (doc, size, v, op) SELECT $1, $2, v, op FROM unnest($3::bigint[], $4::bytea[]) AS _(v, op)
    ON CONFLICT (doc, size, v) DO NOTHING`,
  putSnapshot: `
    INSERT INTO snapshots (doc, v, type, data, meta) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (doc) DO UPDATE
    SET v = excluded.v, type = excluded.type, data = excluded.data, meta = excluded.meta
    WHERE excluded.v > snapshots.v`,
  putCredits: `
    INSERT INTO credits (doc, v, runs) VALUES ($1, $2, $3) ON CONFLICT (doc) DO UPDATE
    SET v = excluded.v, runs = excluded.runs WHERE excluded.v > credits.v`,

  putMilestone: `
    INSERT INTO milestones (doc, v, mtime, type, data, meta) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (doc, v) DO UPDATE
    SET mtime = excluded.mtime, type = excluded.type, data = excluded.data, meta = excluded.meta`,
  putMark: `
    INSERT INTO marks (doc, name, v, at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (doc, name) DO UPDATE SET v = excluded.v, at = excluded.at`,
  dropMark: 'DELETE FROM marks WHERE doc = $1 AND name = $2 RETURNING name',

  trim: `
    WITH emptied AS (
      UPDATE packs SET body = NULL, names = trimmed.names
      FROM unnest($3::bigint[], $4::bytea[]) AS trimmed(v, names) WHERE doc = $1 AND packs.v = trimmed.v
    )
    UPDATE docs SET horizon = $2 WHERE num = $1 AND horizon < $2`,
})
