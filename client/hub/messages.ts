/**
 * What a tab and the hub say to each other; plain data, because the hub usually lives in a worker or in another tab.
 *
 *   tab                                   hub
 *     hello                             ->
 *                                       <-  welcome
 *     attach  {h, key, type}            ->
 *                                       <-  attached {h, view, got}  or  refused {h, error}
 *     edit    {h, n, seen, change}      ->
 *                                       <-  change {h, over, changes}
 *
 * `h` names a handle on a document, for ever; its edits count from 1. Both sides apply their own changes at once and
 * carry each other's over what the other had not seen: `seen` is how many `change` messages the tab had taken since
 * `attached`, `over` how many edits of the handle lie below a message [R2]. The hub says `over: n` only when the log has
 * saved edit n, so what a tab has not heard of it still has, and sends again to the next hub; `got` tells what that one
 * found in the log [R3].
 */

import type { Change, Content } from '../../ops/change.ts'
import type { DocKey, Name } from '../../ops/identity.ts'
import type { WireError } from '../../ops/protocol.ts'
import type { TypeName } from '../../types/type.ts'
import type { Client, HeldEdit, Loss, Peer, Truth } from '../api.ts'
import type { Keep } from '../engine/restoring.ts'

/** A hub and a tab of different versions do not talk: the older one gives way. */
export const HUB_PROTOCOL = 1

/** A change with the type of the document before it; null where there is none. */
export interface Passing {
  readonly change: Change
  readonly type: TypeName | null
}

/** What a person decides about a document without writing in it. */
export type Act =
  | { readonly t: 'retry' | 'discard'; readonly name: Name }
  | { readonly t: 'undo' | 'redo' }
  | { readonly t: 'restore'; readonly keep: Keep }

/** What the hub needs of the app: a token for this attempt, or an edit of an older schema lifted to the present one. */
export type Wish =
  | { readonly q: 'token' }
  | {
      readonly q: 'lift'
      readonly key: DocKey
      readonly change: Change
      readonly from: number
      readonly to: number
    }

/** Questions with one answer, asked again of the next hub if the one that was asked is gone. */
export type Question =
  | { readonly q: 'saved' | 'settled'; readonly h: string }
  | { readonly q: 'base'; readonly h: string; readonly name: Name }
  | { readonly q: 'keep'; readonly collection: string; readonly ids: readonly string[] }
  | { readonly q: 'known' | 'metrics' | 'journal' | 'storage' }

export type FromTab =
  /** `schema`: version of the app's; `noted`: what the tab found noted (canary.ts), missing where it can note nothing. */
  | { readonly t: 'hello'; readonly tab: string; readonly schema?: number; readonly noted?: string | null }
  | { readonly t: 'attach'; readonly h: string; readonly key: DocKey; readonly type: TypeName }
  | {
      readonly t: 'edit'
      readonly h: string
      readonly n: number
      readonly seen: number
      readonly change: Change
      /** It continues the group of the handle's edit before it, for undoing. */
      readonly joins?: true
      /** Documents whose edits so far must be committed before this one is sent. */
      readonly after?: readonly DocKey[]
      /** It lost its ground between two hubs: the change that was made, and why. */
      readonly lost?: WireError
    }
  /** Taken in one turn, so that they are saved together and sent together. */
  | { readonly t: 'batch'; readonly messages: readonly FromTab[] }
  /** Said now and then by a tab that only reads, so that the hub can forget. */
  | { readonly t: 'seen'; readonly h: string; readonly seen: number }
  | { readonly t: 'act'; readonly h: string; readonly act: Act }
  | { readonly t: 'announce'; readonly h: string; readonly state: unknown }
  | { readonly t: 'detach'; readonly h: string }
  | { readonly t: 'ask'; readonly id: number; readonly question: Question }
  /** What an app's function gave, or why it gave nothing. */
  | { readonly t: 'app'; readonly id: number; readonly value: unknown; readonly error?: string }
  | { readonly t: 'reconnect' | 'pause' | 'resume' | 'wake' | 'ping' | 'bye' | 'dismiss' }

export type FromHub =
  | { readonly t: 'welcome'; readonly phase: Client['phase'] }
  | {
      readonly t: 'attached'
      readonly h: string
      readonly view: Content
      readonly got: number
      readonly truth: Truth
      readonly held: readonly HeldEdit[]
    }
  | { readonly t: 'refused'; readonly h: string; readonly error: WireError }
  | {
      readonly t: 'change'
      readonly h: string
      readonly over: number
      readonly changes: readonly Passing[]
      /** The handle's own undo or redo did it. */
      readonly undone?: true
    }
  | {
      readonly t: 'truth'
      readonly h: string
      readonly over: number
      readonly truth: Truth
      /** Missing when it is what was told last. */
      readonly held?: readonly HeldEdit[]
    }
  | { readonly t: 'presence'; readonly h: string; readonly peers: readonly Peer[] }
  | { readonly t: 'phase'; readonly phase: Client['phase'] }
  | { readonly t: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: WireError }
  | { readonly t: 'note'; readonly text: string }
  | { readonly t: 'loss'; readonly loss: Loss | null }
  | { readonly t: 'pong' }
  | { readonly t: 'app'; readonly id: number; readonly wish: Wish }
  /** The hub gives up; another one may come. */
  | { readonly t: 'gone' }
