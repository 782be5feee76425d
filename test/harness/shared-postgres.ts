/**
 * One Postgres for all tests of a run that do not kill theirs: started by the first that asks, stopped after the last test
 * (`.mocharc.json` loads this file for that). Each test takes a database of its own from it.
 */

import { type Postgres, startPostgres } from './postgres.ts'

let starting: Promise<Postgres> | null = null

/** The shared server: `const url = await (await sharedPostgres()).createDatabase()`. Never kill, restart or stop it. */
export function sharedPostgres(): Promise<Pick<Postgres, 'url' | 'port' | 'createDatabase'>> {
  starting ??= startPostgres()
  return starting
}

/** mocha calls this when all tests are over. */
export const mochaHooks = {
  async afterAll(): Promise<void> {
    const server = await starting?.catch(() => null)
    await server?.stop()
  },
}
