/** Postgres's tables row by row: read as they stood at one moment, filled, and given whole documents. */

import pg from 'pg'
import { HoldfastError } from '../../../ops/errors.ts'
import type { View, WholeDoc } from '../engine.ts'
import { failed } from '../failed.ts'
import {
  BATCH_LENGTH,
  BATCH_ROWS,
  columnsOf,
  type DocTable,
  docTables,
  keys,
  layout,
  lengthOf,
  type Row,
  type Table,
  tables,
} from '../layout.ts'
import { quoted } from '../text.ts'
import { byteaArray, textArray } from './arrays.ts'
import { together } from './connections.ts'

type AnyRow = Readonly<Record<string, unknown>>

/** Of the first batch, when nobody knows yet how long they are. */
const FIRST_ROWS = 16

const names = (columns: readonly string[]) => columns.map(column => pg.escapeIdentifier(column)).join(', ')

/** A view of what `client`, which has nothing else to do, is connected to; it ends with the view. */
export async function viewBy(client: pg.Client): Promise<View> {
  try {
    // The moment is that of the first statement that reads.
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT count(*) FROM facts')
    return new PostgresView(client)
  } catch (error) {
    await client.end()
    throw error
  }
}

class PostgresView implements View {
  readonly #client: pg.Client
  #cursors = 0

  constructor(client: pg.Client) {
    this.#client = client
  }

  async *rows<T extends Table>(table: T, doc?: number): AsyncGenerator<readonly Row<T>[]> {
    const cursor = `rows_${++this.#cursors}`
    const where = doc === undefined ? '' : `WHERE doc = ${doc}`
    const select = `SELECT ${names(columnsOf(table))} FROM ${table} ${where} ORDER BY ${names(keys[table])}`
    let declared = [this.#ask(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${select}`)]
    for (let count = FIRST_ROWS; ; ) {
      const rows = (await together([...declared, this.#ask(`FETCH ${count} FROM ${cursor}`)])).at(-1)!
      declared = []
      if (rows.length > 0) yield rows as Row<T>[]
      if (rows.length < count) break
      count = countFor(rows)
    }
    await this.#ask(`CLOSE ${cursor}`)
  }

  async #ask(sql: string): Promise<AnyRow[]> {
    try {
      return (await this.#client.query(sql)).rows
    } catch (error) {
      throw failed('read', error)
    }
  }

  close(): Promise<void> {
    return this.#client.end()
  }
}

/** How many rows like these make a batch. */
function countFor(rows: readonly AnyRow[]): number {
  const length = rows.reduce((sum, row) => sum + lengthOf(row), 0) / rows.length
  return Math.max(1, Math.min(BATCH_ROWS, Math.floor(BATCH_LENGTH / (length + 1))))
}

/** Inside a transaction: all rows of `from` into tables that have none. Throws `STORE_NOT_EMPTY`. */
export async function fillFrom(client: pg.ClientBase, from: View, epoch: string): Promise<true> {
  const { rows: docs } = await client.query('SELECT num FROM docs LIMIT 1')
  if (docs.length > 0) throw new HoldfastError('STORE_NOT_EMPTY')
  await client.query('DELETE FROM facts; DELETE FROM collections; DELETE FROM owners')
  for (const table of tables) for await (const rows of from.rows(table)) await insert(client, table, rows)
  await client.query(
    "INSERT INTO facts (name, value) VALUES ('epoch', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    [epoch],
  )
  await client.query("SELECT setval(pg_get_serial_sequence('docs', 'num'), max(num)) FROM docs")
  return true
}

/** Inside a transaction: a document that is not there, or is only as one that nobody wrote yet. */
export async function adoptInto(
  client: pg.ClientBase,
  { key, doc, rows, owners }: WholeDoc,
): Promise<boolean> {
  const [collection, id] = [quoted(key.collection), quoted(key.id)]
  // First the lock that every commit takes first.
  const counted = await client.query(
    `INSERT INTO collections AS c (name, change) VALUES ($1, 1)
     ON CONFLICT (name) DO UPDATE SET change = c.change + 1 RETURNING change`,
    [collection],
  )
  const { change } = counted.rows[0]
  const found = await client.query('SELECT num, v FROM docs WHERE collection = $1 AND id = $2', [
    collection,
    id,
  ])
  const former: { num: number; v: number } | undefined = found.rows[0]
  if (former && former.v !== 0) return false
  const num = former?.num ?? (await nextNumber(client))
  if (former) await forget(client, num)
  await insert(client, 'docs', [{ ...doc, num, collection, id, change }])
  for (const table of docTables) {
    const all = rows[table] ?? []
    for (let i = 0; i < all.length; i += BATCH_ROWS) {
      const batch = all.slice(i, i + BATCH_ROWS).map(row => ({ ...row, doc: num }) as AnyRow)
      await insert(client, table, batch)
    }
  }
  await client.query(
    `INSERT INTO owners (src, who) SELECT * FROM unnest($1::text[], $2::text[])
     ON CONFLICT (src) DO NOTHING`,
    [textArray(owners.map(({ src }) => src)), textArray(owners.map(({ who }) => who))],
  )
  return true
}

async function nextNumber(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query("SELECT nextval(pg_get_serial_sequence('docs', 'num')) AS num")
  return rows[0].num
}

async function forget(client: pg.ClientBase, doc: number): Promise<void> {
  const erase = (table: DocTable) => client.query(`DELETE FROM ${table} WHERE doc = $1`, [doc])
  for (const table of docTables) await erase(table)
  await client.query('DELETE FROM docs WHERE num = $1', [doc])
}

const arrays = { integer: 'bigint[]', text: 'text[]', blob: 'bytea[]' } as const

/** A column at a time: a batch of any size is one statement. */
async function insert(client: pg.ClientBase, table: Table, rows: readonly AnyRow[]): Promise<void> {
  const columns = Object.entries<string>(layout[table])
  const types = columns.map(([, type]) => arrays[type.replace('?', '') as keyof typeof arrays])
  const values = columns.map(([column], i) =>
    columnOf(
      types[i]!,
      rows.map(row => row[column] ?? null),
    ),
  )
  const list = types.map((type, i) => `$${i + 1}::${type}`).join(', ')
  const text = `INSERT INTO ${table} (${names(columnsOf(table))}) SELECT * FROM unnest(${list})`
  await client.query({ name: `insert_${table}`, text, values })
}

function columnOf(type: string, values: readonly unknown[]): unknown {
  if (type === 'text[]') return textArray(values as (string | null)[])
  return type === 'bytea[]' ? byteaArray(values as (Uint8Array | null)[]) : values
}
