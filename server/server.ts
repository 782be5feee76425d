/** A whole server: store, gateway, HTTP and WebSockets on one port. Any number may run in one process, as tests do. */

import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HoldfastError } from '../ops/errors.ts'
import type { Access } from './access/access.ts'
import { OPEN_WARNING, policyOf } from './access/policy.ts'
import { countOn } from './bus/counting.ts'
import { type BusChoice, openBus } from './bus/open.ts'
import { type Clock, processClock } from './clock.ts'
import { type Gateway, openGateway } from './gateway/gateway.ts'
import { acceptWebSockets, type WebSockets } from './gateway/websocket.ts'
import { httpApp } from './http.ts'
import { openLimits } from './limits.ts'
import { listener } from './listener.ts'
import { type Log, logTo, openLog } from './log.ts'
import { type Metrics, openMetrics } from './metrics.ts'
import { guardMemory, pressures } from './pressure.ts'
import type { Report } from './report.ts'
import { keepHistory } from './retention.ts'
import type { Settings } from './settings.ts'
import { storeOn } from './store/enginestore.ts'
import { openEngine } from './store/open.ts'
import type { Store } from './store/store.ts'
import { webhooksIn } from './webhooks/config.ts'
import { startWebhooks } from './webhooks/webhooks.ts'

export interface RunningServer {
  readonly port: number
  /** Where a browser on this machine finds it. */
  readonly url: string
  readonly gateway: Gateway
  /** Drains and stops; resolves within HOLDFAST_DRAIN_MS, when the store is closed. */
  close(): Promise<void>
}

export interface ServerOptions {
  /** Directory of the built pages; without it the server has none. */
  readonly web?: string | null
  /** Hears what goes wrong, in place of the log. */
  readonly report?: Report
  /** Default: JSON lines on standard error, as HOLDFAST_LOG says. */
  readonly log?: Log
  readonly metrics?: Metrics
  /** Who may do what, in place of HOLDFAST_ACCESS. */
  readonly access?: Access | undefined
  readonly clock?: Clock | undefined
  /** How it and others on the same database tell each other of edits, in place of HOLDFAST_REDIS. */
  readonly bus?: BusChoice
}

/** Throws SETTING_INVALID when it cannot listen or write where it was told to, STORE_NEWER, STORE_FAILED. */
export async function startServer(settings: Settings, options: ServerOptions = {}): Promise<RunningServer> {
  const { web = null, metrics = openMetrics() } = options
  const log = options.log ?? (options.report ? logTo(options.report) : openLog(settings.LOG))
  const report = log.error
  const { meter } = metrics
  const access = options.access ?? policyOf(settings, report)
  const clock = options.clock ?? processClock
  const hooks = webhooksIn(settings)
  const store = storeOn(await openEngine(settings), { committed: meter.committed })
  const guard = guardMemory({
    limit: settings.MEMORY_BYTES,
    clock,
    changed: pressure => log.warn('memory', { pressure }),
  })
  let opened: Gateway | undefined
  try {
    const bus = await openBus(options.bus, { settings, clock, report })
    const rates = countOn(bus, `${settings.REDIS_PREFIX}:rate:${store.epoch}`)
    const limits = openLimits(settings, report, rates)
    const gateway = openGateway({ store, settings, report, log, meter, limits, guard, access, bus, clock })
    opened = gateway
    readStore(metrics, store)
    readBus(metrics, gateway)
    metrics.read(
      'gauge',
      'holdfast_pressure',
      'What is given up for want of memory: 1 presence, 2 new connections.',
      () => pressures.indexOf(guard.pressure),
    )
    const server = listener(httpApp(gateway, web, metrics), settings, meter, limits)
    const sockets = acceptWebSockets(server, gateway)
    const port = await listen(server, settings)
    const host = ['0.0.0.0', '::'].includes(settings.HOST) ? 'localhost' : settings.HOST
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
    if (access === null) log.warn(OPEN_WARNING)
    const endWebhooks = startWebhooks(gateway, hooks)
    let closing: Promise<void> | undefined
    const endHistory = keepHistory(store, settings.HISTORY, report)
    const close = () => {
      endHistory()
      guard.end()
      closing ??= stop({ server, sockets, gateway, store, settings, endWebhooks })
      return closing
    }
    return { port, url, gateway, close }
  } catch (error) {
    guard.end()
    await opened?.close()
    await store.close()
    throw error
  }
}

function readBus(metrics: Metrics, gateway: Gateway): void {
  const read = (name: string, help: string, number: () => number, kind: 'counter' | 'gauge' = 'counter') =>
    metrics.read(kind, `holdfast_bus_${name}`, help, number)
  read(
    'up',
    'Whether the bus carries edits; 1, too, where this server is alone.',
    () => Number(gateway.bus.state !== 'down'),
    'gauge',
  )
  read('lag_ms', 'From a message to its being heard, as last seen.', () => gateway.bus.lagMs ?? 0, 'gauge')
  read('published_total', 'Edits told to other servers.', () => gateway.bus.counts.published)
  read(
    'publish_errors_total',
    'Edits that could not be told at once.',
    () => gateway.bus.counts.publishErrors,
  )
  read('gaps_healed_total', 'Gaps that were filled from the store.', () => gateway.bus.counts.gapsHealed)
}

function readStore(metrics: Metrics, { counts }: Store): void {
  metrics.read(
    'counter',
    'holdfast_transactions_total',
    'Transactions that made ops durable.',
    () => counts.groups,
  )
  metrics.read('counter', 'holdfast_snapshots_total', 'Snapshots written down.', () => counts.snapshots)
}

function listen(server: Server, { PORT, HOST }: Settings): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another program listens there' : error.message
      reject(
        new HoldfastError(
          'SETTING_INVALID',
          `Port ${PORT} of ${HOST}: ${why}; set HOLDFAST_PORT or HOLDFAST_HOST.`,
        ),
      )
    })
    server.listen(PORT, HOST, () => resolve((server.address() as AddressInfo).port))
  })
}

interface Parts {
  readonly server: Server
  readonly sockets: WebSockets
  readonly gateway: Gateway
  readonly store: Store
  readonly settings: Settings
  readonly endWebhooks: () => Promise<void>
}

async function stop({ server, sockets, gateway, store, settings, endWebhooks }: Parts): Promise<void> {
  const end = Date.now() + settings.DRAIN_MS
  const stopped = new Promise(resolve => server.close(resolve))
  await within(settings.DRAIN_MS, gateway.drain())
  await endWebhooks()
  await sockets.close(Math.max(0, end - Date.now()))
  server.closeAllConnections()
  await stopped
  await gateway.close()
  await store.close()
}

/** Waits for `work`, but no longer than `ms`. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([work, promise])
  clearTimeout(timer)
}
