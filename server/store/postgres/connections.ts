/**
 * The connections of one server to its Postgres, and what each is for.
 *
 *   commits   one: a group of commits at a time, a transaction each (append.ts)
 *   reads     a few, also for the writes that stand by themselves and must last
 *   derived   one, for what can be derived again: its commits wait for no disk
 *
 * A connection on which something failed is thrown away, and the next question opens another: so a Postgres that was
 * killed is there again as soon as it runs again. Nothing is asked twice by itself, for an answer that was lost may have
 * been a yes. Every wait has an end: this side gives up after `timeoutMs`; Postgres gives up on a statement before that,
 * and on a transaction whose server has fallen silent, whose locks would keep the other servers waiting.
 */

import pg from 'pg'
import { HoldfastError } from '../../../ops/errors.ts'
import type { Durability } from '../engine.ts'

export interface PostgresOptions {
  /**
   * `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with the parameters that Postgres's own tools take (`sslmode`). One is
   * ours: `schema` names the schema that holds the tables, made if it is not there; `holdfast` without it.
   */
  readonly url: string
  /** `full`: a commit waits for the disk; `normal`: a crash of Postgres may take the last ones. Default `full`. */
  readonly durability?: Durability
  /** Connections for reading. Default 4: more would not be faster where a read takes a millisecond, and each is a process. */
  readonly reads?: number
  /** How long an answer may take before it counts as a failure (ms). Default 30,000. */
  readonly timeoutMs?: number
  /** Whether somebody must have made the tables: without them opening is `STORE_MISSING`. */
  readonly existing?: boolean
}

export interface Connections {
  readonly commits: pg.Pool
  readonly reads: pg.Pool
  readonly derived: pg.Pool
  close(): Promise<void>
}

/** A statement is prepared once for each connection, under its name. */
export interface Statement {
  readonly name: string
  readonly text: string
}

const READS = 4
const TIMEOUT_MS = 30_000
const CONNECT_MS = 5000
/** Between its two flushes a transaction waits for nothing but our own decision. */
const SILENCE_MS = 10_000
const IDLE_MS = 60_000

/**
 * Every statement finds its rows by an index. Without these Postgres might read whole tables: a plan that it made while
 * they were small is kept until it has counted them again.
 */
const PLANNING = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_sort: 'off',
  jit: 'off',
}

/** Opens none yet. Throws `SETTING_INVALID` for an address that is none; the message does not repeat it. */
export function connectionsOf(options: PostgresOptions): Connections {
  const { durability = 'full', reads: count = READS } = options
  const lasting = durability === 'full' ? 'on' : RELAXED
  const commits = poolOf(options, 1, lasting)
  const reads = poolOf(options, count, lasting)
  const derived = poolOf(options, 1, RELAXED)
  const all = [commits, reads, derived]
  return {
    commits,
    reads,
    derived,
    async close() {
      await Promise.all(all.map(pool => pool.end()))
    },
  }
}

function poolOf(options: PostgresOptions, max: number, synchronousCommit: SynchronousCommit): pg.Pool {
  const { timeoutMs = TIMEOUT_MS } = options
  const silence = { idle_in_transaction_session_timeout: Math.min(SILENCE_MS, timeoutMs) }
  const pool = new pg.Pool({
    ...clientConfig(options),
    max,
    idleTimeoutMillis: IDLE_MS,
    onConnect: async client => {
      // It may be cut off while nobody waits for it, or while several do: each of them is told by what it asked.
      client.on('error', () => {})
      await set(client, { ...sessionOf(options, synchronousCommit), ...silence })
    },
  })
  // One that was cut off while it was idle is missed by nobody.
  pool.on('error', () => {})
  return pool
}

/** A connection by itself, for what takes long: one statement after the other, with any time between them. */
export async function connectAlone(options: PostgresOptions): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(options))
  client.on('error', () => {})
  await client.connect()
  await set(client, sessionOf(options, 'on'))
  return client
}

type SynchronousCommit = 'on' | 'off'
const RELAXED = 'off'

function sessionOf({ url, timeoutMs = TIMEOUT_MS }: PostgresOptions, synchronousCommit: SynchronousCommit) {
  return {
    ...PLANNING,
    search_path: pg.escapeIdentifier(addressOf(url).schema),
    synchronous_commit: synchronousCommit,
    // Postgres's default: each statement sees what was committed before it, also behind a lock that it waited for.
    default_transaction_isolation: "'read committed'",
    statement_timeout: Math.ceil(timeoutMs * 0.8),
  }
}

async function set(
  client: pg.ClientBase,
  settings: Readonly<Record<string, string | number>>,
): Promise<void> {
  const statements = Object.entries(settings).map(([name, value]) => `SET ${name} = ${value}`)
  await client.query(statements.join('; '))
}

/** What a connection of any kind is opened with. */
export function clientConfig({ url, timeoutMs = TIMEOUT_MS }: PostgresOptions): pg.ClientConfig {
  return {
    connectionString: addressOf(url).server,
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: SILENCE_MS,
    connectionTimeoutMillis: Math.min(CONNECT_MS, timeoutMs),
    query_timeout: timeoutMs,
    application_name: 'holdfast',
    types: { getTypeParser },
  }
}

const INT8 = 20

/** Whole numbers are JavaScript's: all of ours are safe ones. */
function getTypeParser(...[oid, format]: Parameters<typeof pg.types.getTypeParser>) {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format)
}

const SCHEMA = 'holdfast'

export function addressOf(text: string): { server: string; schema: string } {
  const url = URL.parse(text)
  if (url?.protocol !== 'postgres:' && url?.protocol !== 'postgresql:')
    throw new HoldfastError(
      'SETTING_INVALID',
      'The address of the Postgres database is not a postgres:// URL.',
    )
  const schema = url.searchParams.get('schema') || SCHEMA
  url.searchParams.delete('schema')
  return { server: url.href, schema }
}

/** The rows of one statement, by itself a transaction. */
export async function ask<Row extends object>(
  pool: pg.Pool,
  { name, text }: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  const { rows } = await pool.query({ name, text, values: [...values] })
  return rows as Row[]
}

/** The same with rows as arrays: cheaper where there are thousands. */
export async function askArrays<Row extends unknown[]>(
  pool: pg.Pool,
  { name, text }: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  const { rows } = await pool.query({ name, text, values: [...values], rowMode: 'array' })
  return rows as Row[]
}

/**
 * Runs `work` in one transaction, which is committed if that resolves with true; else nothing of it is there. Answers
 * whether it was committed. After a failure the connection must be given up.
 */
export async function inTransaction(client: pg.ClientBase, work: () => Promise<boolean>): Promise<boolean> {
  await client.query('BEGIN')
  const wanted = await work()
  if (wanted) checkCommitted(await client.query('COMMIT'))
  else await client.query('ROLLBACK')
  return wanted
}

/** Postgres answers the COMMIT of a failed transaction with ROLLBACK, and calls it a success. */
export function checkCommitted({ command }: pg.QueryResult): void {
  if (command !== 'COMMIT') throw new Error(`the transaction ended with ${command}`)
}

/**
 * Waits for all that was sent together; then throws the first failure, which is the reason of those after it.
 */
export async function together<T>(answers: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(answers)
  return outcomes.map(outcome => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}
