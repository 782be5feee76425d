/** A server of fixed pages, for tests that need real browser platform but not the app. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'

export interface Pages {
  /** `http://127.0.0.1:PORT`, a secure context: it is loopback. */
  readonly origin: string
  close(): Promise<void>
}

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  json: 'application/json',
  css: 'text/css',
}

/** Serves `pages` by path (`{'/': html, '/a.js': script}`) on a port that the system chooses; anything else is 404. */
export async function servePages(pages: Readonly<Record<string, string>>): Promise<Pages> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://pages').pathname
    const body = pages[path]
    const type = TYPES[path.split('.').at(-1)!] ?? 'text/html'
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': `${type}; charset=utf-8` }).end(body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** One script of `entry` (an absolute path) and all that it imports, for a browser. */
export async function bundle(entry: string): Promise<string> {
  const built = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'iife',
    write: false,
    logLevel: 'silent',
  })
  return built.outputFiles[0]!.text
}
