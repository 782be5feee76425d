/**
 * What one device knows of one document, as a fold over the events of its log. Pure: no I/O, no clock, no randomness.
 *
 *   view = base . pending[0] . pending[1] ...
 *
 * `base` is what the server has committed up to version `v`; `pending` are this device's edits after it, oldest first.
 * All are sealed (they will never change but by rebasing) except possibly the last, the *open* one, into which further
 * edits compose. An entry has its name `(src, seq)` from its first edit on. What the server refuses, or what has lost
 * its ground, moves to `held`. What the person can undo stands on the view (undo.ts).
 *
 * Laws: `view` is always `pending` applied to `base` [E1]; after `fold(events)` a device is where it was before the
 * reload [E2]; no event but `discard` makes an edit vanish: it is pending, held, or in `base` [E3].
 */

import type { Change, Content } from '../../ops/change.ts'
import type { Tiers } from '../../ops/compose.ts'
import type { Committed, Name } from '../../ops/identity.ts'
import type { TypeName } from '../../types/type.ts'
import { acknowledge, advance, leap, lift, type Step } from './committed.ts'
import { hold, named, retry, strand } from './held.ts'
import { goOnFrom, type Keep } from './restoring.ts'
import {
  changeOf,
  committed,
  type Dependency,
  type Reason,
  type Reduced,
  type Replica,
  sealLast,
  type TabEdit,
} from './state.ts'
import { did, heard, noUndo, type Taken, type Undo, type Way, went } from './undo.ts'
import { begin, edit, rename } from './writing.ts'

/** What the log stores. Each is a decision that was taken; folding takes none. */
export type ReplicaEvent =
  /** A new incarnation of the hub: everything before it is sealed, later edits carry the new `src`. */
  | { readonly t: 'begin'; readonly src: string }
  | {
      readonly t: 'edit'
      readonly change: Change
      /** It continues the group of the edit before it, for undoing. */
      readonly joins?: true
      readonly from?: TabEdit
      /** What it may not be sent before. */
      readonly after?: readonly Dependency[]
      /** Of the app that made it; missing: 0. */
      readonly schema?: number
    }
  /** `pending[0]` as the app's present schema has it. */
  | { readonly t: 'lift'; readonly change: Change; readonly schema: number }
  /** An edit of a document of `type` that lost its ground before it came here. */
  | {
      readonly t: 'strand'
      readonly change: Change
      readonly type: TypeName
      readonly reason: Reason
      readonly from?: TabEdit
    }
  /** Carries the op that was found, so that folding transforms nothing into the document. */
  | ({ readonly t: Way } & Taken)
  | { readonly t: 'seal' }
  /** Committed by the server after `base`, in order; `hash`, here and below, is its receipt for where that leads. */
  | { readonly t: 'steps'; readonly steps: readonly Step[]; readonly hash?: string }
  /** The server has `pending[0]` at version `v`, exactly as it stands here. */
  | { readonly t: 'ack'; readonly hash?: string }
  /** The server is at `v` with this content and cannot tell the way; `own` of ours are in it. */
  | {
      readonly t: 'snapshot'
      readonly v: number
      readonly content: Content
      readonly own: readonly Committed[]
      readonly hash?: string
    }
  /** The server went back, to `content` at `v`, and a person has decided how to go on. */
  | {
      readonly t: 'restored'
      readonly v: number
      readonly content: Content
      readonly keep: Keep
      readonly hash?: string
    }
  | { readonly t: 'hold'; readonly name: Name; readonly reason: Reason }
  /** What is held goes on; with its name, if `keeps` says so. */
  | { readonly t: 'retry'; readonly name: Name; readonly keeps?: true }
  /** An entry cannot be sent under its name any more. */
  | { readonly t: 'rename'; readonly name: Name }
  | { readonly t: 'discard'; readonly name: Name }

export function reduce(replica: Replica, event: ReplicaEvent): Reduced {
  const [next, shown] = step(replica, event)
  return [{ ...next, since: sinceAfter(replica, event), undo: undoAfter(replica, event, shown) }, shown]
}

function step(replica: Replica, event: ReplicaEvent): Reduced {
  switch (event.t) {
    case 'begin':
      return [begin(replica, event.src), []]
    case 'edit':
      return [took(edit(replica, event.change, event.after, event.schema), event.from), [event.change]]
    case 'strand':
      return [took(strand(replica, event), event.from), []]
    case 'undo':
    case 'redo':
      return event.op === undefined ? [replica, []] : takeBack(replica, event.op)
    case 'lift':
      return lift(replica, event.change, event.schema)
    case 'seal':
      return [sealLast(replica), []]
    case 'steps':
      return receipted(advance(replica, event.steps), event)
    case 'ack':
      return receipted([acknowledge(replica), []], event)
    case 'snapshot':
      return receipted(leap(replica, event), event)
    case 'restored':
      return receipted(goOnFrom(replica, event), event)
    case 'hold':
      return hold(replica, event.name, event.reason)
    case 'retry':
      return retry(replica, event.name, event.keeps === true)
    case 'rename':
      return [rename(replica, event.name), []]
    case 'discard':
      return [{ ...replica, held: replica.held.filter(held => !named(held, event.name)) }, []]
  }
}

/** Handles that are remembered; one that a hub may still ask about is among the last that wrote. */
const HANDLES = 64

function took(replica: Replica, from: TabEdit | undefined): Replica {
  if (from === undefined) return replica
  const others = replica.from.filter(([handle]) => handle !== from[0])
  return { ...replica, from: [...others, from].slice(-HANDLES) }
}

function takeBack(replica: Replica, op: unknown): Reduced {
  const { pending, ...rest } = edit(replica, { op })
  return [{ ...rest, pending: [...pending.slice(0, -1), { ...pending.at(-1)!, takesBack: true }] }, [{ op }]]
}

/** Whatever changes the view but the person's own hand counts as somebody else's: this is where the stacks hear of it. */
function undoAfter({ undo, view }: Replica, event: ReplicaEvent, shown: readonly Change[]): Undo {
  if (event.t === 'edit') return did(undo, event.change, view, event.joins === true)
  if (event.t === 'undo' || event.t === 'redo') return went(undo, event.t, event, view)
  // What leaves the view this way is undone already; nobody could tell its inverse from the others, and it would stand twice.
  if (event.t === 'hold' || event.t === 'restored') return noUndo
  return heard(undo, shown, view.type)
}

/** What leads from the base that the log has apart to the next one; a base that came as a whole is another one. */
function sinceAfter({ since, base, pending, view }: Replica, event: ReplicaEvent): Tiers | null {
  switch (event.t) {
    case 'ack':
      return pending[0] ? committed(since, changeOf(pending[0], view.type!), base.type) : since
    case 'steps':
      return event.steps.reduce((sum, { change }) => committed(sum, change, base.type), since)
    case 'snapshot':
    case 'restored':
      return null
    default:
      return since
  }
}

/** The base is where `hash` was told for, or it is not known there. */
const receipted = ([replica, shown]: Reduced, { hash = null }: { hash?: string | null }): Reduced => [
  { ...replica, hash },
  shown,
]
