/**
 * The drivers side by side, each in the ways it offers: how it runs a statement, and a transaction of two flushes.
 *
 *   pg                 one statement after another: a round trip each
 *   pg-pipeline        `pipeline: true`: what is asked in one go is sent in one go, BEGIN and COMMIT too
 *   postgres           `sql.begin`: the statements of a flush go together, BEGIN and COMMIT by themselves
 *   postgres-reserve   a connection reserved for good, so that BEGIN and COMMIT go with the flushes
 */

import pg from 'pg'
import postgres from 'postgres'
import type { Group, Statement } from './work.ts'

export type Rows = readonly (readonly unknown[])[]

export interface Driver {
  /** Runs a statement, by itself a transaction; answers rows as arrays. */
  run(statement: Statement): Promise<Rows>
  /** One transaction: `second` follows once `first` is answered. Answers what `first` found; rejects unless it is committed. */
  transact(group: Group): Promise<Rows[]>
  close(): Promise<void>
}

export const drivers: Readonly<Record<string, (url: string) => Promise<Driver>>> = {
  pg: url => openPg(url, false),
  'pg-pipeline': url => openPg(url, true),
  postgres: openPostgres,
  'postgres-reserve': openPostgresReserve,
}

const BEGIN: Statement = { name: '', text: 'BEGIN', values: [] }
const COMMIT: Statement = { name: '', text: 'COMMIT', values: [] }

/** Postgres answers the COMMIT of a transaction that failed with ROLLBACK, and calls it a success. */
function checkCommitted(command: string): void {
  if (command !== 'COMMIT') throw new Error(`not committed, but ${command}`)
}

async function openPg(url: string, pipeline: boolean): Promise<Driver> {
  const client = new pg.Client({ connectionString: url, pipeline })
  client.on('error', () => {}) // what was asked rejects, too
  await client.connect()
  const ask = ({ name, text, values }: Statement) =>
    name === ''
      ? client.query<unknown[]>({ text, rowMode: 'array' })
      : client.query<unknown[]>({ name, text, values: [...values], rowMode: 'array' })
  async function flush(statements: readonly Statement[]) {
    if (pipeline) return settled(statements.map(ask))
    const results = []
    for (const statement of statements) results.push(await ask(statement))
    return results
  }
  return {
    run: async statement => (await ask(statement)).rows,
    async transact({ first, second }) {
      try {
        const found = await flush([BEGIN, ...first])
        const written = await flush([...second, COMMIT])
        checkCommitted(written.at(-1)!.command)
        return found.slice(1).map(({ rows }) => rows)
      } catch (error) {
        await client.query('ROLLBACK')
        throw error
      }
    },
    close: () => client.end(),
  }
}

type Sql = Pick<postgres.Sql, 'unsafe' | 'array'>
const OPTIONS = { max: 1, onnotice: () => {} }

/** Arrays of bytes need a word about their type (17, bytea): the driver takes them for bytes. */
function askBy(sql: Sql, { name, text, values }: Statement) {
  const typed = values.map(value =>
    Array.isArray(value) && value[0] instanceof Uint8Array ? sql.array(value, 17) : value,
  ) as postgres.ParameterOrJSON<never>[]
  return name === '' ? sql.unsafe(text) : sql.unsafe(text, typed, { prepare: true })
}

async function openPostgres(url: string): Promise<Driver> {
  const sql = postgres(url, OPTIONS)
  return {
    run: statement => askBy(sql, statement).values(),
    async transact({ first, second }) {
      let found: Rows[] = []
      await sql.begin(async inner => {
        found = await settled(first.map(statement => askBy(inner, statement).values()))
        await settled(second.map(statement => askBy(inner, statement)))
      })
      return found
    },
    close: () => sql.end(),
  }
}

async function openPostgresReserve(url: string): Promise<Driver> {
  const sql = postgres(url, OPTIONS)
  const own = await sql.reserve()
  return {
    run: statement => askBy(own, statement).values(),
    async transact({ first, second }) {
      try {
        const found = await settled([BEGIN, ...first].map(statement => askBy(own, statement).values()))
        const written = await settled([...second, COMMIT].map(statement => askBy(own, statement).execute()))
        checkCommitted(written.at(-1)!.command)
        return found.slice(1)
      } catch (error) {
        await own.unsafe('ROLLBACK')
        throw error
      }
    },
    async close() {
      own.release()
      await sql.end()
    },
  }
}

/** As `Promise.all`, but when one fails it waits for the others, whose answers are under way. */
async function settled<T>(promises: readonly PromiseLike<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(promises)
  return outcomes.map(outcome => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}
