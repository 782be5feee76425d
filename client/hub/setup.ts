/** How a hub is made; plain data, so that a worker can be told by its name. */

import type { Clock } from '../clock.ts'
import type { Dial } from '../link/link.ts'
import { openLink, type Timings } from '../link/websocket.ts'
import type { Log } from '../log/log.ts'
import { Hub } from './hub.ts'

export interface HubSetup {
  /** The WebSocket address of the server. */
  readonly url: string
  /** Bytes of the largest frame that the server takes. */
  readonly frameBytes: number
  readonly attachMs: number
  readonly timings?: Partial<Timings>
}

/** What a hub needs beside its setup. */
export interface HubParts {
  readonly log: Log
  readonly src: string
  readonly clock: Clock
  readonly dial: Dial
  readonly fenced?: () => void
}

export function makeHub({ url, frameBytes, attachMs, timings }: HubSetup, parts: HubParts): Hub {
  const { src, clock, dial } = parts
  return new Hub({
    ...parts,
    frameBytes,
    attachMs,
    link: events => openLink({ url, src, dial, clock, timings }, events),
  })
}
