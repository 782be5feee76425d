/**
 * What one device knows of one document, as a fold over the events of its log. Pure: no I/O, no clock, no randomness.
 *
 *   view = base . pending[0] . pending[1] ...
 *
 * `base` is what the server has committed up to version `v`; `pending` are this device's edits after it, oldest first.
 * All are sealed (they will never change but by rebasing) except possibly the last, the *open* one, into which further
 * edits compose. An entry has its name `(src, seq)` from its first edit on. What the server refuses, or what has lost
 * its ground, moves to `held`.
 *
 * Laws: `view` is always `pending` applied to `base` [E1]; after `fold(events)` a device is where it was before the
 * reload [E2]; no event but `discard` makes an edit vanish: it is pending, held, or in `base` [E3].
 */

import {
  absent,
  applyChange,
  type Change,
  type Content,
  equalContents,
  invertChange,
} from '../../ops/change.ts'
import { append, join, type Tiers, tiersOf } from '../../ops/compose.ts'
import type { ErrorCode } from '../../ops/errors.ts'
import { type Name, sameName } from '../../ops/identity.ts'
import { carry } from '../../ops/rebase.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'

/** Chars of JSON that edits may compose into one entry before the next entry starts; keeps frames well under 1 MiB. */
const ENTRY_CHARS = 250_000

export interface Sealed {
  readonly name: Name
  readonly sealed: true
  readonly change: Change
  /** How many edits of the person it holds. */
  readonly edits: number
}

export interface Open {
  readonly name: Name
  readonly sealed: false
  readonly tiers: Tiers
  readonly edits: number
  readonly chars: number
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
  readonly type: TypeName
  readonly original: Change
  /** `original` on top of the present base; null when it has no ground any more. */
  readonly change: Change | null
  readonly edits: number
}

export interface Replica {
  /** The incarnation that writes now. */
  readonly src: string
  readonly seq: number
  /** Version of `base`; null while the server has not told us anything. */
  readonly v: number | null
  readonly base: Content
  readonly pending: readonly Entry[]
  readonly held: readonly Held[]
  readonly view: Content
}

/** A stretch of history: `n` versions as one change, or one op of ours as the server committed it. */
export interface Step {
  readonly n: number
  readonly change: Change
  readonly own?: Name
}

/** What the log stores. Each is a decision that was taken; folding takes none. */
export type ReplicaEvent =
  /** A new incarnation of the hub: everything before it is sealed, later edits carry the new `src`. */
  | { readonly t: 'begin'; readonly src: string }
  | { readonly t: 'edit'; readonly change: Change }
  | { readonly t: 'seal' }
  /** Committed by the server after `base`, in order. */
  | { readonly t: 'steps'; readonly steps: readonly Step[] }
  /** The server has `pending[0]` at version `v`, exactly as it stands here. */
  | { readonly t: 'ack' }
  /** The server is at `v` with this content and cannot tell the way; `own` of ours are in it. */
  | { readonly t: 'snapshot'; readonly v: number; readonly content: Content; readonly own: readonly Name[] }
  | { readonly t: 'hold'; readonly name: Name; readonly reason: Reason }
  | { readonly t: 'retry'; readonly name: Name }
  | { readonly t: 'discard'; readonly name: Name }

/** The next state, and what the view went through on the way. */
export type Reduced = readonly [replica: Replica, shown: readonly Change[]]

export const nothing: Replica = {
  src: '',
  seq: 0,
  v: null,
  base: absent,
  pending: [],
  held: [],
  view: absent,
}

export function reduce(replica: Replica, event: ReplicaEvent): Reduced {
  switch (event.t) {
    case 'begin':
      return [begin(replica, event.src), []]
    case 'edit':
      return [edit(replica, event.change), [event.change]]
    case 'seal':
      return [sealLast(replica), []]
    case 'steps':
      return advance(replica, event.steps)
    case 'ack':
      return [acknowledge(replica), []]
    case 'snapshot':
      return leap(replica, event)
    case 'hold':
      return hold(replica, event.name, event.reason)
    case 'retry':
      return retry(replica, event.name)
    case 'discard':
      return [{ ...replica, held: replica.held.filter(held => !named(held, event.name)) }, []]
  }
}

export const unsent = (replica: Replica): number =>
  replica.pending.reduce((sum, entry) => sum + entry.edits, 0)

// ---- writing ----

function begin(replica: Replica, src: string): Replica {
  const sealed = sealLast(replica)
  return src === sealed.src ? sealed : { ...sealed, src, seq: 0 }
}

