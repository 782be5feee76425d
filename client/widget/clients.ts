/** One client for each server in a page: its editors share the connection and the log. */

import { type Client, connect, openDeviceLog } from '../index.ts'

const shared = new Map<string, Promise<Client>>()

/**
 * The page's client for `server`. It lives as long as the page, so that edits of an editor that is gone are still
 * sent. `server` is as `serverOf` writes it. Rejects with `SETTING_INVALID`.
 */
export function sharedClient(server: string): Promise<Client> {
  const client = shared.get(server) ?? openClient(server)
  shared.set(server, client)
  return client
}

/** A client of its own on this device's log, which only one client at a time can have: close it soon. */
export async function openClient(server: string): Promise<Client> {
  return connect({ server, log: await openDeviceLog(server) })
}
