/** The edge of the server for clients: what all sessions share, and how they end together. */

import type { Access } from '../access/access.ts'
import { LiveSrcs } from '../access/srcs.ts'
import { watchRights } from '../access/watch.ts'
import type { Backend } from '../backend.ts'
import { openBackend } from '../backend.ts'
import { type Clock, processClock } from '../clock.ts'
import { type Feed, openFeed } from '../feed.ts'
import type { Report } from '../report.ts'
import type { Settings } from '../settings.ts'
import type { Store } from '../store/store.ts'
import type { Session } from './session.ts'

export interface Gateway {
  readonly store: Store
  readonly settings: Settings
  readonly backend: Backend
  readonly report: Report
  /** Who may do what; null: all may do all. */
  readonly access: Access | null
  readonly srcs: LiveSrcs
  readonly feed: Feed
  readonly clock: Clock
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
  readonly access?: Access | null
  readonly clock?: Clock | undefined
}

export function openGateway(parts: GatewayParts): Gateway {
  const { store, settings, report, access = null, clock = processClock } = parts
  const backend = openBackend(store, settings, report, access !== null)
  const feed = openFeed(backend, clock)
  const sessions = new Set<Session>()
  const endWatch = access
    ? watchRights({ access, sessions, clock, everyMs: settings.ACCESS_RECHECK_MS })
    : () => {}
  let draining = false
  return {
    store,
    settings,
    backend,
    report,
    access,
    srcs: new LiveSrcs(),
    feed,
    clock,
    sessions,
    get draining() {
      return draining
    },
    async drain() {
      draining = true
      endWatch()
      feed.close()
      for (const session of sessions) session.drain()
      await backend.idle()
      for (const session of [...sessions]) session.close('SERVER_DRAINING')
    },
  }
}