function edit(replica: Replica, change: Change): Replica {
  const view = applyChange(replica.view, change)
  const last = replica.pending.at(-1)
  if (last && !last.sealed && 'op' in change) {
    const tiers = append(typeOf(view.type!), last.tiers, change.op)
    const grown = weigh(
      { ...last, tiers, edits: last.edits + 1, chars: last.chars + JSON.stringify(change.op).length },
      view.type!,
    )
    const next = { ...replica, view, pending: [...replica.pending.slice(0, -1), grown] }
    return grown.chars > ENTRY_CHARS ? sealLast(next) : next
  }
  const before = sealLast(replica)
  const name = { src: replica.src, seq: replica.seq + 1 }
  const entry: Entry =
    'op' in change
      ? { name, sealed: false, tiers: tiersOf(change.op), edits: 1, chars: JSON.stringify(change.op).length }
      : { name, sealed: true, change, edits: 1 }
  return { ...before, view, seq: name.seq, pending: [...before.pending, entry] }
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

function sealLast(replica: Replica): Replica {
  const last = replica.pending.at(-1)
  if (!last || last.sealed) return replica
  const entry: Sealed = {
    name: last.name,
    sealed: true,
    change: changeOf(last, replica.view.type!),
    edits: last.edits,
  }
  return { ...replica, pending: [...replica.pending.slice(0, -1), entry] }
}

const changeOf = (entry: Entry, type: TypeName): Change =>
  entry.sealed ? entry.change : { op: join(typeOf(type), entry.tiers) }

/** The pending changes in order; an open entry is joined. */
const changesOf = (replica: Replica): Change[] =>
  replica.pending.map(entry => changeOf(entry, replica.view.type!))

function withChange(entry: Entry, change: Change): Entry {
  if (entry.sealed) return { ...entry, change }
  return 'op' in change
    ? { ...entry, tiers: tiersOf(change.op, entry.tiers.count) }
    : { ...entry, sealed: true, change }
}

// ---- what the server says ----

function advance(replica: Replica, steps: readonly Step[]): Reduced {
  let state = replica
  const shown: Change[] = []
  for (const step of steps) {
    const [next, changes] = step.own ? takeOwn(state, step.change, step.own) : takeRemote(state, step.change)
    state = { ...next, v: (state.v ?? 0) + step.n }
    shown.push(...changes)
  }
  return [state, shown]
}

function takeRemote(replica: Replica, change: Change): Reduced {
  const carried = carry(changesOf(replica), change, replica.base.type)
  const lost = { code: carried.mismatch ? 'TYPE_MISMATCH' : 'DOCUMENT_DELETED' } as const
  return settle(replica, applyChange(replica.base, change), replica.pending, carried, lost.code, change)
}

/**
 * One of our ops, as the server has it. Usually it is what stands here. If it is not (ties broke another way op by op
 * than composed, or a crash lost the tail of what we had sent), the server's copy is taken and what lies on top is
 * rebased over the difference [E4].
 */
function takeOwn(replica: Replica, change: Change, name: Name): Reduced {
  const index = replica.pending.findIndex(entry => sameName(entry.name, name))
  if (index < 0)
    return takeRemote({ ...replica, held: replica.held.filter(held => !named(held, name)) }, change)
  if (index > 0) {
    const [without, undone] = withdraw(replica, index, null)
    const [next, redone] = takeRemote(without, change)
    return [next, [...undone, ...redone]]
  }
  const [own, ...rest] = replica.pending
  if (sameOp(changeOf(own!, replica.view.type!), change, replica.base.type))
    return [drop(replica, change, null), []]
  const here = applyChange(replica.base, changeOf(own!, replica.view.type!))
  const there = applyChange(replica.base, change)
  if (equalContents(here, there)) return [drop(replica, change, there), []]
  const held = replica.held.map(item => carryHeld(item, change, replica.base))
  const below = { ...replica, base: here, pending: rest, held }
  let state: Replica = below
  const shown: Change[] = []
  for (const fix of difference(here, there)) {
    const carried = carry(changesOf(state), fix, state.base.type)
    const [next, changes] = settle(
      state,
      applyChange(state.base, fix),
      state.pending,
      carried,
      'DOCUMENT_DELETED',
      null,
    )
    state = next
    shown.push(...changes)
  }
  return [state, shown]
}

const sameOp = (a: Change, b: Change, type: TypeName | null): boolean =>
  type !== null && 'op' in a && 'op' in b && typeOf(type).equalOps(a.op, b.op)

/** `pending[0]` is now part of the base. */
function acknowledge(replica: Replica): Replica {
  const [own] = replica.pending
  if (!own) throw new Error('an ack with nothing pending')
  const change = changeOf(own, replica.view.type!)
  return { ...drop(replica, change, null), v: (replica.v ?? 0) + 1 }
}

/** Drops `pending[0]`, which `change` has just made part of the base; with nothing left pending the base is the view. */
function drop(replica: Replica, change: Change, base: Content | null): Replica {
  const pending = replica.pending.slice(1)
  return {
    ...replica,
    pending,
    base: pending.length === 0 ? replica.view : (base ?? applyChange(replica.base, change)),
    held: replica.held.map(item => carryHeld(item, change, replica.base)),
  }
}

/** History could not be served: the way from base to snapshot is found by comparing them. */
function leap(replica: Replica, event: { v: number; content: Content; own: readonly Name[] }): Reduced {
  let state = replica
  while (state.pending[0] && event.own.some(name => sameName(name, state.pending[0]!.name))) {
    state = drop(state, changeOf(state.pending[0], state.view.type!), null)
  }
  const shown: Change[] = []
  for (const name of event.own) {
    const index = state.pending.findIndex(entry => sameName(entry.name, name))
    const [without, undone] = index < 0 ? ([state, []] as const) : withdraw(state, index, null)
    state = { ...without, held: without.held.filter(held => !named(held, name)) }
    shown.push(...undone)
  }
  for (const change of difference(state.base, event.content)) {
    const [next, changes] = takeRemote(state, change)
    state = next
    shown.push(...changes)
  }
  return [{ ...state, v: event.v }, shown]
}

/** The changes that take one content to another. */
function difference(from: Content, to: Content): Change[] {
  if (equalContents(from, to)) return []
  if (from.type !== null && from.type === to.type) return [{ op: typeOf(from.type).diff(from.data, to.data) }]
  const changes: Change[] = from.type === null ? [] : [{ del: true }]
  if (to.type !== null) changes.push({ create: to })
  return changes
}

// ---- holding ----

/**
 * Takes `pending[index]` out: its inverse is carried past what lies on top. With a reason it is held, without one it is
 * gone (the caller knows where it is). What had its ground only in it is held in any case.
 */
function withdraw(replica: Replica, index: number, reason: Reason | null): Reduced {
  const changes = changesOf(replica)
  const below = changes.slice(0, index).reduce(applyChange, replica.base)
  const entry = replica.pending[index]!
  const change = changes[index]!
  const carried = carry(
    changes.slice(index + 1),
    invertChange(change, below),
    applyChange(below, change).type,
  )
  const alive: Entry[] = []
  const lost: Entry[] = []
  for (const [i, item] of replica.pending.slice(index + 1).entries()) {
    const next = carried.queue[i]
    if (next) alive.push(withChange(item, next))
    else lost.push(item)
  }
  const held =
    reason !== null && 'create' in change
      ? [holdCreate([entry, ...lost], changes.slice(index), reason)]
      : [
          ...(reason === null ? [] : [holdAlone(entry, reason, replica)]),
          ...lost.filter(item => !isDelete(item)).map(item => groundless(item, 'DOCUMENT_DELETED', replica)),
        ]
  const view = carried.shown.reduce(applyChange, replica.view)
  const pending = [...replica.pending.slice(0, index), ...alive]
  return [{ ...replica, view, pending, held: [...replica.held, ...held] }, carried.shown]
}

/** A refused create takes the edits on top of it along: one create with their result. */
function holdCreate(entries: readonly Entry[], changes: readonly Change[], reason: Reason): Held {
  const ops = changes.slice(0, entries.length).filter(change => !('del' in change))
  const result = ops.reduce<Content>(applyChange, absent)
  if (result.type === null) throw new Error('a create leaves a document')
  const create = { create: result }
  const edits = entries.reduce((sum, entry) => sum + entry.edits, 0)
  return {
    names: entries.map(entry => entry.name),
    reason,
    type: result.type,
    original: create,
    change: create,
    edits,
  }
}

function holdAlone(entry: Entry, reason: Reason, replica: Replica): Held {
  const change = changeOf(entry, replica.view.type!)
  const type = (replica.base.type ?? replica.view.type)!
  return { names: [entry.name], reason, type, original: change, change, edits: entry.edits }
}

function hold(replica: Replica, name: Name, reason: Reason): Reduced {
  const index = replica.pending.findIndex(entry => sameName(entry.name, name))
  return index < 0 ? [replica, []] : withdraw(replica, index, reason)
}

/** After a carry: entries that lost their ground are held one by one, the others and the view move on. */
function settle(
  replica: Replica,
  base: Content,
  entries: readonly Entry[],
  carried: ReturnType<typeof carry>,
  code: ErrorCode,
  below: Change | null,
): Reduced {
  const view = carried.shown.reduce(applyChange, replica.view)
  const pending: Entry[] = []
  const lost: Held[] = []
  for (const [i, entry] of entries.entries()) {
    const next = carried.queue[i]
    if (next) pending.push(withChange(entry, next))
    else if (!isDelete(entry)) lost.push(groundless(entry, code, replica))
  }
  const held = below === null ? replica.held : replica.held.map(item => carryHeld(item, below, replica.base))
  return [
    { ...replica, base: pending.length === 0 ? view : base, pending, view, held: [...held, ...lost] },
    carried.shown,
  ]
}

const isDelete = (entry: Entry): boolean => entry.sealed && 'del' in entry.change

function groundless(entry: Entry, code: ErrorCode, replica: Replica): Held {
  const change = changeOf(entry, replica.view.type ?? replica.base.type!)
  const type = 'create' in change ? change.create.type : (replica.base.type ?? replica.view.type)!
  const message =
    code === 'TYPE_MISMATCH'
      ? 'Somebody created this document with another type.'
      : 'The document was deleted.'
  return {
    names: [entry.name],
    reason: { code, message },
    type,
    original: change,
    change: null,
    edits: entry.edits,
  }
}

function carryHeld(held: Held, change: Change, base: Content): Held {
  if (held.change === null) return held
  if ('del' in change) return { ...held, change: 'create' in held.change ? held.change : null }
  if ('op' in change && !('op' in held.change)) return held
  if ('create' in change && !('create' in held.change)) return { ...held, change: null }
  const [carried] = carry([held.change], change, base.type).queue
  return { ...held, change: carried ?? null }
}

function retry(replica: Replica, name: Name): Reduced {
  const held = replica.held.find(item => named(item, name))
  if (!held?.change) return [replica, []]
  const state = { ...replica, held: replica.held.filter(item => item !== held) }
  const change = onTop(held.change, state)
  return change === null ? [replica, []] : [edit(state, change), [change]]
}

/** A change on the base as a change on the view; null when the view leaves it no ground. */
function onTop(change: Change, replica: Replica): Change | null {
  const { view } = replica
  if ('create' in change) {
    if (view.type === null) return change
    if (view.type !== change.create.type) return null
    return carry([change], { create: view }, null).queue[0] ?? null
  }
  if (view.type === null) return null
  if ('del' in change) return change
  const type = typeOf(view.type)
  let op = change.op
  for (const below of changesOf(replica)) {
    if (!('op' in below)) return null
    op = type.transform(op, below.op, 'left')
  }
  return { op }
}

const named = (held: Held, name: Name): boolean => held.names.some(item => sameName(item, name))

// ---- checkpoints ----

/** A replica without what follows from the rest; plain data for the log. */
export interface SavedReplica {
  readonly format: 1
  readonly src: string
  readonly seq: number
  readonly v: number | null
  readonly base: Content
  readonly pending: readonly Sealed[]
  /** Whether the last of `pending` was still open. */
  readonly open: boolean
  readonly held: readonly Held[]
}

export function save(replica: Replica): SavedReplica {
  const { src, seq, v, base, held } = replica
  const open = replica.pending.at(-1)?.sealed === false
  return { format: 1, src, seq, v, base, held, open, pending: sealLast(replica).pending as readonly Sealed[] }
}

/** A replica from its checkpoint and the events after it. */
export function restore(saved: SavedReplica | null, events: readonly ReplicaEvent[]): Replica {
  const start = saved === null ? nothing : reopen(saved)
  return events.reduce((state, event) => reduce(state, event)[0], start)
}

function reopen(saved: SavedReplica): Replica {
  const { src, seq, v, base, held } = saved
  const view = saved.pending.reduce<Content>((content, entry) => applyChange(content, entry.change), base)
  const pending: Entry[] = saved.pending.slice()
  const last = saved.pending.at(-1)
  if (saved.open && last && 'op' in last.change) {
    const { name, edits, change } = last
    pending[pending.length - 1] = {
      name,
      sealed: false,
      edits,
      tiers: tiersOf(change.op, edits),
      chars: JSON.stringify(change.op).length,
    }
  }
  return { src, seq, v, base, held, pending, view }
}
