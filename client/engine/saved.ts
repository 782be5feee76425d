/**
 * A replica as the log has it, and what it shows: as much as a page needs that reads the log before its hub is there,
 * without the rules by which a replica goes on. Pure.
 */

import { absent, applyChange, type Change, type Content } from '../../ops/change.ts'
import { composeAll, type Tiers } from '../../ops/compose.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import type { ReplicaEvent } from './replica.ts'
import type { Held, Sealed, TabEdit } from './state.ts'
import type { SavedUndo } from './undo.ts'

/**
 * A base whose data the log has apart, as its bulk: what was committed on top of those since, as an op of the type; null if
 * nothing was.
 */
export interface Apart {
  readonly type: TypeName
  readonly since: unknown
}

/** A replica without what follows from the rest; plain data for the log. */
export interface SavedReplica {
  readonly format: 1
  readonly src: string
  readonly seq: number
  readonly v: number | null
  /** Missing in a checkpoint from before there were receipts. */
  readonly hash?: string | null
  readonly base: Content | Apart
  readonly pending: readonly Sealed[]
  /** Whether the last of `pending` was still open. */
  readonly open: boolean
  /**
   * How the open one was composed, as far as that had come: composed otherwise, it may come out in another form, and
   * would get another seal than before the reload. Missing in older checkpoints.
   */
  readonly tiers?: Tiers
  readonly chars?: number
  readonly held: readonly Held[]
  /** Missing in a checkpoint from before several tabs shared a log. */
  readonly from?: readonly TabEdit[]
  /** Missing in a checkpoint from before one could undo. */
  readonly undo?: SavedUndo
}

/** With its base in it. */
export type WholeReplica = SavedReplica & { readonly base: Content }

/** Its base; `bulk` is what the log has apart. */
export function baseOf({ base }: SavedReplica, bulk: unknown): Content {
  if (!('since' in base)) return base
  const { type, since } = base
  return { type, data: since === null ? bulk : typeOf(type).apply(bulk, since) }
}

/** Its view, on its base. */
export const contentOf = ({ pending }: SavedReplica, base: Content): Content =>
  pending.reduce<Content>((content, entry) => applyChange(content, entry.change), base)

/**
 * The view of a replica and the events after it, where all of them are the person's own edits, or change nothing in it: those
 * in a row cost one `apply` together. Null where they have to be folded (`restore` of checkpoint.ts).
 */
export function viewFrom(
  saved: SavedReplica | null,
  events: readonly ReplicaEvent[],
  bulk?: unknown,
): Content | null {
  let view = saved === null ? absent : contentOf(saved, baseOf(saved, bulk))
  let ops: unknown[] = []
  const applyOps = () => {
    if (ops.length > 0) view = applyChange(view, { op: composeAll(typeOf(view.type!), ops) })
    ops = []
  }
  for (const event of events) {
    const change = changeIn(event)
    if (change === null) return null
    if (change === 'none') continue
    if ('op' in change) ops.push(change.op)
    else {
      applyOps()
      view = applyChange(view, change)
    }
  }
  applyOps()
  return view
}

/** What an event does to the view; null where that does not stand in it. */
function changeIn(event: ReplicaEvent): Change | 'none' | null {
  if (event.t === 'edit') return event.change
  if (event.t === 'undo' || event.t === 'redo') return event.op === undefined ? 'none' : { op: event.op }
  return unseen.includes(event.t) ? 'none' : null
}

/** Events that show nothing. */
const unseen: readonly ReplicaEvent['t'][] = ['begin', 'seal', 'ack', 'strand', 'discard', 'rename']
