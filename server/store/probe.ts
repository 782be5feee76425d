/** Looks at the database that the settings name, for `holdfast doctor`. */

import pg from 'pg'
import { addressOf, openExisting, type Place } from './open.ts'

/** Opens it and has it write and read, as /ready does: a note of when it was asked. Answers its epoch; rejects with a code. */
export async function probe(place: Place): Promise<string> {
  const engine = await openExisting(place)
  try {
    await engine.ping()
    return engine.epoch
  } finally {
    await engine.close()
  }
}

/** How far ahead of ours the clock of a Postgres is (ms). */
export async function clockOf(place: Place): Promise<number> {
  const url = new URL(addressOf(place))
  url.searchParams.delete('schema')
  const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 5000 })
  client.on('error', () => {})
  await client.connect()
  try {
    const start = Date.now()
    const { rows } = await client.query('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now')
    return Math.round(Number(rows[0].now) - (start + Date.now()) / 2)
  } finally {
    await client.end()
  }
}
