/**
 * ShareDB as the server sees it: the one place where the untyped library is given types, and where it learns of
 * our document types. ShareDB 7 ships no declarations and `@types/sharedb` describes 5.1, so what stands here was
 * read from `sharedb/lib`; only what Holdfast uses is declared.
 *
 * The types are registered as this module is loaded, so that whoever holds `sharedb` holds one that knows them.
 */

import { createRequire } from 'node:module'
import { json, rich, text } from '../types/index.ts'
import type { Side, Type } from '../types/type.ts'
import type { Published } from './telling.ts'

// ---- what travels through it ----

/** An op as ShareDB hands it around; exactly one of `op`, `create`, `del` is there. */
export interface SharedbOp {
  /** The version it applies to; missing: the head. */
  v?: number
  src?: string
  seq?: number
  op?: unknown
  create?: { type: string; data?: unknown }
  del?: true
  /** Metadata, kept with the op: `ts` is the time of the submit in ms since 1970. */
  m?: { ts?: number; [key: string]: unknown }
  /** What the submit middleware is told about it. */
  x?: {
    readonly seal?: string
    readonly restored?: number
    /** The one version of the document that it may change. */
    readonly exact?: number
  }
  /** The receipt: the chain's hash after the op; only on one that was just committed. */
  hash?: string
  /** Collection and document, only on an op that was published. */
  c?: string
  d?: string
}

export interface SharedbSnapshot {
  id: string
  v: number
  /** A type's URI, null while the document does not exist. */
  type: string | null
  data: unknown
  m: Record<string, unknown> | null
}

/** An error with a code of `sharedb/lib/error.js`; `CODES` lists them. */
export interface SharedbError extends Error {
  code: string
}

export type Done<T = void> = (error?: Error | null, result?: T) => void

// ---- the parts that Holdfast extends ----

export interface DB {
  close(callback?: Done): void
  /** Answers false when the version is taken: ShareDB then transforms and tries again. */
  commit(
    collection: string,
    id: string,
    op: SharedbOp,
    snapshot: SharedbSnapshot,
    options: unknown,
    callback: Done<boolean>,
  ): void
  getSnapshot(
    collection: string,
    id: string,
    fields: Fields,
    options: ReadOptions,
    callback: Done<SharedbSnapshot>,
  ): void
  getSnapshotBulk(
    collection: string,
    ids: string[],
    fields: Fields,
    options: ReadOptions,
    callback: Done<Record<string, SharedbSnapshot>>,
  ): void
  /** Ops `from <= v < to`; `to` null reads to the head. */
  getOps(
    collection: string,
    id: string,
    from: number | null,
    to: number | null,
    options: ReadOptions,
    callback: Done<SharedbOp[]>,
  ): void
  getOpsToSnapshot(
    collection: string,
    id: string,
    from: number,
    snapshot: SharedbSnapshot,
    options: ReadOptions,
    callback: Done<SharedbOp[]>,
  ): void
  getCommittedOpVersion(
    collection: string,
    id: string,
    snapshot: SharedbSnapshot,
    op: SharedbOp,
    options: unknown,
    callback: Done<number | null>,
  ): void
}

/** Snapshots that are kept, for reading a document at a version or a time; the latest one there is on the way. */
export interface MilestoneDB {
  /** Versions between two that ShareDB saves by itself; undefined: none. */
  interval: number | undefined
  /** Without a callback errors and saves are emitted. */
  saveMilestoneSnapshot(collection: string, snapshot: SharedbSnapshot, callback?: Done): void
  getMilestoneSnapshot(
    collection: string,
    id: string,
    version: number | null,
    callback: Done<SharedbSnapshot | undefined>,
  ): void
  getMilestoneSnapshotAtOrBeforeTime(
    collection: string,
    id: string,
    timestamp: number | null,
    callback: Done<SharedbSnapshot | undefined>,
  ): void
  getMilestoneSnapshotAtOrAfterTime(
    collection: string,
    id: string,
    timestamp: number | null,
    callback: Done<SharedbSnapshot | undefined>,
  ): void
  close(callback?: Done): void
  emit(event: string, ...parts: unknown[]): void
  _isValidVersion(version: unknown): boolean
  _isValidTimestamp(timestamp: unknown): boolean
}

