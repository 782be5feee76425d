/**
 * The frames between a link and a gateway: one JSON object per WebSocket text frame. Pure.
 *
 * The frames with short actions are ShareDB's wire protocol 1.2 (sharedb/lib/agent.js), so that a stock ShareDB
 * client works against the gateway. Those whose action starts with `h.` are Holdfast's; a side sends them only after
 * the handshake said `holdfast: 1`.
 *
 *   client                              server
 *     hs      {id: src, holdfast: 1}  ->
 *     h.catchup {c, d, v, own, ...}   ->          in the same flight; the oldest edit may go along
 *                                     <-  hs      {id, holdfast: 1}
 *                                     <-  h.catchup {c, d, v: head, segments | snapshot}
 *     s       {c, d, v: head}         ->          live from here on
 *     op      {c, d, v, src, seq, op} ->          neither is needed for an edit that went along and was taken
 *                                     <-  op      {c, d, v, src, seq}            the ack, without `op`
 *                                     <-  op      {c, d, v, src, seq, op}        somebody else's op
 *     pp                              ->  pp
 *                                     <-  h.token {error: TOKEN_EXPIRED}         asks for a new one
 *     h.token {token}                 ->  h.token {} | {error}, and then it closes
 *     h.device {log, device, edits}   ->  h.device {edits, lost}
 *
 * Types stand on the wire as URIs (`typeOf(uri)` knows them), names `(src, seq)` as `[src, seq]` in lists.
 */

import type { Committed, Name } from './identity.ts'

/** Version of Holdfast's own frames; both sides say theirs in the handshake, and a difference is `PROTOCOL_VERSION`. */
export const HOLDFAST_PROTOCOL = 1
export const SHAREDB_PROTOCOL = { protocol: 1, protocolMinor: 2 } as const

/** A change as ShareDB writes it: exactly one of the three. */
export type WireChange =
  | { op: unknown; create?: undefined; del?: undefined }
  | { create: { type: string; data?: unknown }; op?: undefined; del?: undefined }
  | { del: true; op?: undefined; create?: undefined }

export type WireName = readonly [src: string, seq: number]

/** A name that is in the log, with the seal that its op came with; only that of the last op of a `src` is known. */
export type WireCommitted = readonly [src: string, seq: number, seal?: string]

/** A document's address on the wire. */
export interface Address {
  c: string
  d: string
}

export interface WireError {
  code: string
  message: string
}

// ---- client to server ----

export interface Hello {
  a: 'hs'
  protocol: number
  protocolMinor: number
  /** The `src` of this hub; ShareDB does not echo ops of this `src` back. */
  id: string
  holdfast: number
  /** Who asks, as whoever signs people in wrote it down; where a cookie says it, and on an open server, there is none. */
  token?: string
}

/** A new token of the same principal, when the former one has expired (`TokenNotice`) or before. */
export interface TokenFrame {
  a: 'h.token'
  token: string
}

/**
 * "I am `device`, whose log is called `log`." With `edits` it says how many it has that are not about to arrive, in place of
 * what it said before. To a server only that says `devices` in the handshake.
 */
export interface DeviceFrame {
  a: 'h.device'
  log: string
  device: string
  edits?: number
}

/** "I have document (c, d) at version v (null: not at all); these ops of mine may be in it." */
export interface CatchUpRequest extends Address {
  a: 'h.catchup'
  v: number | null
  own: WireName[]
  /** The receipt's hash at `v`, if the client knows it. */
  hash?: string
  /** The oldest of them as it stands at `v`, to be committed on top of what the answer brings. */
  submit?: { src: string; seq: number; seal?: string; op: unknown }
}

export interface Subscribe extends Address {
  a: 's'
  v: number
}

/** `n` counts those of a client, from 1: one that comes twice, behind a new subscription, is told from a new one. */
export interface Unsubscribe extends Address {
  a: 'u'
  n?: number
}

/**
 * `seal`: a hash of the op as it was when it got its name, the same however often it is sent and rebased; by it the server
 * tells the same op from another one under its name.
 */
export type Submit = Address & { a: 'op'; v: number; src: string; seq: number; seal?: string } & WireChange

export interface Ping {
  a: 'pp'
}

/** Presence on a channel (ShareDB's): `p` null says goodbye, `pv` counts up. */
export interface PresenceUpdate {
  a: 'p'
  ch: string
  id: string
  p: unknown
  pv: number
}

export interface PresenceSubscribe {
  a: 'ps' | 'pu'
  ch: string
  seq: number
}

export type ClientFrame =
  | Hello
  | TokenFrame
  | DeviceFrame
  | CatchUpRequest
  | Subscribe
  | Unsubscribe
  | Submit
  | Ping
  | PresenceUpdate
  | PresenceSubscribe

