/**
 * The service worker: the shell of the page opens at once, network or not.
 *
 * Every build has a cache of its own, filled whole before the worker takes over; a page is answered from it alone, so
 * its HTML and its assets are always of one build. A new build takes over for the next page that is loaded; the cache
 * before it stays for pages that are just loading. What the server says (/v1, /ws) is never cached: the documents are
 * in the log.
 */

import { PrecacheController, type PrecacheEntry, PrecacheRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'

/** Both are put in by the bundler (server/bundle.ts). */
declare const SHELL_FILES: PrecacheEntry[]
declare const SHELL_REVISION: string

/** What TypeScript's library for pages does not know of a worker. */
interface Lifetime extends Event {
  waitUntil(work: Promise<unknown>): void
}
declare const self: typeof globalThis & { skipWaiting(): Promise<void> }

const prefix = 'holdfast-shell-'
const shell = new PrecacheController({ cacheName: prefix + SHELL_REVISION })
shell.addToCacheList(SHELL_FILES)

registerRoute(new PrecacheRoute(shell))
registerRoute(
  new NavigationRoute(shell.createHandlerBoundToURL('/index.html'), { allowlist: [/^\/$/, /^\/d\//] }),
)
/** An asset of the build before: its page was loaded from the older cache. */
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname.startsWith('/assets/'),
  async ({ request }) => (await caches.match(request)) ?? fetch(request),
)

self.addEventListener('install', event => {
  const lifetime = event as Lifetime
  lifetime.waitUntil(shell.install(event as never).then(() => self.skipWaiting()))
})
self.addEventListener('activate', event => (event as Lifetime).waitUntil(dropOldShells()))

/** All but this build's and the one before it; `keys` lists caches in the order in which they were made. */
async function dropOldShells(): Promise<void> {
  const shells = (await caches.keys()).filter(name => name.startsWith(prefix))
  await Promise.all(shells.slice(0, -2).map(name => caches.delete(name)))
}