/** `$submit` asks for the whole snapshot with its metadata. */
export type Fields = { readonly $submit?: boolean } | null | undefined
export type ReadOptions = { readonly metadata?: boolean; readonly agentCustom?: unknown } | null | undefined

/** A stream of what is published on a channel, for one subscriber: as much of one as ShareDB uses. */
export interface OpStream {
  /** Of a document's: the version up to which the client was told its ops, by this or otherwise. */
  told: number
  /** Tells the subscriber, now or when it begins to listen. */
  pushData(data: unknown): void
  on(event: 'data' | 'end', listener: (data: never) => void): void
  destroy(): void
}

/** What an agent speaks over: as much of a stream of parsed frames as it uses. */
export interface AgentStream {
  /** One of `Backend.connect`, in this process. */
  readonly isServer?: boolean
  on(event: 'data' | 'end' | 'close', listener: (frame: never) => void): void
  write(message: Record<string, unknown>): void
  end(): void
}

export interface PubSub {
  subscribe(channel: string, callback: (error: Error | null, stream: OpStream) => void): void
  publish(channels: readonly string[], data: object, callback?: Done): void
  close(callback?: Done): void
  /** Hands `data` to every stream of `channel` on this server; for subclasses. */
  _emit(channel: string, data: unknown): void
  streamsCount: number
  nextStreamId: number
  /** By channel and id. */
  readonly streams: Record<string, Record<number, OpStream>>
  /** Makes a stream of a channel that is subscribed to; when it is closed, it has to be taken out again. */
  _createStream(channel: string): OpStream
  _removeStream(channel: string, stream: OpStream): void
  /** What a subclass implements: the first stream of a channel, the last one gone, sending. */
  _subscribe(channel: string, callback: Done): void
  _unsubscribe(channel: string, callback: Done): void
  _publish(channels: readonly string[], data: object, callback: Done): void
}

/** One connection on ShareDB's side; it speaks ShareDB's protocol over `stream`. */
export interface Agent {
  readonly backend: Backend
  readonly stream: AgentStream
  /** The id that ShareDB gave; `src` from the handshake takes its place. */
  readonly clientId: string
  src: string | null
  readonly closed: boolean
  /** For our own use: what the session knows about itself. */
  readonly custom: Record<string, unknown>
  send(message: unknown): void
  close(error?: Error): void
  /** What it follows: the streams of documents by collection and id, of presence by channel. */
  readonly subscribedDocs: Readonly<Record<string, Readonly<Record<string, OpStream>>>>
  readonly subscribedPresences: Readonly<Record<string, OpStream>>
  /** What it announced last, by channel and presence id. */
  readonly presenceRequests: Record<string, Record<string, Announcement>>
  _broadcastPresence(presence: Announcement, callback: Done<Announcement>): void
  /** An op was published on a document that the client follows. */
  _onOp(collection: string, id: string, op: SharedbOp | Published): void
  /** Whether the client knows of the op, having sent it itself. */
  _isOwnOp(collection: string, op: SharedbOp): boolean
  _isOpFromCollidingChannel(collection: string, id: string, op: SharedbOp): boolean
  /** Tells the client somebody else's op. */
  _sendOp(collection: string, id: string, op: SharedbOp): void
}

/** Presence on its way; `c`, `d` and `v` are there where it is ShareDB's presence on a document. */
export interface Announcement {
  ch: string
  src: string
  id: string
  p: unknown
  pv: number
  c?: string
  d?: string
  /** Whose it is, set by the server. */
  who?: { id: string; name?: string }
}

// ---- middleware ----

interface Context {
  readonly action: string
  readonly agent: Agent
  readonly backend: Backend
}

export interface ConnectContext extends Context {
  readonly stream: AgentStream
  readonly req: unknown
}

/** `data` is a frame as it came from the client, parsed. */
export interface ReceiveContext extends Context {
  data: Record<string, unknown>
}

