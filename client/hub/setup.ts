/** How a hub is made; plain data, so that a worker can be told by its name. */

import type { LinkEvents } from '../link/link.ts'
import { openLink, type Timings } from '../link/websocket.ts'
import type { Log } from '../log/log.ts'
import type { Platform } from '../platform.ts'
import { Hub } from './hub.ts'

export interface HubSetup {
  /** The WebSocket address of the server. */
  readonly url: string
  /** Bytes of the largest frame that the server takes. */
  readonly frameBytes: number
  readonly attachMs: number
  /** The tabs have a token function, which is asked for each connection. */
  readonly tokens: boolean
  readonly timings?: Partial<Timings>
}

/** `src` names it, for ever; `fenced` is called when another hub took its log over. */
export function makeHub(
  { clock, dial }: Pick<Platform, 'clock' | 'dial'>,
  { url, frameBytes, attachMs, tokens, timings }: HubSetup,
  log: Log,
  src: string,
  fenced?: () => void,
): Hub {
  const link = (events: LinkEvents, ask: () => Promise<string | null>) =>
    openLink({ url, src, dial, clock, timings, ...(tokens && { token: ask }) }, events)
  return new Hub({ log, src, clock, link, frameBytes, attachMs, fenced })
}
