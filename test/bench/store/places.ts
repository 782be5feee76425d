/** Empty places for the rounds' stores: a folder each, or a database each on one Postgres that the rounds share. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { type Postgres, startPostgres } from '../../harness/postgres.ts'

export interface Place {
  /** The path of a folder, or the URL of a database. */
  readonly at: string
  /** Removes it and what is in it; whoever used it has ended. */
  remove(): Promise<void>
}

export async function newFolder(): Promise<Place> {
  const at = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  return { at, remove: () => rm(at, { recursive: true, force: true }) }
}

/** Postgres at its defaults; it is started for the first database. */
export class Databases {
  #postgres: Promise<Postgres> | undefined

  async make(): Promise<Place> {
    this.#postgres ??= startPostgres()
    const postgres = await this.#postgres
    const at = await postgres.createDatabase()
    // What is left of a round would be cleaned up by Postgres during another one.
    return { at, remove: () => drop(postgres.url, new URL(at).pathname.slice(1)) }
  }

  async stop(): Promise<void> {
    const postgres = await this.#postgres?.catch(() => undefined)
    await postgres?.stop()
  }
}

async function drop(url: string, name: string): Promise<void> {
  const client = new Client(url)
  await client.connect()
  try {
    await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
  } finally {
    await client.end()
  }
}
