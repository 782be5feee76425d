/** The states of a document's engine, what happens to it, and what it wants done; how they go together stands in engine.ts. */

import type { Change } from '../../ops/change.ts'
import type { DocKey, Name } from '../../ops/identity.ts'
import type {
  Ack,
  CatchUpAnswer,
  CatchUpRefusal,
  ClientFrame,
  Refusal,
  RemoteOp,
} from '../../ops/protocol.ts'
import type { ReplicaEvent } from './replica.ts'
import type { Keep } from './restoring.ts'
import type { Dependency, Reason, Replica } from './state.ts'
import type { Way } from './undo.ts'

export type Phase =
  | { readonly name: 'offline' }
  | { readonly name: 'catching'; readonly tries: number; readonly asked: boolean }
  | { readonly name: 'live'; readonly flight: Name | null; readonly tries: number }
  /** The server could not serve; the hub wakes us. */
  | { readonly name: 'pausing'; readonly tries: number; readonly error: Reason }
  /** The server will not talk about this document on this connection. */
  | { readonly name: 'barred'; readonly error: Reason }
  /** Asked what the server has, to go on from there with this device's content or with the server's. */
  | { readonly name: 'restoring'; readonly keep: Keep }

export interface State {
  readonly key: DocKey
  readonly replica: Replica
  /** Number of the last event handed to the log, and of the last one known to be there. */
  readonly logged: number
  readonly saved: number
  readonly phase: Phase
  /** `pending[0]`, sealed, and the event that must be saved before it may be sent. */
  readonly ready: { readonly name: Name; readonly n: number } | null
  /**
   * What was last refused as stale, and on which version: twice on the same one is a refusal. `disputed`: because the server
   * has something else under the name, by its seal.
   */
  readonly stale: { readonly name: Name; readonly v: number; readonly disputed?: boolean } | null
  /** Bytes of the largest frame that the server takes. */
  readonly frameBytes: number
  /** The network is slow: edits gather for a while before they are sealed and sent. */
  readonly slow: boolean
  /** Version of the app's schema. */
  readonly schema: number
  /** The entry that the app was asked to lift to it. */
  readonly lifting: Name | null
  /** How far the gathering is: `over` lets the next one go. */
  readonly gathering: 'no' | 'running' | 'over'
  /** The entry of which the hub said that what it waits for is committed. */
  readonly cleared: Name | null
}

export type Event =
  | (ReplicaEvent & { readonly t: 'edit' })
  /** An edit of a tab that lost its ground before it got here: it is held at once. */
  | (ReplicaEvent & { readonly t: 'strand' })
  | { readonly t: Way }
  | { readonly t: 'retry' | 'discard'; readonly name: Name }
  /** Nothing is to be added to the newest entry any more: it was told to somebody. */
  | { readonly t: 'seal' }
  | { readonly t: 'saved'; readonly n: number }
  | { readonly t: 'up' }
  | { readonly t: 'down' }
  | { readonly t: 'wake' }
  /** A person has decided whose content a server that went back is to have. */
  | { readonly t: 'restore'; readonly keep: Keep }
  /** The server says by itself that the document is not for us any more. */
  | { readonly t: 'barred'; readonly error: Reason }
  | { readonly t: 'network'; readonly slow: boolean }
  | { readonly t: 'gathered' }
  /** The entry as the app's present schema has it; null: the app cannot say. */
  | { readonly t: 'lifted'; readonly name: Name; readonly change: Change | null }
  /** What this entry waits for is committed. */
  | { readonly t: 'cleared'; readonly name: Name }
  | { readonly t: 'answer'; readonly frame: CatchUpAnswer | CatchUpRefusal }
  | { readonly t: 'op'; readonly frame: Ack | Refusal | RemoteOp }

export type Effect =
  | { readonly t: 'append'; readonly n: number; readonly event: ReplicaEvent }
  | { readonly t: 'send'; readonly frame: ClientFrame }
  | { readonly t: 'show'; readonly changes: readonly Change[] }
  /** Send `wake` after a back-off of that many tries. */
  | { readonly t: 'pause'; readonly tries: number }
  /** Send `gathered` after as long as this network wants. */
  | { readonly t: 'gather' }
  /** Send `lifted` with what the app makes of this entry of an older schema. */
  | { readonly t: 'lift'; readonly name: Name; readonly change: Change; readonly from: number }
  /** Send `cleared` with this name when these are committed. */
  | { readonly t: 'await'; readonly name: Name; readonly after: readonly Dependency[] }

export type Next = readonly [state: State, effects: readonly Effect[]]
