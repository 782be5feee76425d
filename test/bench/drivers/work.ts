/**
 * What a store asks of a driver for Postgres: tables like ours, a group of commits in two flushes, a long read.
 *
 * Each system writes to documents of its own, so that none waits for another and the end of each can be told.
 */

import { createHash } from 'node:crypto'

export interface Statement {
  /** Under this name it is prepared once for each connection. */
  readonly name: string
  readonly text: string
  readonly values: readonly unknown[]
}

/** Documents of one system; the largest group has an op for each. */
export const DOCUMENTS = 50
export const ROWS = 10_000
export const TEXT_CHARS = 2 ** 20

export const tables = `
  CREATE TABLE singles (body text NOT NULL);
  CREATE TABLE clock (id int PRIMARY KEY, change int8 NOT NULL);
  INSERT INTO clock VALUES (1, 0);
  CREATE TABLE docs (
    num int8 PRIMARY KEY, collection text NOT NULL, id text NOT NULL, v int NOT NULL, at int8 NOT NULL, UNIQUE (collection, id)
  );
  CREATE TABLE writers (
    doc int8, src text, seq int NOT NULL, v int NOT NULL, seal bytea NOT NULL, PRIMARY KEY (doc, src)
  );
  CREATE TABLE ops (
    doc int8, v int, src text NOT NULL, seq int NOT NULL, at int8 NOT NULL, body text NOT NULL, hash bytea NOT NULL,
    PRIMARY KEY (doc, v)
  );
  CREATE TABLE history (v int PRIMARY KEY, seq int NOT NULL, body text NOT NULL, hash bytea NOT NULL);
  INSERT INTO history
    SELECT i, i / 3, rpad('{"op":[' || i || ',"words"]}', 40, ' '), sha256(i::text::bytea) FROM generate_series(1, ${ROWS}) AS i;
  CREATE TABLE snapshots (data text NOT NULL);
  INSERT INTO snapshots SELECT string_agg(md5(i::text), '') FROM generate_series(1, ${TEXT_CHARS / 32}) AS i;
  ANALYZE;
`

/** SQL that makes the documents of system number `system`. */
export const documentsOf = (system: number): string => `
  INSERT INTO docs SELECT ${system * DOCUMENTS} + i, '"bench"', '"${system}-' || i || '"', 0, 0
  FROM generate_series(0, ${DOCUMENTS - 1}) AS i`

/** One small durable commit. */
export const single: Statement = {
  name: 'single',
  text: 'INSERT INTO singles VALUES ($1)',
  values: ['{"op":[17,"a few words"]}'],
}
export const history: Statement = {
  name: 'history',
  text: 'SELECT v, seq, body, hash FROM history ORDER BY v',
  values: [],
}
export const snapshot: Statement = { name: 'snapshot', text: 'SELECT data FROM snapshots', values: [] }

/** What is asked before a group can be decided, and what is written then; the transaction around them is the driver's. */
export interface Group {
  readonly first: readonly Statement[]
  readonly second: readonly Statement[]
}

/** A group that takes the first `count` documents of a system from version `v` on. */
export function groupOf(system: number, v: number, count: number): Group {
  const each = <T>(value: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => value(i))
  const [nums, srcs] = [each(i => system * DOCUMENTS + i), each(i => `"src-${i}"`)]
  const [vs, next, at] = [each(() => v), each(() => v + 1), each(() => Date.now())]
  const seals = each(i => createHash('sha256').update(`${v}/${i}`).digest())
  const bodies = each(i => `{"op":[${i},"the words of version ${v}"]}`)
  const ask = (name: string, text: string, ...values: unknown[]) => ({ name, text, values })
  return {
    first: [
      ask('clock', 'SELECT change FROM clock WHERE id = 1 FOR UPDATE'),
      ask(
        'docs',
        `SELECT num, v FROM unnest($1::text[], $2::text[]) AS key(c, i) JOIN docs ON collection = c AND id = i`,
        each(() => '"bench"'),
        each(i => `"${system}-${i}"`),
      ),
      ask(
        'writers',
        'SELECT doc, seq, v, seal FROM unnest($1::int8[], $2::text[]) AS key(d, s) JOIN writers ON doc = d AND src = s',
        nums,
        srcs,
      ),
    ],
    second: [
      ask(
        'ops',
        `INSERT INTO ops SELECT * FROM
         unnest($1::int8[], $2::int4[], $3::text[], $4::int4[], $5::int8[], $6::text[], $7::bytea[])`,
        ...[nums, vs, srcs, next, at, bodies, seals],
      ),
      ask(
        'putWriters',
        `INSERT INTO writers SELECT * FROM unnest($1::int8[], $2::text[], $3::int4[], $4::int4[], $5::bytea[])
         ON CONFLICT (doc, src) DO UPDATE SET seq = excluded.seq, v = excluded.v, seal = excluded.seal`,
        ...[nums, srcs, next, vs, seals],
      ),
      ask(
        'moveDocs',
        'UPDATE docs SET v = next, at = t FROM unnest($1::int8[], $2::int4[], $3::int8[]) AS moved(d, next, t) WHERE num = d',
        ...[nums, next, at],
      ),
    ],
  }
}
