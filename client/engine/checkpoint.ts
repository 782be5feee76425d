/** A replica in the log: as a checkpoint, and folded from one and the events after it. Pure. */

import { absent, applyChange, type Content } from '../../ops/change.ts'
import { type Tiers, tiersOf } from '../../ops/compose.ts'
import { type ReplicaEvent, reduce } from './replica.ts'
import {
  type Entry,
  type Held,
  kept,
  nothing,
  type Replica,
  type Sealed,
  sealLast,
  type TabEdit,
} from './state.ts'
import { noUndo, restoreUndo, type SavedUndo, saveUndo } from './undo.ts'

/** A replica without what follows from the rest; plain data for the log. */
export interface SavedReplica {
  readonly format: 1
  readonly src: string
  readonly seq: number
  readonly v: number | null
  /** Missing in a checkpoint from before there were receipts. */
  readonly hash?: string | null
  readonly base: Content
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

export function save(replica: Replica): SavedReplica {
  const { src, seq, v, hash, base, held, from } = replica
  const last = replica.pending.at(-1)
  const open = last?.sealed === false
  return {
    format: 1,
    src,
    seq,
    v,
    hash,
    base,
    held,
    from,
    open,
    ...(open && { tiers: last.tiers, chars: last.chars }),
    pending: sealLast(replica).pending as readonly Sealed[],
    undo: saveUndo(replica.undo, replica.view.type),
  }
}

/** A replica from its checkpoint and the events after it. */
export function restore(saved: SavedReplica | null, events: readonly ReplicaEvent[]): Replica {
  const start = saved === null ? nothing : reopen(saved)
  return events.reduce((state, event) => reduce(state, event)[0], start)
}

/**
 * The view of `restore`, without what a view does not need: where all events are the person's own edits or change nothing
 * in it, each costs one `apply`.
 */
export function viewFrom(saved: SavedReplica | null, events: readonly ReplicaEvent[]): Content {
  let view = saved === null ? absent : contentOf(saved)
  for (const event of events) {
    if (event.t === 'edit') view = applyChange(view, event.change)
    else if (event.t === 'undo' || event.t === 'redo')
      view = event.op === undefined ? view : applyChange(view, { op: event.op })
    else if (!unseen.includes(event.t)) return restore(saved, events).view
  }
  return view
}

const contentOf = ({ base, pending }: SavedReplica): Content =>
  pending.reduce<Content>((content, entry) => applyChange(content, entry.change), base)

/** Events that show nothing. */
const unseen: readonly ReplicaEvent['t'][] = ['begin', 'seal', 'ack', 'strand', 'discard', 'rename']

function reopen(saved: SavedReplica): Replica {
  const { src, seq, v, hash = null, base, held, from = [] } = saved
  const undo = saved.undo ? restoreUndo(saved.undo) : noUndo
  const view = contentOf(saved)
  const pending: Entry[] = saved.pending.slice()
  const last = saved.pending.at(-1)
  if (saved.open && last && 'op' in last.change) {
    const { name, edits, change } = last
    pending[pending.length - 1] = {
      name,
      sealed: false,
      edits,
      ...kept(last),
      tiers: saved.tiers ?? tiersOf(change.op, edits),
      chars: saved.chars ?? JSON.stringify(change.op).length,
    }
  }
  return { src, seq, v, hash, base, held, from, pending, view, undo }
}
