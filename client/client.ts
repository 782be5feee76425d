/** The client: connects an app to a server through a hub. */

import type { Change } from '../ops/change.ts'
import { HoldfastError } from '../ops/errors.ts'
import { type DocKey, newSrc } from '../ops/identity.ts'
import { isTypeName } from '../types/index.ts'
import type { TypeName } from '../types/type.ts'
import type { Client, Doc } from './api.ts'
import type { Clock } from './clock.ts'
import { checkName, Document } from './document.ts'
import type { StorageLimits } from './hub/guardian.ts'
import type { FromHub, FromTab } from './hub/messages.ts'
import { type Peek, peekInto } from './hub/peek.ts'
import { pipe } from './hub/port.ts'
import type { HubSetup } from './hub/setup.ts'
import { socketUrl } from './link/address.ts'
import type { Dial } from './link/link.ts'
import type { Timings } from './link/websocket.ts'
import type { Log } from './log/log.ts'
import { type Platform, thisPlatform } from './platform.ts'
import { aloneOn, type Home } from './tab/alone.ts'
import { joinDevice } from './tab/device.ts'
import { localNote } from './tab/note.ts'
import { Tab } from './tab/tab.ts'

export interface ConnectOptions {
  /** Any http, https, ws or wss URL of the server; without a path, `/ws` is dialed. */
  readonly server: string
  /**
   * In a browser: the name of the log on this device, one for each server and user. All tabs of the origin that name it
   * share one connection and one log.
   */
  readonly device?: string
  /** The address of the hub's script (`/hub.js` of the server, or one that you bundle): with it the hub runs in a worker. */
  readonly worker?: string | URL
  /** Instead of `device`: a log that this client has to itself. In memory if neither is given. */
  readonly log?: Log | Promise<Log>
  /**
   * Gives the token that the server lets this client in by; asked anew for each connection and when a token has expired, so
   * an app can renew it here. Null: none.
   */
  readonly token?: () => Promise<string | null>
  /** The version of what the app keeps in its documents, and how unsent edits of older versions are lifted to it. */
  readonly schema?: AppSchema
  /** Milliseconds to wait for a server that neither answers nor fails before a document opens as if offline. Default 3000. */
  readonly attachMs?: number
  /** Milliseconds that `importUnsent` waits for a sign of the server about its edits. Default 30000. */
  readonly rescueMs?: number
  /** Bytes of the largest file that `importUnsent` reads. Default 64 MiB. */
  readonly rescueBytes?: number
  /**
   * Bytes of documents (as JSON) that stay on this device although nobody uses them; beyond it the least recently used go,
   * but none that is kept, or has unsent or held edits. Default 200 MB.
   */
  readonly keepBytes?: number
  /** The part of the browser's quota beyond which they go as well. Default 0.8. */
  readonly storageShare?: number
  /** Bytes of the largest frame that the server takes (its HOLDFAST_FRAME_BYTES). Default 1 MiB. */
  readonly frameBytes?: number
  readonly timings?: Partial<Timings>
  /** Parts of the place where it runs, instead of the real ones. */
  readonly dial?: Dial
  readonly clock?: Clock
  readonly randomBytes?: Platform['randomBytes']
  readonly openLog?: Platform['openLog']
  readonly agreement?: Platform['agreement']
  readonly note?: Platform['note']
  readonly firmNote?: Platform['firmNote']
  readonly storage?: Platform['storage']
}

/** Hex digits of a tab's id: it stands in every edit of the tab in the log, and is unique on this device only. */
const TAB_CHARS = 12

/** Reading the log beside the hub is for where a hub takes its time to come: a worker's, in a browser. */
const peekOf = ({ device, openLog }: ConnectOptions): Peek | null =>
  device === undefined || openLog || globalThis.indexedDB === undefined ? null : peekInto(device)

export interface AppSchema {
  /** From 1; edits from before there was one count as 0. */
  readonly version: number
  /**
   * By version: makes an edit of that version one of the next. Unsent edits are lifted when they are due to be sent, under
   * their names. Null, or a step that is missing or throws: the edit is held with `SCHEMA_OLD`.
   */
  readonly upcast?: Readonly<Record<number, (change: Change, doc: DocKey) => Change | null>>
}

function liftBy(schema: AppSchema | undefined) {
  return (change: Change, from: number, key: DocKey): Change | null => {
    let lifted: Change | null = change
    for (let version = from; lifted && version < (schema?.version ?? 0); version++)
      lifted = schema?.upcast?.[version]?.(lifted, key) ?? null
    return lifted
  }
}

