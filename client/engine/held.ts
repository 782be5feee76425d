/**
 * Edits that cannot stay in the queue: refused ones, and those that lost their ground. They leave the view, are carried
 * along with the document as far as that goes, and can be put back. Pure.
 */

import { absent, applyChange, type Change, type Content, invertChange } from '../../ops/change.ts'
import type { ErrorCode } from '../../ops/errors.ts'
import { type Name, sameName } from '../../ops/identity.ts'
import { type Carried, carry } from '../../ops/rebase.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import {
  changeOf,
  changesOf,
  type Entry,
  type Held,
  namesOf,
  type Reason,
  type Reduced,
  type Replica,
  typeUnder,
  withChange,
} from './state.ts'
import { edit, putBack } from './writing.ts'

export function hold(replica: Replica, name: Name, reason: Reason): Reduced {
  const index = replica.pending.findIndex(entry => sameName(entry.name, name))
  return index < 0 ? [replica, []] : withdraw(replica, index, reason)
}

/**
 * Takes `pending[index]` out: its inverse is carried past what lies on top. With a reason it is held, without one it is
 * gone (the caller knows where it is). What had its ground only in it is held in any case.
 */
export function withdraw(replica: Replica, index: number, reason: Reason | null): Reduced {
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
          ...lostOf(lost, 'DOCUMENT_DELETED', replica, reason === null ? 0 : 1),
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
    names: entries.flatMap(namesOf),
    reason,
    ...(entries.length === 1 && sealIn(entries[0]!)),
    type: result.type,
    original: create,
    change: create,
    edits,
  }
}

function holdAlone(entry: Entry, reason: Reason, replica: Replica): Held {
  const change = changeOf(entry, replica.view.type!)
  return {
    names: namesOf(entry),
    reason,
    ...sealIn(entry),
    type: typeUnder(replica, entry),
    original: change,
    ...groundOf(entry, replica, 0),
    change,
    edits: entry.edits,
  }
}

/** After a carry: entries that lost their ground are held one by one, the others and the view move on. */
export function settle(
  replica: Replica,
  base: Content,
  entries: readonly Entry[],
  carried: Carried,
  code: ErrorCode,
  below: Change | null,
): Reduced {
  const view = carried.shown.reduce(applyChange, replica.view)
  const pending: Entry[] = []
  const lost: Entry[] = []
  for (const [i, entry] of entries.entries()) {
    const next = carried.queue[i]
    if (next) pending.push(withChange(entry, next))
    else lost.push(entry)
  }
  const held = below === null ? replica.held : replica.held.map(item => carryHeld(item, below, replica.base))
  return [
    {
      ...replica,
      base: pending.length === 0 ? view : base,
      pending,
      view,
      held: [...held, ...lostOf(lost, code, replica, 0)],
    },
    carried.shown,
  ]
}

/** Held edits of a document that keep what they were made on: each is as large as the document. */
const GROUNDS = 16

/** What `entry` was made on, unless enough others keep theirs; `more` are held just before it. */
function groundOf(entry: Entry, replica: Replica, more: number): { base?: Content } {
  if (replica.held.length + more >= GROUNDS || !('op' in changeOf(entry, replica.view.type!))) return {}
  const below = changesOf(replica).slice(0, replica.pending.indexOf(entry))
  return { base: below.reduce(applyChange, replica.base) }
}

/** Entries that lost their ground, held one by one; `more` are held just before them. */
const lostOf = (lost: readonly Entry[], code: ErrorCode, replica: Replica, more: number): Held[] =>
  lost
    .filter(entry => !isDelete(entry))
    .map((entry, i) => ({ ...groundless(entry, code, replica), ...groundOf(entry, replica, more + i) }))

const isDelete = (entry: Entry): boolean => entry.sealed && 'del' in entry.change

/** Holds an edit that never found ground here; a deletion of what is gone is no loss. */
export function strand(
  replica: Replica,
  { change, type, reason }: { change: Change; type: TypeName; reason: Reason },
): Replica {
  if ('del' in change) return replica
  const name = { src: replica.src, seq: replica.seq + 1 }
  const held: Held = { names: [name], reason, type, original: change, change: null, edits: 1 }
  return { ...replica, seq: name.seq, held: [...replica.held, held] }
}

function groundless(entry: Entry, code: ErrorCode, replica: Replica): Held {
  const change = changeOf(entry, replica.view.type ?? replica.base.type!)
  const message =
    code === 'TYPE_MISMATCH'
      ? 'Somebody created this document with another type.'
      : 'The document was deleted.'
  return {
    names: namesOf(entry),
    reason: { code, message },
    ...sealIn(entry),
    type: typeUnder(replica, entry),
    original: change,
    change: null,
    edits: entry.edits,
  }
}

export function carryHeld(held: Held, change: Change, base: Content): Held {
  if (held.change === null) return held
  if ('del' in change) return { ...held, change: 'create' in held.change ? held.change : null }
  if ('op' in change && !('op' in held.change)) return held
  if ('create' in change && !('create' in held.change)) return { ...held, change: null }
  const [carried] = carry([held.change], change, base.type).queue
  return { ...held, change: carried ?? null }
}

const sealIn = (entry: Entry) => (entry.sealed && entry.seal !== undefined ? { seal: entry.seal } : {})

/** Reasons by which the name is of no use any more. */
const spent: readonly string[] = ['NAME_REUSED', 'SEQ_PASSED']

/** `keeps` its name, unless that is spent; else, as in logs from before, it gets a new one. */
export function retry(replica: Replica, name: Name, keeps: boolean): Reduced {
  const held = replica.held.find(item => named(item, name))
  if (!held?.change) return [replica, []]
  const state = { ...replica, held: replica.held.filter(item => item !== held) }
  const change = onTop(held.change, state)
  if (change === null) return [replica, []]
  const again = keeps && !spent.includes(held.reason.code)
  return [again ? putBack(state, held, change) : edit(state, change), [change]]
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

export const named = (held: Held, name: Name): boolean => held.names.some(item => sameName(item, name))
