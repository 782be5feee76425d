/** SQLite's tables row by row: read as they stood at one moment, and filled. */

import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { HoldfastError } from '../../../ops/errors.ts'
import type { View, WholeDoc } from '../engine.ts'
import {
  BATCH_LENGTH,
  BATCH_ROWS,
  columnsOf,
  type DocTable,
  docTables,
  keys,
  lengthOf,
  type Row,
  type Table,
  tables,
} from '../layout.ts'
import { quoted } from '../text.ts'

type AnyRow = Readonly<Record<string, SQLInputValue>>

const names = (columns: readonly string[]) => columns.map(column => `"${column}"`).join(', ')

/** A view of the database in a file. */
export const viewOfFile = (path: string): View =>
  new SqliteView(new DatabaseSync(path, { readOnly: true, timeout: 5000 }))

/** A view of the database at `path`; `open` is a connection to it, which is all that leads to one in memory. */
export function viewOf(path: string, open: DatabaseSync): View {
  if (path !== ':memory:') return viewOfFile(path)
  const copy = new DatabaseSync(path)
  copy.deserialize(open.serialize())
  return new SqliteView(copy)
}

class SqliteView implements View {
  readonly #db: DatabaseSync
  /** Prepared and not being read at the moment, by their text. */
  readonly #idle = new Map<string, StatementSync[]>()

  constructor(db: DatabaseSync) {
    this.#db = db
    // The transaction begins with the first read, and sees until its end what that saw.
    db.exec('BEGIN; SELECT count(*) FROM facts')
  }

  async *rows<T extends Table>(table: T, doc?: number): AsyncGenerator<readonly Row<T>[]> {
    const where = doc === undefined ? '' : 'WHERE doc = ?'
    const text = `SELECT ${names(columnsOf(table))} FROM ${table} ${where} ORDER BY ${names(keys[table])}`
    const idle = this.#idle.get(text) ?? []
    this.#idle.set(text, idle)
    const statement = idle.pop() ?? this.#db.prepare(text)
    try {
      yield* batches(doc === undefined ? statement.iterate() : statement.iterate(doc))
    } finally {
      idle.push(statement)
    }
  }

  async close(): Promise<void> {
    this.#db.close()
  }
}

function* batches<T extends Table>(rows: Iterable<unknown>): Generator<readonly Row<T>[]> {
  let batch: unknown[] = []
  let length = 0
  for (const row of rows) {
    batch.push(row)
    length += lengthOf(row as AnyRow)
    if (batch.length < BATCH_ROWS && length < BATCH_LENGTH) continue
    yield batch as Row<T>[]
    batch = []
    length = 0
  }
  if (batch.length > 0) yield batch as Row<T>[]
}

/** Inside a transaction: all rows of `from` into tables that have none. Throws `STORE_NOT_EMPTY`. */
export async function fillFrom(db: DatabaseSync, from: View, epoch: string): Promise<void> {
  const [doc] = db.prepare('SELECT num FROM docs LIMIT 1').all()
  if (doc) throw new HoldfastError('STORE_NOT_EMPTY')
  db.exec('DELETE FROM facts; DELETE FROM collections; DELETE FROM owners')
  for (const table of tables) {
    const insert = inserting(db, table)
    for await (const rows of from.rows(table)) for (const row of rows) insert(row)
  }
  db.prepare("INSERT OR REPLACE INTO facts (name, value) VALUES ('epoch', ?)").run(epoch)
}

/** Inside a transaction: a document that is not there, or is only as one that nobody wrote yet. */
export function adoptInto(db: DatabaseSync, { key, doc, rows, owners }: WholeDoc): boolean {
  const [collection, id] = [quoted(key.collection), quoted(key.id)]
  const former = db.prepare('SELECT num, v FROM docs WHERE collection = ? AND id = ?').get(collection, id)
  if (former && former.v !== 0) return false
  if (former) forget(db, former.num as number)
  const { change } = db
    .prepare(
      `INSERT INTO collections (name, change) VALUES (?, 1)
       ON CONFLICT (name) DO UPDATE SET change = change + 1 RETURNING change`,
    )
    .get(collection) as { change: number }
  const num = inserting(db, 'docs')({ ...doc, num: (former?.num as number) ?? null, collection, id, change })
  for (const table of docTables) {
    const those = rows[table] ?? []
    if (those.length === 0) continue
    const insert = inserting(db, table)
    for (const row of those) insert({ ...row, doc: num } as AnyRow)
  }
  const claim = db.prepare('INSERT INTO owners (src, who) VALUES (?, ?) ON CONFLICT (src) DO NOTHING')
  for (const { src, who } of owners) claim.run(src, who)
  return true
}

function forget(db: DatabaseSync, doc: number): void {
  const erase = (table: DocTable) => db.prepare(`DELETE FROM ${table} WHERE doc = ?`).run(doc)
  for (const table of docTables) erase(table)
  db.prepare('DELETE FROM docs WHERE num = ?').run(doc)
}

/** Puts a row into a table and answers its number. */
function inserting(db: DatabaseSync, table: Table): (row: AnyRow) => number {
  const columns = columnsOf(table)
  const values = columns.map(() => '?').join(', ')
  const statement = db.prepare(`INSERT INTO ${table} (${names(columns)}) VALUES (${values})`)
  return row => Number(statement.run(...columns.map(column => row[column]!)).lastInsertRowid)
}
