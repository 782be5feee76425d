/** What can be killed. */

import { startServerProcess } from '../browser/harness/server.ts'
import type { Victim } from './storm.ts'

export interface ServerVictim {
  readonly victim: Victim & { stop(): Promise<void> }
  /** Its data directory. */
  readonly dir: string
  close(): Promise<void>
}

/** A Holdfast server process; `env` are further settings. */
export async function serverVictim(env: Readonly<Record<string, string>> = {}): Promise<ServerVictim> {
  const server = await startServerProcess({ env })
  return {
    victim: { origin: server.origin, strike: () => server.restart(), stop: () => server.kill('SIGTERM') },
    dir: server.dir,
    close: () => server.close(),
  }
}
