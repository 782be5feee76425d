/** What a person's edit does to a replica: it composes into the open entry or begins a new one. Pure. */

import { applyChange, type Change } from '../../ops/change.ts'
import { append, join, tiersOf } from '../../ops/compose.ts'
import { type Name, sameName } from '../../ops/identity.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import {
  type Dependency,
  type Entry,
  type Held,
  namesOf,
  type Open,
  type Replica,
  type Sealed,
  sealedAs,
  sealLast,
} from './state.ts'

/** Chars of JSON that edits may compose into one entry before the next entry starts; keeps frames well under 1 MiB. */
const ENTRY_CHARS = 250_000

export function begin(replica: Replica, src: string): Replica {
  const sealed = sealLast(replica)
  return src === sealed.src ? sealed : { ...sealed, src, seq: 0 }
}

export function edit(
  replica: Replica,
  change: Change,
  after: readonly Dependency[] = [],
  schema = 0,
): Replica {
  const view = applyChange(replica.view, change)
  const last = replica.pending.at(-1)
  if (last && !last.sealed && 'op' in change && (last.schema ?? 0) === schema) {
    const tiers = append(typeOf(view.type!), last.tiers, change.op)
    const grown = weigh(
      {
        ...last,
        tiers,
        edits: last.edits + 1,
        chars: last.chars + JSON.stringify(change.op).length,
        ...(after.length > 0 && { after: [...(last.after ?? []), ...after] }),
      },
      view.type!,
    )
    const next = { ...replica, view, pending: [...replica.pending.slice(0, -1), grown] }
    return grown.chars > ENTRY_CHARS ? sealLast(next) : next
  }
  const before = sealLast(replica)
  const name = { src: replica.src, seq: replica.seq + 1 }
  const wait = { ...(after.length > 0 && { after }), ...(schema > 0 && { schema }) }
  const entry: Entry =
    'op' in change
      ? {
          name,
          sealed: false,
          tiers: tiersOf(change.op),
          edits: 1,
          chars: JSON.stringify(change.op).length,
          ...wait,
        }
      : { ...sealedAs(change, 1), name, ...wait }
  return { ...before, view, seq: name.seq, pending: [...before.pending, entry] }
}

/**
 * Puts what was held at the end of the queue again, under its name and with its seal: whoever sends that name as well, from a
 * copy of this device's edits, sends the same edit [Q15]. Several in one go under the last name: with that, the others cannot be
 * sent any more.
 */
export function putBack(replica: Replica, { names, seal, edits }: Held, change: Change): Replica {
  const entry: Sealed = {
    ...sealedAs(change, edits),
    ...(seal !== undefined && { seal }),
    name: names.at(-1)!,
    ...(names.length > 1 && { also: names.slice(0, -1) }),
    retried: true,
  }
  const { pending, ...rest } = sealLast(replica)
  return { ...rest, view: applyChange(replica.view, change), pending: [...pending, entry] }
}

/**
 * Gives an entry another name, where a later edit of its src was committed before: nobody can send it under the first one any
 * more. The new one follows from that, so it is the same whoever gives it, and stands apart from all that `seq` counts.
 */
export function rename(replica: Replica, was: Name): Replica {
  const name = { src: `${was.src}.${was.seq}`, seq: 1 }
  const pending = replica.pending.map(entry =>
    sameName(entry.name, was) ? { ...(entry as Sealed), name, also: namesOf(entry) } : entry,
  )
  return { ...replica, pending }
}

/** `chars` sums what was appended; when that grows large, the truth is measured once and taken from there. */
function weigh(entry: Open, type: TypeName): Open {
  if (entry.chars <= ENTRY_CHARS) return entry
  const op = join(typeOf(type), entry.tiers)
  const chars = JSON.stringify(op).length
  return {
    ...entry,
    tiers: tiersOf(op, entry.tiers.count),
    chars: chars > ENTRY_CHARS / 2 ? ENTRY_CHARS + 1 : chars,
  }
}
