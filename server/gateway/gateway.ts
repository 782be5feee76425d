/** The edge of the server for clients: what all sessions share, and how they end together. */

import type { Access } from '../access/access.ts'
import { LiveSrcs } from '../access/srcs.ts'
import { watchRights } from '../access/watch.ts'
import type { Backend } from '../backend.ts'
import { openBackend } from '../backend.ts'
import type { Bus } from '../bus/bus.ts'
import { BusPubSub, type BusStatus } from '../bus/pubsub.ts'
import { type Clock, processClock } from '../clock.ts'
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
  readonly clock: Clock
  /** How edits reach other servers, and theirs this one. */
  readonly bus: BusStatus
  /** The sessions that are not closed. */
  readonly sessions: Set<Session>
  readonly draining: boolean
  /** Takes no new work, answers what is running, then ends every session with SERVER_DRAINING. */
  drain(): Promise<void>
  /** Lets go of the bus; to be called when nothing runs any more, before the store is closed. */
  close(): Promise<void>
}

export interface GatewayParts {
  readonly store: Store
  readonly settings: Settings
  readonly report: Report
  readonly access?: Access | null
  readonly clock?: Clock
  /** It is opened and closed here. */
  readonly bus?: Bus | null
}

export function openGateway(parts: GatewayParts): Gateway {
  const { store, settings, report, access = null, clock = processClock, bus = null } = parts
  const pubsub = new BusPubSub({
    store,
    bus,
    clock,
    report,
    checkMs: settings.BUS_CHECK_MS,
    prefix: settings.REDIS_PREFIX,
  })
  const backend = openBackend(store, settings, report, access !== null, pubsub)
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
    clock,
    sessions,
    get bus() {
      return pubsub.status
    },
    get draining() {
      return draining
    },
    close: () => pubsub.shutDown(),
    async drain() {
      draining = true
      endWatch()
      for (const session of sessions) session.drain()
      await backend.idle()
      for (const session of [...sessions]) session.close('SERVER_DRAINING')
    },
  }
}
