/** One client for each server in a page: its editors share it, as all tabs of the origin share its hub. */

import { type Client, connect } from '../index.ts'
import { scriptAt } from '../trusted.ts'

/** The path of the hub's script on the server that this script came from; put in by the bundler (server/bundle.ts). */
declare const HUB_SCRIPT: string

const shared = new Map<string, Client>()

/**
 * The page's client for `server`. It lives as long as the page, so that edits of an editor that is gone are still
 * sent. `server` is as `serverOf` writes it. Throws `SETTING_INVALID`.
 */
export function sharedClient(server: string): Client {
  const client = shared.get(server) ?? connect({ server, device: server, ...workerOf(server) })
  shared.set(server, client)
  return client
}

/** A worker's script must come from the page's own origin; elsewhere the hub lives in a tab. */
const workerOf = (server: string): { worker?: string } =>
  typeof HUB_SCRIPT === 'string' && new URL(server).origin === location.origin
    ? { worker: scriptAt(HUB_SCRIPT) }
    : {}
