/** What the tests of the server play with: a server in memory, a raw WebSocket client, and ShareDB's own client. */

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { type ClientOptions, WebSocket } from 'ws'
import { isErrorCode } from '../../ops/errors.ts'
import type { Access } from '../../server/access/access.ts'
import { OPEN_WARNING } from '../../server/access/policy.ts'
import type { Clock } from '../../server/clock.ts'
import { type RunningServer, startServer } from '../../server/server.ts'
import { readSettings, type Settings } from '../../server/settings.ts'

const PATIENCE_MS = 5000

export interface TestServer extends RunningServer {
  /** What the server told its operator. */
  readonly reports: string[]
}

const open = new Set<{ close(): unknown }>()

/** Closes every server and client that a test left open. */
export async function closeAll(): Promise<void> {
  const all = [...open]
  open.clear()
  await Promise.all(all.map(each => each.close()))
}

export async function serve(
  overrides: Partial<Settings> = {},
  web: string | null = null,
  access?: Access,
  clock?: Clock,
): Promise<TestServer> {
  const reports: string[] = []
  const settings: Settings = { ...readSettings(), PORT: 0, DATA: ':memory:', ...overrides }
  const report = (what: string, error?: unknown) => {
    if (what !== OPEN_WARNING) reports.push(`${what} ${String(error)}`)
  }
  const server = await startServer(settings, { web, report, access, clock })
  open.add(server)
  return { ...server, reports }
}

// ---- a raw client ----

// biome-ignore lint/suspicious/noExplicitAny: a frame of any shape, right or wrong
export type AnyFrame = Record<string, any>

export interface RawClient {
  readonly socket: WebSocket
  /** Everything that came, in order. */
  readonly frames: AnyFrame[]
  readonly closed: Promise<{ code: number; reason: string }>
  /** Sends an object as JSON, a string or bytes as they are. */
  send(frame: AnyFrame | string | Uint8Array): void
  /** The next frame, not returned before, that has all these fields. */
  next(fields: AnyFrame): Promise<AnyFrame>
  /** Sends a frame and waits for the next one with these fields. */
  ask(frame: AnyFrame, fields: AnyFrame): Promise<AnyFrame>
  close(): void
}

/** Where a server is; enough to be its client. */
export type Place = Pick<RunningServer, 'url'>

export const webSocketUrl = (server: Place) => `${server.url.replace('http', 'ws')}/ws`

/** A connected socket that has said nothing yet. */
export async function dial(server: Place, options: ClientOptions = {}): Promise<RawClient> {
  const socket = new WebSocket(webSocketUrl(server), options)
  const frames: AnyFrame[] = []
  const unread = new Set<AnyFrame>()
  /** Each takes the frame that it waits for. */
  const waiting = new Set<(frame: AnyFrame) => boolean>()
  socket.on('message', data => {
    const frame = JSON.parse(String(data)) as AnyFrame
    if (frame.error) assert.ok(isErrorCode(frame.error.code), `${frame.error.code} is in the table`)
    frames.push(frame)
    if (![...waiting].some(take => take(frame))) unread.add(frame)
  })
  const closed = new Promise<{ code: number; reason: string }>(resolve => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
  })
  socket.on('error', () => {})
  await new Promise((resolve, reject) => socket.on('open', resolve).on('close', reject))

  const client: RawClient = {
    socket,
    frames,
    closed,
    send: frame =>
      socket.send(typeof frame === 'string' || ArrayBuffer.isView(frame) ? frame : JSON.stringify(frame)),
    next: fields =>
      new Promise((resolve, reject) => {
        const early = [...unread].find(frame => matches(frame, fields))
        if (early) {
          unread.delete(early)
          resolve(early)
          return
        }
        const take = (frame: AnyFrame) => {
          if (!matches(frame, fields)) return false
          waiting.delete(take)
          clearTimeout(timer)
          resolve(frame)
          return true
        }
        const timer = setTimeout(() => {
          waiting.delete(take)
          reject(new Error(`no ${JSON.stringify(fields)} among ${JSON.stringify(frames).slice(0, 2000)}`))
        }, PATIENCE_MS)
        waiting.add(take)
      }),
    ask(frame, fields) {
      client.send(frame)
      return client.next(fields)
    },
    close() {
      open.delete(client)
      socket.terminate()
    },
  }
  open.add(client)
  return client
}

