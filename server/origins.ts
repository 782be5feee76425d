/**
 * Which pages may talk to the server. A browser lets any page open a WebSocket to any host, so a server on somebody's
 * own machine would answer every site that they visit: the browser's `Origin` header is what tells them apart.
 *
 * Allowed are the pages of the server's own host on any port and scheme, those listed in HOLDFAST_ORIGINS, and whoever
 * sends no origin, which is no browser. A page from a file has the origin "null": only `*` allows it.
 */

import type { Settings } from './settings.ts'

/** `host` is the request's `Host` header. */
export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  { ORIGINS }: Pick<Settings, 'ORIGINS'>,
): boolean {
  if (origin === undefined || ORIGINS.includes('*') || ORIGINS.includes(origin)) return true
  const page = URL.parse(origin)
  const self = URL.parse(`http://${host ?? ''}`)
  return page !== null && self !== null && page.hostname === self.hostname
}
