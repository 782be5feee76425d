/**
 * How a hub is made. What a tab needs of it is types only: the code is loaded where a hub is to live, so that a page whose
 * hub lives in a worker does not load it twice.
 */

import type { LinkEvents } from '../link/link.ts'
import { dialWebSocket, openLink, type Timings } from '../link/websocket.ts'
import { openDeviceLog } from '../log/device.ts'
import type { Log } from '../log/log.ts'
import { volatileLog } from '../log/volatile.ts'
import type { Agreement, Platform } from '../platform.ts'
import { type Candidate, stand } from './election.ts'
import { cacheNote } from './firmnote.ts'
import type { StorageLimits } from './guardian.ts'
import { Hub } from './hub.ts'

/** Plain data, so that a worker can be told by its name. */
export interface HubSetup {
  /** The WebSocket address of the server. */
  readonly url: string
  /** Bytes of the largest frame that the server takes. */
  readonly frameBytes: number
  readonly attachMs: number
  /** Names the log: one for each server and user; missing where the log has no name. */
  readonly device?: string
  /** The tabs have a token function, which is asked for each connection. */
  readonly tokens: boolean
  readonly timings?: Partial<Timings>
  /** Version of the app's schema. */
  readonly schema: number
  readonly limits?: Partial<StorageLimits>
}

export type DeviceSetup = HubSetup & { readonly device: string }

export { volatileLog }

/** In memory: for Node, and for an app that keeps nothing. */
export const memoryLog = async (): Promise<Log> => (await import('../log/memory.ts')).memoryLog()

/** The log of this device. Never rejects. */
export const openLog = (platform: Platform, device: string): Promise<Log> =>
  (platform.openLog ?? openDeviceLog)(device)

/** Offers to be the hub of this device. */
export function standOnDevice(platform: Platform, agreement: Agreement, setup: DeviceSetup): Candidate {
  const make = async (src: string, fenced: () => void) =>
    makeHub(platform, setup, await openLog(platform, setup.device), src, fenced)
  return stand(agreement, setup.device, make, platform.randomBytes)
}

/** `src` names it, for ever; `fenced` is called when another hub took its log over. */
export function makeHub(
  { clock, dial = dialWebSocket, storage, firmNote = cacheNote }: Platform,
  { url, frameBytes, attachMs, tokens, timings, schema, limits, device }: HubSetup,
  log: Log,
  src: string,
  fenced?: () => void,
): Hub {
  const link = (events: LinkEvents, ask: () => Promise<string | null>) =>
    openLink({ url, src, dial, clock, timings, ...(tokens && { token: ask }) }, events)
  return new Hub({
    log,
    name: device,
    src,
    clock,
    link,
    frameBytes,
    attachMs,
    schema,
    storage,
    firmNote: device === undefined ? undefined : firmNote(device),
    limits,
    fenced,
  })
}
