/** A replica in the log: as a checkpoint, and folded from one and the events after it. Pure. */

import { join, type Tiers, tiersOf } from '../../ops/compose.ts'
import { typeOf } from '../../types/index.ts'
import { type ReplicaEvent, reduce } from './replica.ts'
import { baseOf, contentOf, type SavedReplica, type WholeReplica } from './saved.ts'
import { type Entry, kept, noSince, nothing, type Replica, type Sealed, sealLast } from './state.ts'
import { noUndo, restoreUndo, saveUndo } from './undo.ts'

export function save(replica: Replica): WholeReplica {
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

/** As `save`, with the data of the base apart; a replica of no document has none. */
export function saveApart(replica: Replica): { state: SavedReplica; bulk?: { value: unknown } } {
  const state = save(replica)
  const { type, data } = replica.base
  if (type === null) return { state }
  return { state: { ...state, base: { type, since: null } }, bulk: { value: data } }
}

/** As `saveApart`, on the data that the log has apart already. */
export function saveOnBulk(replica: Replica & { readonly since: Tiers }): SavedReplica {
  const type = replica.base.type!
  const since = replica.since.count === 0 ? null : join(typeOf(type), replica.since)
  return { ...save(replica), base: { type, since } }
}

/** A replica from its checkpoint, the bulk that this stands on, and the events after it. */
export function restore(
  saved: SavedReplica | null,
  events: readonly ReplicaEvent[],
  bulk?: unknown,
): Replica {
  const start = saved === null ? nothing : reopen(saved, bulk)
  return events.reduce((state, event) => reduce(state, event)[0], start)
}

/** What was committed since the base that the log has apart. */
const sinceOf = ({ base }: SavedReplica): Tiers | null =>
  'since' in base ? (base.since === null ? noSince : tiersOf(base.since)) : null

function reopen(saved: SavedReplica, bulk: unknown): Replica {
  const { src, seq, v, hash = null, held, from = [] } = saved
  const base = baseOf(saved, bulk)
  const undo = saved.undo ? restoreUndo(saved.undo) : noUndo
  const view = contentOf(saved, base)
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
  return { src, seq, v, hash, base, since: sinceOf(saved), held, from, pending, view, undo }
}
