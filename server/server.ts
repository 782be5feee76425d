/** A whole server: store, gateway, HTTP and WebSockets on one port. Any number may run in one process, as tests do. */

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HoldfastError } from '../ops/errors.ts'
import type { Access } from './access/access.ts'
import { OPEN_WARNING, policyOf } from './access/policy.ts'
import type { Clock } from './clock.ts'
import { type Gateway, openGateway } from './gateway/gateway.ts'
import { acceptWebSockets, type WebSockets } from './gateway/websocket.ts'
import { httpApp } from './http.ts'
import { type Report, reportToConsole } from './report.ts'
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
  readonly report?: Report
  /** Who may do what, in place of HOLDFAST_ACCESS. */
  readonly access?: Access | undefined
  readonly clock?: Clock | undefined
}

/** Throws SETTING_INVALID when it cannot listen or write where it was told to, STORE_NEWER, STORE_FAILED. */
export async function startServer(settings: Settings, options: ServerOptions = {}): Promise<RunningServer> {
  const { web = null, report = reportToConsole } = options
  const access = options.access ?? policyOf(settings, report)
  const hooks = webhooksIn(settings)
  const store = storeOn(await openEngine(settings))
  try {
    const gateway = openGateway({ store, settings, report, access, clock: options.clock })
    const server = createServer(httpApp(gateway, web))
    const sockets = acceptWebSockets(server, gateway)
    const port = await listen(server, settings)
    const host = ['0.0.0.0', '::'].includes(settings.HOST) ? 'localhost' : settings.HOST
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
    if (access === null) report(OPEN_WARNING)
    const endWebhooks = startWebhooks(gateway, hooks)
    let closing: Promise<void> | undefined
    const endHistory = keepHistory(store, settings.HISTORY, report)
    const close = () => {
      endHistory()
      closing ??= stop({ server, sockets, gateway, store, settings, endWebhooks })
      return closing
    }
    return { port, url, gateway, close }
  } catch (error) {
    await store.close()
    throw error
  }
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
  await store.close()
}

/** Waits for `work`, but no longer than `ms`. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([work, promise])
  clearTimeout(timer)
}