export interface ReplyContext extends Context {
  readonly request: Record<string, unknown>
  readonly reply: Record<string, unknown>
}

/** `submit`, `apply`, `commit`, `afterWrite`: one object on its way; `snapshot` is there from `apply` on. */
export interface SubmitContext extends Context {
  readonly collection: string
  readonly id: string
  readonly op: SharedbOp
  /** The `x` that came with the op. */
  readonly extra: SharedbOp['x']
  readonly snapshot: SharedbSnapshot | null
  /** The ops that the submitted one was transformed over. */
  readonly ops: SharedbOp[]
  readonly custom: Record<string, unknown>
  channels: string[] | null
  readonly retries: number
  maxRetries: number | null
  suppressPublish: boolean
  /** From reading the snapshot to the commit; also what is done again when the version was taken. */
  submit(done: Done): void
}

export interface OpContext extends Context {
  readonly collection: string
  readonly id: string
  readonly op: SharedbOp
}

export interface ReadSnapshotsContext extends Context {
  readonly collection: string
  readonly snapshots: SharedbSnapshot[]
  readonly snapshotType: 'current' | 'byVersion' | 'byTimestamp'
  rejectSnapshotRead(snapshot: SharedbSnapshot, error: Error): void
}

export interface QueryContext extends Context {
  readonly collection: string
  readonly query: unknown
}

export interface PresenceContext extends Context {
  readonly collection?: string
  readonly presence: Announcement
}

export interface Middleware {
  connect: ConnectContext
  receive: ReceiveContext
  reply: ReplyContext
  submit: SubmitContext
  apply: SubmitContext
  commit: SubmitContext
  afterWrite: SubmitContext
  op: OpContext
  readSnapshots: ReadSnapshotsContext
  query: QueryContext
  receivePresence: PresenceContext
  sendPresence: PresenceContext
}

// ---- the backend ----

export interface BackendOptions {
  db?: DB
  milestoneDb?: MilestoneDB
  pubsub?: PubSub
  presence?: boolean
  /** Set it with `presence`, else ShareDB warns. */
  doNotForwardSendPresenceErrorsToClient?: boolean
  suppressPublish?: boolean
  maxSubmitRetries?: number
  doNotCommitNoOps?: boolean
  errorHandler?: (error: Error, context: unknown) => void
}

export interface Backend {
  readonly db: DB
  readonly pubsub: PubSub
  /** Of collections that are shown under another name. */
  readonly projections: Readonly<Record<string, object>>
  readonly middleware: Readonly<Partial<Record<keyof Middleware, readonly unknown[]>>>
  /** Runs the steps of an action. */
  trigger<A extends keyof Middleware>(
    action: A,
    agent: Agent,
    context: Omit<Middleware[A], keyof Context>,
    done: (error?: Error) => void,
  ): void
  /** `collection` under another name with fewer fields; for types that are not ours. */
  addProjection(name: string, collection: string, fields: Readonly<Record<string, true>>): void
  /** Open agents, in-process ones included. */
  readonly agentsCount: number
  use<A extends keyof Middleware>(
    action: A,
    step: (context: Middleware[A], next: (error?: Error) => void) => void,
  ): this
  /** Serves a client over a duplex stream of parsed frames; `req` reaches the `connect` middleware. */
  listen(stream: AgentStream, req?: unknown): Agent
  /** An in-process client of ShareDB's own (sharedb/lib/client). */
  connect(): { readonly agent: Agent }
  submit(
    agent: Agent,
    collection: string,
    id: string,
    op: SharedbOp,
    options: unknown,
    callback: (error: Error | null, ops: SharedbOp[], request: SubmitContext) => void,
  ): void
  fetch(agent: Agent, collection: string, id: string, callback: Done<SharedbSnapshot>): void
  queryFetch(
    agent: Agent,
    collection: string,
    query: unknown,
    options: object,
    callback: (error: SharedbError | null) => void,
  ): void
  getOps(
    agent: Agent,
    collection: string,
    id: string,
    from: number | null,
    to: number | null,
    callback: Done<SharedbOp[]>,
  ): void
  /** Channels that an op of this document is published on. */
  getChannels(collection: string, id: string): string[]
  getDocChannel(collection: string, id: string): string
  getCollectionChannel(collection: string): string
  on(event: 'submitRequestEnd', listener: (error: Error | null, request: SubmitContext) => void): this
  on(event: 'send', listener: (agent: Agent, message: Record<string, unknown>) => void): this
  on(event: 'timing', listener: (name: string, ms: number, request: unknown) => void): this
  on(event: 'error', listener: (error: Error) => void): this
  close(callback?: Done): void
}

