/** The client: connects an app to a server through a hub. */

import { HoldfastError } from '../ops/errors.ts'
import { newSrc } from '../ops/identity.ts'
import { nameFault } from '../ops/names.ts'
import { isTypeName } from '../types/index.ts'
import type { TypeName } from '../types/type.ts'
import type { Client, Doc } from './api.ts'
import { type Clock, systemClock } from './clock.ts'
import { Document } from './document.ts'
import type { Hub } from './hub/hub.ts'
import { TabHub } from './hub/tab.ts'
import type { Dial } from './link/link.ts'
import { dialWebSocket, openLink, socketUrl, type Timings } from './link/websocket.ts'
import type { Log } from './log/log.ts'
import { memoryLog } from './log/memory.ts'

export interface ConnectOptions {
  /** Any http, https, ws or wss URL of the server; without a path, `/ws` is dialed. */
  readonly server: string
  /** Where edits are kept on this device; in memory if not given. In a browser: `openDeviceLog(name)`. */
  readonly log?: Log | Promise<Log>
  /** Milliseconds to wait for a server that neither answers nor fails before a document opens as if offline. Default 3000. */
  readonly attachMs?: number
  /** Bytes of the largest frame that the server takes (its HOLDFAST_FRAME_BYTES). Default 1 MiB. */
  readonly frameBytes?: number
  readonly timings?: Partial<Timings>
  readonly dial?: Dial
  readonly clock?: Clock
  /** Fills an array with random bytes; `crypto.getRandomValues` if not given. */
  readonly randomBytes?: (bytes: Uint8Array<ArrayBuffer>) => unknown
}

/** Starts a client; it dials at once and keeps the connection until `close`. Throws `SETTING_INVALID`. */
export function connect(options: ConnectOptions): Client {
  const {
    dial = dialWebSocket,
    clock = systemClock,
    timings,
    randomBytes = bytes => crypto.getRandomValues(bytes),
  } = options
  const url = socketUrl(options.server)
  const src = newSrc(randomBytes)
  const hub: Hub = new TabHub({
    log: whenOpen(options.log ?? memoryLog()),
    src,
    clock,
    link: events => openLink({ url, src, dial, clock, timings }, events),
    frameBytes: options.frameBytes ?? 1024 * 1024,
    attachMs: options.attachMs ?? 3000,
  })
  const asleep = listenToWaking(hub)
  return {
    get phase() {
      return hub.phase
    },
    async open<Data, Op>(collection: string, id: string, type: TypeName): Promise<Doc<Data, Op>> {
      if (!isTypeName(type))
        throw new HoldfastError('TYPE_UNKNOWN', `"${type}" is not one of text, json and rich.`)
      checkName('collection', collection)
      checkName('id', id)
      return Document.open<Data, Op>(hub, { collection, id }, type, () => clock.now())
    },
    known: () => hub.known(),
    on: (_event, listener) => hub.onPhase(listener),
    reconnect: () => hub.reconnect(),
    async close() {
      asleep()
      await hub.close()
    },
  }
}

function checkName(what: string, name: string): void {
  const fault = nameFault(String(name))
  if (fault !== null) throw new HoldfastError('NAME_INVALID', `${what}: ${fault}`)
}

/** A log that is still opening. */
const whenOpen = (opening: Log | Promise<Log>): Log => ({
  load: async key => (await opening).load(key),
  write: async writes => (await opening).write(writes),
  list: async () => (await opening).list(),
  close: async () => (await opening).close(),
})

/**
 * A page that was asleep cannot trust its socket: one restored from the back/forward cache still has it open, and it
 * even answers pings, so it is dropped; after a change of network or visibility the line is asked at once.
 */
function listenToWaking(hub: Hub): () => void {
  if (typeof document === 'undefined') return () => {}
  const controller = new AbortController()
  const { signal } = controller
  addEventListener('online', () => hub.wake(), { signal })
  addEventListener('pageshow', event => event.persisted && hub.reconnect(), { signal })
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && hub.wake(), {
    signal,
  })
  return () => controller.abort()
}
