/** Reading and writing the rows of `schema.ts`, one function a question. Synchronous; transactions are the caller's. */

import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { HoldfastError } from '../../ops/errors.ts'
import type { DocKey, Name } from '../../ops/identity.ts'
import type { WireChange } from '../../ops/protocol.ts'
import type { Commit, Full, Verdict } from './adapter.ts'
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

export interface Tables {
  doc(key: DocKey): DocRow | null
  typeAt(doc: number, v: number): string | null
  /** Ops `from <= v < to` in order; `STORE_FAILED` where one is missing. */
  ops(doc: number, from: number, to: number): StoredOp[]
  /** The same without names and times. */
  changes(doc: number, from: number, to: number): WireChange[]
  versionOf(doc: number, name: Name): number | null
  list(collection: string, limit: number, after?: { at: number; id: string }): ListedDoc[]
  snapshot(doc: number): SnapshotRow | null
  /** Answers the length of the content as JSON text. */
  saveSnapshot(doc: number, full: Full): number
  /** Appends an op if its version is the next one and its name is new. */
  append(commit: Commit): Verdict
}

/** The JSON form in which names and ids stand in the tables: SQLite itself would change lone surrogates. */
const quoted = (text: string): string => JSON.stringify(text)
const unquoted = (text: string): string => JSON.parse(text)

type OpRow = [
  v: number,
  src: string | null,
  seq: number | null,
  at: number,
  body: string,
  meta: string | null,
]

const text = (value: unknown): string | null => (value == null ? null : JSON.stringify(value))

export function tablesOf(db: DatabaseSync): Tables {
  const docRow = db.prepare('SELECT num, v, type FROM docs WHERE collection = ? AND id = ?')
  const addDoc = db.prepare('INSERT INTO docs (collection, id, v, type, at) VALUES (?, ?, ?, ?, ?)')
  const moveDoc = db.prepare('UPDATE docs SET v = ?, type = ?, at = ? WHERE num = ?')
  const addOp = db.prepare(
    'INSERT INTO ops (doc, v, src, seq, at, type, body, meta) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const opRows = db.prepare(
    'SELECT v, src, seq, at, body, meta FROM ops WHERE doc = ? AND v >= ? AND v < ? ORDER BY v',
  )
  opRows.setReturnArrays(true)
  const bodies = db.prepare('SELECT v, body FROM ops WHERE doc = ? AND v >= ? AND v < ? ORDER BY v')
  bodies.setReturnArrays(true)
  const opType = db.prepare(
    'SELECT type FROM ops WHERE doc = ? AND v < ? AND type IS NOT NULL ORDER BY v DESC LIMIT 1',
  )
  const namedOp = db.prepare('SELECT v FROM ops WHERE doc = ? AND src = ? AND seq = ?')
  const listed = db.prepare(
    `SELECT id, type, v, at FROM docs WHERE collection = ?1 AND type IS NOT NULL
     AND at <= ?2 AND (at < ?2 OR id > ?3) ORDER BY at DESC, id LIMIT ?4`,
  )
  const snapshotRow = db.prepare('SELECT v, type, data, meta FROM snapshots WHERE doc = ?')
  const putSnapshot = db.prepare(
    `INSERT INTO snapshots (doc, v, type, data, meta) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (doc) DO UPDATE SET v = excluded.v, type = excluded.type, data = excluded.data, meta = excluded.meta
     WHERE excluded.v > snapshots.v`,
  )

  const doc = (key: DocKey) =>
    (docRow.get(quoted(key.collection), quoted(key.id)) as DocRow | undefined) ?? null
  const versionOf = (num: number, { src, seq }: Name) =>
    (namedOp.get(num, quoted(src), seq) as { v: number } | undefined)?.v ?? null

  return {
    doc,
    versionOf,

    typeAt(num, v) {
      const row = opType.get(num, v) as { type: string } | undefined
      return row?.type || null
    },

    ops(num, from, to) {
      const rows = opRows.all(num, from, to) as unknown as OpRow[]
      checkGapless(rows, from, to)
      return rows.map(storedOp)
    },

    changes(num, from, to) {
      const rows = bodies.all(num, from, to) as unknown as [v: number, body: string][]
      checkGapless(rows, from, to)
      return rows.map(([, body]) => JSON.parse(body))
    },

    list(collection, limit, after) {
      const values: SQLInputValue[] = after
        ? [quoted(collection), after.at, quoted(after.id), limit]
        : [quoted(collection), Number.MAX_SAFE_INTEGER, '', limit]
      const rows = listed.all(...values) as unknown as Omit<ListedDoc, 'collection'>[]
      return rows.map(row => ({ ...row, collection, id: unquoted(row.id) }))
    },

    snapshot(num) {
      const row = snapshotRow.get(num) as
        | { v: number; type: string | null; data: string | null; meta: string | null }
        | undefined
      if (!row) return null
      const data = row.data === null ? undefined : JSON.parse(row.data)
      const meta = row.meta === null ? null : JSON.parse(row.meta)
      return { full: { v: row.v, type: row.type, data, meta }, bytes: row.data?.length ?? 0 }
    },

    saveSnapshot(num, { v, type, data, meta }) {
      const content = type === null ? null : JSON.stringify(data)
      putSnapshot.run(num, v, type, content, text(meta))
      return content?.length ?? 0
    },

    append({ key, op, body, after }) {
      const row = doc(key)
      const name = op.src === undefined ? null : { src: op.src, seq: op.seq! }
      const known = row && name && versionOf(row.num, name)
      if (known != null) return { again: known }
      if (op.v !== (row?.v ?? 0)) return 'taken'
      if (row) moveDoc.run(op.v + 1, after.type, op.at, row.num)
      else addDoc.run(quoted(key.collection), quoted(key.id), op.v + 1, after.type, op.at)
      const num = row?.num ?? doc(key)!.num
      const type = op.create ? after.type : op.del ? '' : null
      addOp.run(num, op.v, name && quoted(name.src), name?.seq ?? null, op.at, type, body, text(op.meta))
      return 'committed'
    },
  }
}

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