/** A field that is undefined must not be there. */
const matches = (frame: AnyFrame, fields: AnyFrame) =>
  Object.entries(fields).every(([name, value]) => frame[name] === value)

/** A client that has greeted as `src`. */
export async function greet(server: Place, src: string): Promise<RawClient> {
  const client = await dial(server)
  await client.ask({ a: 'hs', id: src, protocol: 1, protocolMinor: 2, holdfast: 1 }, { a: 'hs', id: src })
  return client
}

export const TEXT = 'http://sharejs.org/types/text-unicode'
export const JSON1 = 'http://sharejs.org/types/JSONv1'
export const RICH = 'http://sharejs.org/types/rich-text/v1'

// ---- ShareDB's own client ----

export interface StockDoc {
  readonly data: unknown
  readonly type: { readonly uri: string } | null
  readonly version: number
  create(data: unknown, type: string, done: (error?: Error) => void): void
  submitOp(op: unknown, done: (error?: Error) => void): void
  del(done: (error?: Error) => void): void
  subscribe(done: (error?: Error) => void): void
  fetch(done: (error?: Error) => void): void
  on(event: 'op' | 'create' | 'del', listener: () => void): void
  off(event: 'op' | 'create' | 'del', listener: () => void): void
}

interface StockConnection {
  get(collection: string, id: string): StockDoc
  close(): void
  on(event: 'error', listener: (error: Error) => void): void
}

const require = createRequire(import.meta.url)
interface Stock {
  Connection: new (socket: unknown) => StockConnection
  types: { register(type: unknown): void }
  logger: { setMethods(methods: Record<string, () => void>): void }
}

const stock = apart(() => require('sharedb/lib/client') as Stock)
stock.types.register(require('ot-text-unicode').type)
stock.types.register(require('ot-json1').type)
stock.types.register(require('rich-text').type)

export interface StockClient {
  readonly doc: (collection: string, id: string) => StockDoc
  readonly errors: Error[]
  close(): void
}

/** `options` go to the socket: headers and origin, as a browser would set them. */
export function stockClient(server: Place, options: ClientOptions = {}): StockClient {
  const socket = new WebSocket(webSocketUrl(server), options)
  const connection = new stock.Connection(socket)
  const errors: Error[] = []
  connection.on('error', error => errors.push(error))
  const client: StockClient = {
    doc: (collection, id) => connection.get(collection, id),
    errors,
    close() {
      open.delete(client)
      socket.terminate()
    },
  }
  open.add(client)
  return client
}

/** A call of ShareDB's client as a promise. */
export const done = (call: (callback: (error?: Error) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => call(error => (error ? reject(error) : resolve())))

/** Resolves when `doc` has reached `version`. */
export function reached(doc: StockDoc, version: number): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (doc.version < version) return
      for (const event of ['op', 'create', 'del'] as const) doc.off(event, look)
      resolve()
    }
    for (const event of ['op', 'create', 'del'] as const) doc.on(event, look)
    look()
  })
}

/**
 * Loads a copy of ShareDB of its own, as in a program of its own: the types that its clients register would otherwise
 * take the place of the server's in this process.
 */
function apart<T>(load: () => T): T {
  const isSharedb = (path: string) => path.includes('/node_modules/sharedb/')
  const ours = Object.entries(require.cache).filter(([path]) => isSharedb(path))
  const forget = () => {
    for (const path of Object.keys(require.cache).filter(isSharedb)) delete require.cache[path]
  }
  forget()
  const loaded = load()
  forget()
  Object.assign(require.cache, Object.fromEntries(ours))
  return loaded
}