/** Starts a client; it dials at once and keeps the connection until `close`. Throws `SETTING_INVALID`. */
export function connect(options: ConnectOptions): Client {
  const peek = peekOf(options)
  const platform: Platform = { ...thisPlatform(), ...options }
  const { frameBytes = 1024 * 1024, attachMs = 3000, timings, device, worker = null } = options
  const { rescueMs = 30_000, rescueBytes = 64 * 1024 * 1024 } = options
  const setup: HubSetup = {
    url: socketUrl(options.server),
    frameBytes,
    attachMs,
    tokens: options.token !== undefined,
    schema: options.schema?.version ?? 0,
    ...(timings && { timings }),
    limits: limitsOf(options),
  }
  const note = () => (device === undefined ? null : (platform.note ?? localNote)(device))
  const app = { token: options.token, schema: options.schema?.version, lift: liftBy(options.schema) }
  const tab = new Tab(newSrc(platform.randomBytes).slice(0, TAB_CHARS), app, note, peek)
  const hub =
    device === undefined
      ? aloneOn(platform, code => options.log ?? code.memoryLog(), tab, setup)
      : joinDevice(platform, { ...setup, device }, tab, worker)
  if (device !== undefined) tab.onSaved = () => void persist(platform.storage)
  const asleep = listenToPage(tab, hub)
  return {
    get phase() {
      return tab.phase
    },
    async open<Data, Op>(collection: string, id: string, type: TypeName): Promise<Doc<Data, Op>> {
      if (!isTypeName(type))
        throw new HoldfastError('TYPE_UNKNOWN', `"${type}" is not one of text, json and rich.`)
      checkName('collection', collection)
      checkName('id', id)
      return Document.open<Data, Op>(tab, { collection, id }, type, () => platform.clock.now())
    },
    known: () => tab.known(),
    exportUnsent: () => tab.journal(),
    async importUnsent(text) {
      const { readJournal, sendJournal } = await import('./hub/rescue.ts')
      const journal = readJournal(text, rescueBytes)
      const [near, far] = pipe<FromHub, FromTab>()
      new Tab('rescue', app).meet(near)
      return sendJournal(platform, { ...setup, app: far, patienceMs: rescueMs }, journal)
    },
    get loss() {
      return tab.loss
    },
    async keep(collection, ids) {
      checkName('collection', collection)
      for (const id of ids) checkName('id', id)
      await tab.keep(collection, [...new Set(ids)])
    },
    get storage() {
      return tab.storage()
    },
    dismissLoss: () => tab.dismissLoss(),
    batch: edits => tab.batch(edits),
    on: (event, listener) => tab.on(event, listener),
    reconnect: () => tab.reconnect(),
    pause: () => tab.pause(),
    resume: () => tab.resume(),
    metrics: () => tab.metrics(),
    async close() {
      asleep()
      await tab.close()
      await hub.close()
    },
  }
}

/** Those of the limits that are given. Throws `SETTING_INVALID`. */
function limitsOf({ keepBytes, storageShare }: ConnectOptions): Partial<StorageLimits> {
  if (keepBytes !== undefined && !(keepBytes >= 0))
    throw new HoldfastError('SETTING_INVALID', `keepBytes: ${keepBytes} is not a size.`)
  if (storageShare !== undefined && !(storageShare > 0 && storageShare <= 1))
    throw new HoldfastError('SETTING_INVALID', `storageShare: ${storageShare} is not a part of 1.`)
  return {
    ...(keepBytes !== undefined && { keepBytes }),
    ...(storageShare !== undefined && { storageShare }),
  }
}

/** Asks the browser to evict nothing of this origin; when there is something to lose, because some ask the person. */
async function persist(storage: Platform['storage']): Promise<void> {
  try {
    if (storage?.persist && !(await storage.persisted())) await storage.persist()
  } catch {
    // It stays as it is: `client.storage` tells.
  }
}

/**
 * A page that is left may be kept for going back to it, as it is; Chromium throws it away after all when something is said
 * on a channel of it. After a change of network or visibility the line is asked at once; so it is by a page that is opened while
 * the hub of the others waits with its next try. A page with an edit that is not saved on this device warns before it is left.
 */
function listenToPage(tab: Tab, hub: Home): () => void {
  if (typeof document === 'undefined') return () => {}
  const controller = new AbortController()
  const { signal } = controller
  const met = tab.on('phase', phase => {
    met()
    if (phase === 'offline') tab.wake()
  })
  addEventListener('online', () => tab.wake(), { signal })
  addEventListener('pagehide', event => event.persisted && hub.sleep(), { signal })
  addEventListener('pageshow', event => event.persisted && hub.wake(), { signal })
  addEventListener('beforeunload', event => tab.unsaved && event.preventDefault(), { signal })
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && tab.wake(), {
    signal,
  })
  return () => controller.abort()
}
