/** The edge of the server for clients: what all sessions share, and how they end together. */

import type { Backend } from '../backend.ts'
import { openBackend } from '../backend.ts'
import type { Report } from '../report.ts'
import type { Settings } from '../settings.ts'
import type { Store } from '../store/store.ts'
import type { Session } from './session.ts'

export interface Gateway {
  readonly store: Store
  readonly settings: Settings
  readonly backend: Backend
  readonly report: Report
  /** The sessions that are not closed. */
  readonly sessions: Set<Session>
  readonly draining: boolean
  /** Takes no new work, answers what is running, then ends every session with SERVER_DRAINING. */
  drain(): Promise<void>
}

export interface GatewayParts {
  readonly store: Store
  readonly settings: Settings
  readonly report: Report
}

export function openGateway({ store, settings, report }: GatewayParts): Gateway {
  const backend = openBackend(store, settings, report)
  const sessions = new Set<Session>()
  let draining = false
  return {
    store,
    settings,
    backend,
    report,
    sessions,
    get draining() {
      return draining
    },
    async drain() {
      draining = true
      for (const session of sessions) session.drain()
      await backend.idle()
      for (const session of [...sessions]) session.close('SERVER_DRAINING')
    },
  }
}
