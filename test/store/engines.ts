/** The engines that the suites of the store run on. */

import pg from 'pg'
import type { StoreOptions } from '../../server/store/enginestore.ts'
import { addressOf, type PostgresOptions } from '../../server/store/postgres/connections.ts'
import { openPostgresStore } from '../../server/store/postgres.ts'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import type { Store } from '../../server/store/store.ts'
import { sharedPostgres } from '../harness/shared-postgres.ts'

/** `reads`: connections for reading, where the engine has any. */
type Options = StoreOptions & Pick<PostgresOptions, 'reads'>

export interface TestEngine {
  readonly title: string
  /** An empty store of its own. */
  open(options?: Options): Promise<Store>
  /** How many of `count` random cases to run: what is above the engine is shown by the quick one. */
  cases(count: number): number
}

export const engines: readonly TestEngine[] = [
  {
    title: 'SQLite',
    open: async options => openSqliteStore({ path: ':memory:', ...options }),
    cases: count => count,
  },
  {
    title: 'Postgres',
    open: openPostgres,
    cases: count => Math.ceil(count / 10),
  },
]

/** `describe` on every engine. */
export function describeOnEngines(title: string, suite: (engine: TestEngine) => void): void {
  for (const engine of engines) describe(`${title} on ${engine.title}`, () => suite(engine))
}

let database: Promise<string> | undefined
let schemas = 0
/** Schemas that are not in use any more: emptied in no time, where making one takes fifty milliseconds. */
const used: string[] = []

/** The URL of a schema that nobody has used. */
export async function emptySchema(): Promise<string> {
  database ??= sharedPostgres().then(server => server.createDatabase())
  return `${await database}?schema=test_${++schemas}`
}

async function openPostgres(options?: Options): Promise<Store> {
  const old = used.pop()
  if (old !== undefined) await emptied(old)
  const url = old ?? (await emptySchema())
  const store = await openPostgresStore({ url, durability: 'normal', ...options })
  const close = store.close.bind(store)
  let closing: Promise<void> | undefined
  store.close = () => (closing ??= close().then(() => void used.push(url)))
  return store
}

async function emptied(url: string): Promise<void> {
  const { server, schema } = addressOf(url)
  const client = new pg.Client(server)
  await client.connect()
  const { rows } = await client.query(
    "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename NOT IN ('facts', 'migrations')",
    [schema],
  )
  await client.query(rows.map(({ tablename }) => `DELETE FROM ${schema}.${tablename}`).join('; '))
  await client.end()
}
