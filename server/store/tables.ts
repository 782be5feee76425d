/** Reading and writing the rows of `schema.ts`, one function a question. Synchronous; transactions are the caller's. */

import type { DatabaseSync } from 'node:sqlite'
import { HoldfastError } from '../../ops/errors.ts'
import type { DocKey, Name } from '../../ops/identity.ts'
import type { WireChange } from '../../ops/protocol.ts'
import type { Commit, Full, Verdict } from './adapter.ts'
import { type Ladder, raise } from './rungs.ts'
import type { ListedDoc, StoredOp } from './store.ts'

/** A row of `docs`. */
export interface DocRow {
  readonly num: number
  readonly v: number
  readonly type: string | null
}

export interface SnapshotRow {
  readonly full: Full
  /** Length of the content as JSON text. */
  readonly bytes: number
}

type OpRow = [
  v: number,
  src: string | null,
  seq: number | null,
  at: number,
  body: string,
  meta: string | null,
]
type BodyRow = [v: number, body: string]

/** Prepared once: SQLite's compiling costs more than most of them take to run. */
function statementsOf(db: DatabaseSync) {
  const statements = {
    doc: db.prepare('SELECT num, v, type FROM docs WHERE collection = ? AND id = ?'),
    addDoc: db.prepare('INSERT INTO docs (collection, id, v, type, at) VALUES (?, ?, ?, ?, ?)'),
    moveDoc: db.prepare('UPDATE docs SET v = ?, type = ?, at = ? WHERE num = ?'),
    listed: db.prepare(
      `SELECT id, type, v, at FROM docs WHERE collection = ?1 AND type IS NOT NULL
       AND at <= ?2 AND (at < ?2 OR id > ?3) ORDER BY at DESC, id LIMIT ?4`,
    ),
    ops: db.prepare(
      'SELECT v, src, seq, at, body, meta FROM ops WHERE doc = ? AND v >= ? AND v < ? ORDER BY v',
    ),
    bodies: db.prepare('SELECT v, body FROM ops WHERE doc = ? AND v >= ? AND v < ? ORDER BY v'),
    addOp: db.prepare(
      'INSERT INTO ops (doc, v, src, seq, at, type, body, meta) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    named: db.prepare('SELECT v FROM ops WHERE doc = ? AND src = ? AND seq = ?'),
    typeBefore: db.prepare(
      'SELECT type FROM ops WHERE doc = ? AND v < ? AND type IS NOT NULL ORDER BY v DESC LIMIT 1',
    ),
    rung: db.prepare('SELECT op FROM rungs WHERE doc = ? AND size = ? AND v = ?'),
    addRung: db.prepare('INSERT OR REPLACE INTO rungs (doc, size, v, op) VALUES (?, ?, ?, ?)'),
    snapshot: db.prepare('SELECT v, type, data, meta FROM snapshots WHERE doc = ?'),
    putSnapshot: db.prepare(
      `INSERT INTO snapshots (doc, v, type, data, meta) VALUES (?, ?, ?, ?, ?) ON CONFLICT (doc) DO UPDATE
       SET v = excluded.v, type = excluded.type, data = excluded.data, meta = excluded.meta
       WHERE excluded.v > snapshots.v`,
    ),
  }
  // Rows as arrays: a third cheaper where there are thousands.
  statements.ops.setReturnArrays(true)
  statements.bodies.setReturnArrays(true)
  return statements
}

export class Tables {
  readonly #sql: ReturnType<typeof statementsOf>

  readonly #rungSizes: readonly number[]

  constructor(db: DatabaseSync, rungSizes: readonly number[]) {
    this.#rungSizes = rungSizes
    this.#sql = statementsOf(db)
  }

  doc({ collection, id }: DocKey): DocRow | null {
    return (this.#sql.doc.get(quoted(collection), quoted(id)) as DocRow | undefined) ?? null
  }

  typeAt(doc: number, v: number): string | null {
    const row = this.#sql.typeBefore.get(doc, v) as { type: string } | undefined
    return row?.type || null
  }

  versionOf(doc: number, { src, seq }: Name): number | null {
    return (this.#sql.named.get(doc, quoted(src), seq) as { v: number } | undefined)?.v ?? null
  }

  /** Ops `from <= v < to` in order; `STORE_FAILED` where one is missing. */
  ops(doc: number, from: number, to: number): StoredOp[] {
    const rows = this.#sql.ops.all(doc, from, to) as unknown as OpRow[]
    checkGapless(rows, from, to)
    return rows.map(storedOp)
  }

  /** The same without names and times. */
  changes(doc: number, from: number, to: number): WireChange[] {
    const rows = this.#sql.bodies.all(doc, from, to) as unknown as BodyRow[]
    checkGapless(rows, from, to)
    return rows.map(([, body]) => JSON.parse(body))
  }

  /** The ops of a document and what was composed of them. */
  ladder(doc: number): Ladder {
    return {
      rung: (size, from) => (this.#sql.rung.get(doc, size, from) as { op: string } | undefined)?.op,
      addRung: (size, from, op) => void this.#sql.addRung.run(doc, size, from, op),
      changes: (from, to) => this.changes(doc, from, to),
    }
  }

  list(collection: string, limit: number, after?: { at: number; id: string }): ListedDoc[] {
    const [at, id] = after ? [after.at, quoted(after.id)] : [Number.MAX_SAFE_INTEGER, '']
    const rows = this.#sql.listed.all(quoted(collection), at, id, limit) as unknown as ListedDoc[]
    return rows.map(row => ({ ...row, collection, id: unquoted(row.id) }))
  }

  snapshot(doc: number): SnapshotRow | null {
    const row = this.#sql.snapshot.get(doc) as
      | { v: number; type: string | null; data: string | null; meta: string | null }
      | undefined
    if (!row) return null
    const data = row.data === null ? undefined : JSON.parse(row.data)
    const meta = row.meta === null ? null : JSON.parse(row.meta)
    return { full: { v: row.v, type: row.type, data, meta }, bytes: row.data?.length ?? 0 }
  }

  /** Answers the length of the content as JSON text. */
  saveSnapshot(doc: number, { v, type, data, meta }: Full): number {
    const content = type === null ? null : JSON.stringify(data)
    this.#sql.putSnapshot.run(doc, v, type, content, metaText(meta))
    return content?.length ?? 0
  }

  /** Appends an op if its name is new and its version is the next one. */
  append({ key, op, body, after }: Commit): Verdict {
    const row = this.doc(key)
    const name = op.src === undefined ? null : { src: op.src, seq: op.seq! }
    const known = row && name && this.versionOf(row.num, name)
    if (known != null) return { again: known }
    if (op.v !== (row?.v ?? 0)) return 'taken'
    if (row) this.#sql.moveDoc.run(op.v + 1, after.type, op.at, row.num)
    else this.#sql.addDoc.run(quoted(key.collection), quoted(key.id), op.v + 1, after.type, op.at)
    const { num } = row ?? this.doc(key)!
    const type = op.create ? after.type : op.del ? '' : null
    const [src, seq] = name ? [quoted(name.src), name.seq] : [null, null]
    this.#sql.addOp.run(num, op.v, src, seq, op.at, type, body, metaText(op.meta))
    raise(this.ladder(num), this.#rungSizes, op.v + 1, after.type)
    return 'committed'
  }
}

/** The JSON form in which names and ids stand in the tables: SQLite itself would change lone surrogates. */
const quoted = (text: string): string => JSON.stringify(text)
const unquoted = (text: string): string => JSON.parse(text)

const metaText = (meta: Record<string, unknown> | null | undefined): string | null =>
  meta ? JSON.stringify(meta) : null

/** That `rows`, which start with a version, are the whole stretch. */
function checkGapless(rows: readonly (readonly [v: number, ...unknown[]])[], from: number, to: number): void {
  if (rows.length === Math.max(0, to - from)) return
  const missing = rows.findIndex(([v], i) => v !== from + i)
  const v = from + (missing < 0 ? rows.length : missing)
  throw new HoldfastError('STORE_FAILED', `The op log has a gap at version ${v}: restore a backup.`)
}

function storedOp([v, src, seq, at, body, meta]: OpRow): StoredOp {
  const op: StoredOp = JSON.parse(body)
  op.v = v
  op.at = at
  if (src !== null) op.src = unquoted(src)
  if (seq !== null) op.seq = seq
  if (meta !== null) op.meta = JSON.parse(meta)
  return op
}
