/** What one device knows of one document (see replica.ts), and how its parts are read. Pure. */

import { absent, type Change, type Content } from '../../ops/change.ts'
import { append, join, type Tiers, tiersOf } from '../../ops/compose.ts'
import type { ErrorCode } from '../../ops/errors.ts'
import { type DocKey, type Name, sameName } from '../../ops/identity.ts'
import { sealOf } from '../../ops/seal.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import { noUndo, type Undo } from './undo.ts'

/** An edit of another document that must be committed before this one may be sent. */
export interface Dependency {
  readonly key: DocKey
  readonly name: Name
}

export interface Sealed {
  readonly name: Name
  readonly sealed: true
  /** Of the change as it was when it was sealed (ops/seal.ts); an entry from before there were seals has none. */
  readonly seal?: string
  readonly change: Change
  /** How many edits of the person it holds. */
  readonly edits: number
  /** It was held, and tried again under its name. */
  readonly retried?: true
  /** Names that it goes by as well: of edits that are in it, or that it could not be sent under any more. */
  readonly also?: readonly Name[]
  readonly after?: readonly Dependency[]
  /** Version of the app's schema that it was made for; missing: 0. */
  readonly schema?: number
  /** An undo or a redo is in it. */
  readonly takesBack?: true
}

export interface Open {
  readonly name: Name
  readonly sealed: false
  readonly tiers: Tiers
  readonly edits: number
  readonly chars: number
  readonly after?: readonly Dependency[]
  readonly schema?: number
  readonly takesBack?: true
}

export type Entry = Sealed | Open

export interface Reason {
  readonly code: ErrorCode | (string & {})
  readonly message: string
}

export interface Held {
  /** The names it holds, first to last: a refused create takes the edits on top of it along. */
  readonly names: readonly Name[]
  readonly reason: Reason
  /** As that of an entry; missing where it was not sealed, where several are in one, and in records from before it was kept. */
  readonly seal?: string
  readonly type: TypeName
  readonly original: Change
  /** What `original` was made on, if it is an op; missing where it is not known, and in records from before it was kept. */
  readonly base?: Content
  /** `original` on top of the present base; null when it has no ground any more. */
  readonly change: Change | null
  readonly edits: number
}

/** The handle of a tab that an edit came through, and which of its edits it is, from 1. */
export type TabEdit = readonly [handle: string, n: number]

export interface Replica {
  /** The incarnation that writes now. */
  readonly src: string
  readonly seq: number
  /** Version of `base`; null while the server has not told us anything. */
  readonly v: number | null
  /** The server's receipt at `v`: the hash chained over all ops up to it; null where it was not told. */
  readonly hash: string | null
  readonly base: Content
  /** What was committed since the base that the log has apart (checkpoint.ts), an op; null where there is none. */
  readonly since: Tiers | null
  readonly pending: readonly Entry[]
  readonly held: readonly Held[]
  readonly view: Content
  /** The last edit of each handle that is in here, or was stranded; the one heard of last stands last. */
  readonly from: readonly TabEdit[]
  /** What the person can take back and forth, on `view`. */
  readonly undo: Undo
}

/** The base is the one that the log has apart. */
export const noSince: Tiers = { runs: [], count: 0 }

/** `since`, when `change` has been committed on top of a base of this type. */
export const committed = (since: Tiers | null, change: Change, type: TypeName | null): Tiers | null =>
  since !== null && 'op' in change && type !== null ? append(typeOf(type), since, change.op) : null

/** The next state, and what the view went through on the way. */
export type Reduced = readonly [replica: Replica, shown: readonly Change[]]

export const nothing: Replica = {
  src: '',
  seq: 0,
  v: null,
  hash: null,
  base: absent,
  since: null,
  pending: [],
  held: [],
  view: absent,
  from: [],
  undo: noUndo,
}

/** The names that an entry goes by; the one that it is sent under stands last. */
export const namesOf = (entry: Entry): readonly Name[] => [
  ...((entry.sealed && entry.also) || []),
  entry.name,
]

/** Where the entry is that goes by this name; -1 if none does. */
export const placeOf = (entries: readonly Entry[], name: Name): number =>
  entries.findIndex(entry => namesOf(entry).some(each => sameName(each, name)))

export const isAmong = (entries: readonly Entry[], name: Name): boolean => placeOf(entries, name) >= 0

export const unsent = (replica: Replica): number =>
  replica.pending.reduce((sum, entry) => sum + entry.edits, 0)

export const changeOf = (entry: Entry, type: TypeName): Change =>
  entry.sealed ? entry.change : { op: join(typeOf(type), entry.tiers) }

/** The pending changes in order; an open entry is joined. */
export const changesOf = (replica: Replica): Change[] =>
  replica.pending.map(entry => changeOf(entry, replica.view.type!))

/** The type of what a pending entry was made on; of a creation, the one that it gives. A deletion above it changes nothing. */
export function typeUnder({ base, pending }: Replica, entry: Entry): TypeName {
  const below = pending.slice(0, pending.indexOf(entry) + 1)
  const creation = below.findLast(each => each.sealed && 'create' in each.change)
  return creation?.sealed && 'create' in creation.change ? creation.change.create.type : base.type!
}

export function withChange(entry: Entry, change: Change): Entry {
  if (entry.sealed) return { ...entry, change }
  return 'op' in change
    ? { ...entry, tiers: tiersOf(change.op, entry.tiers.count) }
    : { ...sealedAs(change, entry.edits), name: entry.name, ...kept(entry) }
}

export function sealLast(replica: Replica): Replica {
  const last = replica.pending.at(-1)
  if (!last || last.sealed) return replica
  const sealed = sealedAs(changeOf(last, replica.view.type!), last.edits)
  const entry: Sealed = { ...sealed, name: last.name, ...kept(last) }
  return { ...replica, pending: [...replica.pending.slice(0, -1), entry] }
}

/** What an entry keeps whatever becomes of its change. */
export const kept = ({ after, schema, takesBack }: Pick<Entry, 'after' | 'schema' | 'takesBack'>) => ({
  ...(after && { after }),
  ...(schema && { schema }),
  ...(takesBack && { takesBack }),
})

export const sealedAs = (change: Change, edits: number) =>
  ({ sealed: true, seal: sealOf(change, edits), change, edits }) as const
