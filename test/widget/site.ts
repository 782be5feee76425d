/** A real server with its built pages, and a page of somebody else that embeds the editor. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ensureBundle } from '../../server/bundle.ts'
import { type RunningServer, startServer } from '../../server/server.ts'
import { readSettings } from '../../server/settings.ts'

/** `localhost`, because a page on it counts as secure: without, there are no locks and no service worker. */
export const addressOf = (port: number) => `http://localhost:${port}`

export async function openServer(
  settings: { port?: number; data?: string; documentBytes?: number; web?: string } = {},
): Promise<RunningServer> {
  const { port = 0, data = ':memory:', documentBytes = 1_000_000, web = await ensureBundle() } = settings
  const environment = {
    HOLDFAST_PORT: String(port),
    HOLDFAST_DATA: data,
    HOLDFAST_ORIGINS: '*',
    HOLDFAST_DOCUMENT_BYTES: String(documentBytes),
    HOLDFAST_DRAIN_MS: '500',
    HOLDFAST_LOG: 'error',
  }
  return startServer(readSettings(environment), { web })
}

export interface Site {
  readonly url: string
  close(): Promise<void>
}

/** A page on another origin, under a strict content security policy, that loads nothing but our script. `more`: of the policy. */
export async function openSite(server: string, body: string, more = ''): Promise<Site> {
  const policy = `default-src 'none'; img-src data:; script-src ${server}; connect-src ${server} ${server.replace('http', 'ws')}; ${more}`
  const site = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html').setHeader('Content-Security-Policy', policy)
    response.end(
      `<!doctype html><title>Site</title><link rel="icon" href="data:,"><script src="${server}/embed.js"></script>${body}`,
    )
  })
  await once(site.listen(0, 'localhost'), 'listening')
  return {
    url: addressOf((site.address() as AddressInfo).port),
    async close() {
      site.closeAllConnections()
      await new Promise(resolve => site.close(resolve))
    },
  }
}