/** A document type as ShareDB wants it; ours are fitted to it below. */
export interface SharedbType {
  readonly name: string
  readonly uri: string
  create(data?: unknown): unknown
  apply(doc: unknown, op: unknown): unknown
  compose?(a: unknown, b: unknown): unknown
  transform(op: unknown, other: unknown, side: Side): unknown
  transformPresence?(cursor: unknown, op: unknown, own: boolean): unknown
}

export interface Sharedb {
  new (options?: BackendOptions): Backend
  readonly DB: new (options?: { pollDebounce?: number }) => DB
  readonly MemoryDB: new () => DB
  readonly MilestoneDB: new (options?: { interval?: number }) => MilestoneDB
  readonly PubSub: new (options?: { prefix?: string }) => PubSub
  readonly MemoryPubSub: new (options?: { prefix?: string }) => PubSub
  readonly Error: {
    new (code: string, message?: string): SharedbError
    readonly CODES: Readonly<Record<string, string>>
  }
  readonly logger: {
    setMethods(methods: Partial<Record<'info' | 'warn' | 'error', (...parts: unknown[]) => void>>): void
  }
  readonly types: {
    register(type: SharedbType): void
    readonly map: Readonly<Record<string, SharedbType | undefined>>
  }
}

export const sharedb = createRequire(import.meta.url)('sharedb') as Sharedb

/**
 * The library's name for each type, which a stock client may send in a create instead of the URI. Not our own short
 * names: `text` is the name of another type, ot-text.
 */
const libraryNames = { text: 'text-unicode', json: 'json1', rich: 'rich-text' } as const

/** Our type with the methods that ShareDB calls; `transform` of ours never throws on a conflict of two json ops. */
function fitted(type: Type): SharedbType {
  return {
    name: libraryNames[type.name],
    uri: type.uri,
    create: data => type.create(data),
    apply: (doc, op) => type.apply(doc, op),
    compose: (a, b) => type.compose(a, b),
    transform(op, other, side) {
      try {
        return type.transform(op, other, side)
      } catch {
        // Only an op that did not fit its own base: it adds to a string, say. It would throw at every try.
        throw new sharedb.Error('ERR_OT_OP_NOT_APPLIED', 'The op does not fit the version that it names')
      }
    },
    transformPresence: (cursor, op, own) => type.transformCursor(cursor, op, own),
  }
}

/** An empty object that inherits nothing. One of `Object.create(null)` takes 200 bytes, and this one 24. */
class Empty {}
Object.setPrototypeOf(Empty.prototype, null)
Reflect.deleteProperty(Empty.prototype, 'constructor')

/** Has an agent that does nothing take less memory: most connections have most of these empty at all times. */
export function slim(agent: Agent): void {
  const tables = [
    'subscribedDocs',
    'subscribedQueries',
    'subscribedPresences',
    'presenceSubscriptionSeq',
    'presenceRequests',
    'latestDocVersionStreams',
    'latestDocVersions',
    'custom',
    'protocol',
  ]
  for (const name of tables) Object.assign(agent, { [name]: new Empty() })
  // It was put together of 14 parts, which last as long as it does.
  const clientId = Buffer.from(agent.clientId).toString('latin1')
  Object.assign(agent, { clientId })
}

/** Makes ShareDB use our types at their URIs, in place of what else was registered there. */
export function registerTypes(): void {
  for (const type of [text, json, rich] as Type[]) sharedb.types.register(fitted(type))
}

registerTypes()
