/** What can be killed: a Holdfast server on SQLite or on Postgres, or the Postgres under one that must live on. */

import { readSettings } from '../../server/settings.ts'
import { openEngine } from '../../server/store/open.ts'
import { verifyStore } from '../../server/store/verify.ts'
import { type ServerProcess, startServerProcess } from '../browser/harness/server.ts'
import { startPostgres } from '../harness/postgres.ts'
import type { Victim } from './storm.ts'

export interface Doomed {
  readonly victim: Victim & {
    /** Ends the server and verifies the database; answers what was looked at, throws the first difference. */
    verify(): Promise<string>
  }
  close(): Promise<void>
}

export type VictimName = keyof typeof victims

export const victims = {
  server: async (): Promise<Doomed> => {
    const server = await startServerProcess()
    return doomed(
      server,
      () => server.restart(),
      {},
      async () => {},
    )
  },
  'server-on-postgres': () => onPostgres('server'),
  postgres: () => onPostgres('postgres'),
} as const

/** SIGKILL takes nothing that the kernel has, so its syncs can be spared. */
async function onPostgres(victim: 'server' | 'postgres'): Promise<Doomed> {
  const postgres = await startPostgres({ fsync: 'off' })
  const env = { HOLDFAST_STORE: await postgres.createDatabase() }
  const server = await startServerProcess({ env })
  const killPostgres = async () => {
    await postgres.kill()
    await postgres.restart()
  }
  const strike = victim === 'server' ? () => server.restart() : killPostgres
  return doomed(server, strike, env, () => postgres.stop())
}

function doomed(
  server: ServerProcess,
  strike: () => Promise<void>,
  env: Readonly<Record<string, string>>,
  after: () => Promise<void>,
): Doomed {
  const verify = async () => {
    await server.kill('SIGTERM')
    const engine = await openEngine(readSettings({ HOLDFAST_DATA: server.dir, ...env }))
    const finding = await verifyStore(engine)
    await engine.close()
    if (finding.kind === 'differs') throw new Error(finding.message)
    return `sound: ${finding.documents} documents, ${finding.ops} ops, ${finding.rungs} rungs`
  }
  return {
    victim: { origin: server.origin, strike, verify },
    async close() {
      await server.close()
      await after()
    },
  }
}