// ---- server to client ----

export interface Welcome {
  a: 'hs'
  protocol: number
  protocolMinor: number
  id: string
  /** Missing on a server that is plain ShareDB. */
  holdfast?: number
  /** How many frames one message to the server may hold, as an array; missing: one, and not as an array. */
  batch?: number
  /** The server keeps the manifest of devices for this browser. */
  devices?: true
  /** Names the history of the server's database: another one after a backup was restored. */
  epoch?: string
  error?: WireError
}

/**
 * A stretch of a document's history: `n` consecutive versions composed into one change, or one op of the asking
 * client exactly as the server committed it.
 */
export type Segment = WireChange & { n: number; own?: WireCommitted }

export type CatchUpAnswer = Address & {
  a: 'h.catchup'
  /** The `v` of the request. */
  from: number | null
  /** The head: the version that `segments` or `snapshot` lead to. */
  v: number
  /** The receipt's hash at the head; a document that nobody ever wrote has none. */
  hash?: string
  error?: undefined
} & (
    | {
        segments: Segment[]
        /**
         * The server goes on as if the asker had sent `s` and then `op` at `v`, with the op that came along carried over
         * the segments: an ack or a refusal of this name follows. Missing: the op is still the asker's to send.
         */
        submitted?: WireName
        snapshot?: undefined
      }
    /** `own`: which of the asked names are in the log already; `type` null: the document does not exist. */
    | {
        snapshot: { type: string | null; data?: unknown }
        own: WireCommitted[]
        segments?: undefined
        submitted?: undefined
      }
  )

export type CatchUpRefusal = Address & { a: 'h.catchup'; from: number | null; error: WireError }

/**
 * The ack of an op: committed at version `v`; `hash` is the receipt, the hash chained over the document's ops at version
 * `v + 1`. `again` says that the log had this name before this frame came, so what
 * it holds under the name may differ from what was just sent: catch up to take the server's copy.
 */
export type Ack = Address & {
  a: 'op'
  v: number
  src: string
  seq: number
  hash?: string
  again?: true
  error?: undefined
}
export type Refusal = Address & { a: 'op'; src: string; seq: number; error: WireError }
export type RemoteOp = Address & {
  a: 'op'
  v: number
  src: string
  seq: number
  /** The receipt's hash at version `v + 1`, where it is at hand. */
  hash?: string
  error?: undefined
} & WireChange

/** With an error it may come unasked: `FORBIDDEN` says that the document may not be read any more. */
export type SubscribeReply = Address & { a: 's'; error?: WireError }
export type PingReply = { a: 'pp' }
/** `who` is the server's word for who it is that announces `p`; an open server knows nobody. */
export type PresenceNotice = {
  a: 'p'
  ch: string
  src: string
  id: string
  p: unknown
  pv: number
  who?: { id: string; name?: string }
}
/** "Somebody new listens on `ch`: say again who you are." */
export type PresenceAsk = { a: 'pr'; ch: string }

/**
 * What the server knows of the device; `lost` is what a former one had, which this browser has replaced by this one, and when
 * it said so (ms since 1970).
 */
export interface DeviceAnswer {
  a: 'h.device'
  edits: number
  lost: { edits: number; at: number } | null
  error?: undefined
}

/**
 * Without `error`: the new token is taken. `TOKEN_EXPIRED`: the token has run out, and nothing is delivered or taken until a
 * new one comes; after a grace the connection ends, as it does at once after any other error.
 */
export type TokenNotice = { a: 'h.token'; error?: WireError }

export type ServerFrame =
  | Welcome
  | CatchUpAnswer
  | CatchUpRefusal
  | Ack
  | Refusal
  | RemoteOp
  | SubscribeReply
  | PingReply
  | TokenNotice
  | DeviceAnswer
  | { a: 'h.device'; error: WireError }
  | PresenceNotice
  | PresenceAsk
  | { a: 'ps' | 'pu'; ch: string; error?: WireError }
  | { a: 'init' }
  /** A frame that the gateway refused before anything else looked at it. */
  | { a: 'h.error'; error: WireError }

export const toWireName = (name: Name): WireName => [name.src, name.seq]
export const fromWireName = ([src, seq]: WireName): Name => ({ src, seq })
export const toWireCommitted = ({ src, seq, seal }: Committed): WireCommitted =>
  seal === undefined ? [src, seq] : [src, seq, seal]
export const fromWireCommitted = ([src, seq, seal]: WireCommitted): Committed => ({
  src,
  seq,
  ...(seal !== undefined && { seal }),
})
