/** The edge of the server for clients: what all sessions share, and how they end together. */

import type { Access } from '../access/access.ts'
import { LiveSrcs } from '../access/srcs.ts'
import { watchRights } from '../access/watch.ts'
import type { Backend } from '../backend.ts'
import { openBackend } from '../backend.ts'
import type { Bus } from '../bus/bus.ts'
import { BusPubSub, type BusStatus } from '../bus/pubsub.ts'
import { type Clock, processClock } from '../clock.ts'
import { type Feed, openFeed } from '../feed.ts'
import { type Limits, noLimits } from '../limits.ts'
import { type Log, logTo } from '../log.ts'
import { type Meter, noMeter } from '../meter.ts'
import type { Guard, Pressure } from '../pressure.ts'
import { watchReach } from '../reach.ts'
import type { Report } from '../report.ts'
import type { Settings } from '../settings.ts'
import type { Store } from '../store/store.ts'
import type { Session } from './session.ts'

export interface Gateway {
  readonly store: Store
  readonly settings: Settings
  readonly backend: Backend
  readonly report: Report
  readonly log: Log
  readonly meter: Meter
  readonly limits: Limits
  readonly pressure: Pressure
  /** Who may do what; null: all may do all. */
  readonly access: Access | null
  readonly srcs: LiveSrcs
  readonly feed: Feed
  readonly clock: Clock
  /** How edits reach other servers, and theirs this one. */
  readonly bus: BusStatus
  /** The sessions that are not closed. */
  readonly sessions: Set<Session>
  readonly draining: boolean
  /** The database has not answered for HOLDFAST_STORE_PATIENCE_MS, and other servers may reach it: nobody is let in. */
  readonly lost: boolean
  /**
   * Lets nobody in, and ends the sessions with SERVER_DRAINING, one after the other over HOLDFAST_DRAIN_SPREAD_MS, lest all
   * come to the next server at once. Each works on until it is its turn; then it takes no new work and answers what is running.
   */
  drain(): Promise<void>
  /** Lets go of the bus; to be called when nothing runs any more, before the store is closed. */
  close(): Promise<void>
}

export interface GatewayParts {
  readonly store: Store
  readonly settings: Settings
  readonly report: Report
  /** Default: what goes wrong is told to `report`. */
  readonly log?: Log
  readonly meter?: Meter
  readonly limits?: Limits
  readonly guard?: Guard
  readonly access?: Access | null
  readonly clock?: Clock | undefined
  /** It is opened and closed here. */
  readonly bus?: Bus | null
}

/** Between two sessions that are sent away, unless they are too many for that (ms). */
const BETWEEN_MS = 20

const calm: Guard = { pressure: 'none', end() {} }

export function openGateway(parts: GatewayParts): Gateway {
  const { store, settings, report, access = null, clock = processClock, bus = null } = parts
  const { log = logTo(report), meter = noMeter, limits = noLimits, guard = calm } = parts
  const pubsub = new BusPubSub({
    store,
    bus,
    clock,
    report,
    checkMs: settings.BUS_CHECK_MS,
    prefix: settings.REDIS_PREFIX,
  })
  const backend = openBackend(store, settings, report, access !== null, pubsub, meter)
  const feed = openFeed({ backend, clock, recheckMs: settings.BUS_CHECK_MS, others: pubsub })
  const sessions = new Set<Session>()
  const endWatch = access
    ? watchRights({ access, sessions, clock, everyMs: settings.ACCESS_RECHECK_MS })
    : () => {}
  const reach = watchReach({
    store,
    clock,
    patienceMs: settings.STORE_PATIENCE_MS,
    changed(lost) {
      log.warn(
        lost ? 'the database does not answer: connections are sent away' : 'the database answers again',
      )
      if (lost) for (const session of [...sessions]) session.close('STORE_FAILED')
    },
  })
  let draining = false
  const later = (ms: number, session: Session) =>
    new Promise<void>(resolve => clock.after(ms, () => session.leave().then(resolve)))
  return {
    store,
    settings,
    backend,
    report,
    log,
    meter,
    limits,
    get pressure() {
      return guard.pressure
    },
    access,
    srcs: new LiveSrcs(),
    feed,
    clock,
    sessions,
    get bus() {
      return pubsub.status
    },
    get draining() {
      return draining
    },
    get lost() {
      return reach.lost
    },
    close() {
      reach.end()
      return pubsub.shutDown()
    },
    async drain() {
      draining = true
      endWatch()
      feed.close()
      const all = [...sessions]
      const pause = Math.min(BETWEEN_MS, settings.DRAIN_SPREAD_MS / all.length)
      await Promise.all(all.map((session, i) => (i === 0 ? session.leave() : later(i * pause, session))))
      await backend.idle()
    },
  }
}
