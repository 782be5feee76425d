/** The engines that the suites of the store run on. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { readSettings } from '../../server/settings.ts'
import { newEpoch } from '../../server/store/chain.ts'
import { type StoreOptions, storeOn } from '../../server/store/enginestore.ts'
import { tables } from '../../server/store/layout.ts'
import { openEngine } from '../../server/store/open.ts'
import { addressOf, type PostgresOptions } from '../../server/store/postgres/connections.ts'
import { migrate } from '../../server/store/postgres/schema.ts'
import { openPostgresStore } from '../../server/store/postgres.ts'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import type { Store } from '../../server/store/store.ts'
import { sharedPostgres } from '../harness/shared-postgres.ts'
import { type DatabasePlace, small, sqlitePlace } from './place.ts'

/** `reads`: connections for reading, where the engine has any. */
type Options = StoreOptions & Pick<PostgresOptions, 'reads'>

export interface TestEngine {
  readonly title: string
  /** An empty store of its own. */
  open(options?: Options): Promise<Store>
  /** A database of its own, empty, as processes find it. */
  place(): Promise<DatabasePlace>
  /** How many of `count` random cases to run: what is above the engine is shown by the quick one. */
  cases(count: number): number
}

export const engines: readonly TestEngine[] = [
  {
    title: 'SQLite',
    open: async options => openSqliteStore({ path: ':memory:', ...options }),
    place: sqlitePlace,
    cases: count => count,
  },
  {
    title: 'Postgres',
    open: openPostgres,
    place: postgresPlace,
    cases: count => Math.ceil(count / 5),
  },
]

/** `describe` on every engine. */
export function describeOnEngines(title: string, suite: (engine: TestEngine) => void): void {
  for (const engine of engines) describe(`${title} on ${engine.title}`, () => suite(engine))
}

let schemas = 0
/** Schemas that were given back: emptied in no time, where making one takes fifty milliseconds. */
const used: string[] = []

/** The URL of a schema that nobody has used. */
export async function emptySchema(): Promise<string> {
  const { url } = await database()
  return `${url}?schema=test_${++schemas}`
}

/** The URL of a schema with empty tables; push it to `used` when nobody uses it any more. */
async function takeSchema(): Promise<string> {
  const old = used.pop()
  if (old === undefined) {
    const url = await emptySchema()
    await migrate({ url })
    return url
  }
  await inSchema(
    old,
    `${tables.map(table => `DELETE FROM ${table}`).join('; ')};
    ALTER TABLE docs ALTER num RESTART; INSERT INTO facts VALUES ('epoch', '${newEpoch()}')`,
  )
  return old
}

/** What the last of some statements finds, on a connection that is none of the store's. */
async function inSchema(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const { client } = await database()
  const results = await client.query(`SET search_path = ${addressOf(url).schema}; ${sql}`)
  return [results].flat().at(-1)!.rows
}

/** One for all, and a connection to it that keeps nobody waiting. */
const database = once(async () => {
  const url = await (await sharedPostgres()).createDatabase()
  const client = new pg.Client({ connectionString: url, pipeline: true })
  client.on('error', () => {}) // the server may end first
  await client.connect()
  ;(client as pg.Client & { unref(): void }).unref()
  return { url, client }
})

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

async function openPostgres(options?: Options): Promise<Store> {
  const url = await takeSchema()
  const store = await openPostgresStore({ url, durability: 'normal', ...options })
  const close = store.close.bind(store)
  let closing: Promise<void> | undefined
  store.close = () => (closing ??= close().then(() => void used.push(url)))
  return store
}

async function postgresPlace(): Promise<DatabasePlace> {
  const url = await takeSchema()
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-place-'))
  const env = { HOLDFAST_STORE: url, HOLDFAST_DURABILITY: 'normal' }
  const settings = readSettings(env)
  return {
    env,
    settings,
    folder,
    engine: () => openEngine(settings),
    store: async (options = small) => storeOn(await openEngine(settings), options),
    meddle: async sql => void (await inSchema(url, sql)),
    async columns() {
      const rows = await inSchema(
        url,
        `SELECT table_name AS table, array_agg(column_name::text) AS columns FROM information_schema.columns
         WHERE table_schema = current_schema AND table_name <> 'migrations' GROUP BY 1`,
      )
      return Object.fromEntries(rows.map(({ table, columns }) => [table, columns as string[]]))
    },
    async remove() {
      rmSync(folder, { recursive: true })
      used.push(url)
    },
  }
}
