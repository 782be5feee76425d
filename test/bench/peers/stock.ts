/**
 * ShareDB as it comes, and the libraries of its types as they come: the untyped edge of the peers. Only what they use
 * is declared, as read from `sharedb/lib`; ShareDB 7 ships no declarations.
 */

import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'

export interface StockType {
  readonly name: string
  readonly uri: string
  apply(document: unknown, op: unknown): unknown
  compose(a: unknown, b: unknown): unknown
}

export interface StockDoc {
  readonly data: unknown
  readonly version: number
  readonly type: StockType | null
  subscribe(done: (error?: Error) => void): void
  fetch(done: (error?: Error) => void): void
  create(data: unknown, type: string): void
  submitOp(op: unknown): void
  whenNothingPending(done: () => void): void
  once(event: 'error', listener: (error: Error) => void): void
}

export interface StockConnection {
  readonly state: string
  get(collection: string, id: string): StockDoc
  bindToSocket(socket: unknown): void
  once(event: string, listener: () => void): void
  close(): void
}

export interface StockBackend {
  connect(): StockConnection
  listen(stream: Duplex): unknown
}

interface Types {
  register(type: StockType): void
}

export interface StockServer {
  /** `db` is an adapter of the same package's DB; its memory database without one. */
  new (options?: { db?: object }): StockBackend
  readonly types: Types
}

const require = createRequire(import.meta.url)

const stockClient = require('sharedb/lib/client') as {
  Connection: new (socket: unknown) => StockConnection
  types: Types
}

/** The types by the short names that the bench gives them. */
export const stockTypes: Readonly<Record<string, StockType>> = {
  'text-unicode': (require('ot-text-unicode') as { type: StockType }).type,
  'ot-text': (require('ot-text') as { type: StockType }).type,
  'rich-text': (require('rich-text') as { type: StockType }).type,
}

for (const type of Object.values(stockTypes)) stockClient.types.register(type)

/** ShareDB's server as `from` finds it, with all the types. */
export function stockServer(from: NodeJS.Require = require): StockServer {
  const server = from('sharedb') as StockServer
  for (const type of Object.values(stockTypes)) server.types.register(type)
  return server
}

/** ShareDB's client on a socket. */
export const stockConnection = (socket: unknown): StockConnection => new stockClient.Connection(socket)
