/** What the server has committed, taken into a replica: ops of others, our own as the server has them, snapshots. Pure. */

import { applyChange, type Change, type Content, difference, equalContents } from '../../ops/change.ts'
import { errors } from '../../ops/errors.ts'
import { type Committed, type Name, sameName } from '../../ops/identity.ts'
import { carry } from '../../ops/rebase.ts'
import { editsIn } from '../../ops/seal.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import { carryHeld, named, settle, withdraw } from './held.ts'
import {
  changeOf,
  changesOf,
  type Entry,
  type Held,
  isAmong,
  namesOf,
  placeOf,
  type Reduced,
  type Replica,
  sealedAs,
  typeUnder,
} from './state.ts'

/** A stretch of history: `n` versions as one change, or one op of ours as the server committed it. */
export interface Step {
  readonly n: number
  readonly change: Change
  readonly own?: Committed
}

export function advance(replica: Replica, steps: readonly Step[]): Reduced {
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
function takeOwn(replica: Replica, change: Change, taken: Committed): Reduced {
  const [next, shown] = replaced(replica, change, taken)
  const rest = missing(replica, change, taken)
  return rest ? [{ ...next, held: [...next.held, rest] }, shown] : [next, shown]
}

function replaced(replica: Replica, change: Change, name: Name): Reduced {
  const index = placeOf(replica.pending, name)
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
  return corrected({ ...replica, base: here, pending: rest, held }, there)
}

/** The base is `there`, not what it was thought to be: what is pending on it is carried over the difference. */
function corrected(replica: Replica, there: Content): Reduced {
  let state = replica
  const shown: Change[] = []
  for (const fix of difference(replica.base, there)) {
    const carried = carry(changesOf(state), fix, state.base.type)
    const base = applyChange(state.base, fix)
    const [next, changes] = settle(state, base, state.pending, carried, 'DOCUMENT_DELETED', null)
    state = next
    shown.push(...changes)
  }
  return [state, shown]
}

/** The oldest pending edit in another form, under its name; the rest of the queue is carried over the difference. */
export function lift(replica: Replica, change: Change, schema: number): Reduced {
  const [first, ...rest] = replica.pending
  if (!first) return [replica, []]
  const here = applyChange(replica.base, changeOf(first, replica.view.type!))
  const there = applyChange(replica.base, change)
  const [state, shown] = corrected({ ...replica, base: here, pending: rest }, there)
  const lifted: Entry = { ...first, ...sealedAs(change, first.edits), schema }
  return [{ ...state, base: replica.base, pending: [lifted, ...state.pending] }, shown]
}

/**
 * What stands here under a name, if the server's copy lacks some of its edits: a copy of this device sent it before more
 * was added here. Where no seal tells, its words do.
 */
function missing(replica: Replica, change: Change, taken: Committed): Held | null {
  const held = replica.held.find(item => named(item, taken))
  const lacks = (original: Change, grown: boolean | null) => grown ?? !isWithin(original, change, replica)
  if (held) return lacks(held.original, heldMore(held, taken)) ? { ...held, change: null } : null
  const entry = replica.pending[placeOf(replica.pending, taken)]
  if (!entry) return null
  return lacks(changeOf(entry, replica.view.type!), hasGrown(entry, taken)) ? reused(entry, replica) : null
}

/** Whether more edits stand here than the op had that the server took under the name; null if that is not known. */
function hasGrown(entry: Entry, taken: Committed): boolean | null {
  return isMore(entry.edits, namesOf(entry), taken)
}

const heldMore = ({ edits, names }: Held, taken: Committed): boolean | null => isMore(edits, names, taken)

/** Of several names that stand as one, nobody knows which edits were under which. */
function isMore(edits: number, names: readonly Name[], { seal }: Committed): boolean | null {
  const there = seal === undefined || names.length > 1 ? null : editsIn(seal)
  return there === null ? null : edits > there
}

/** The server has another edit under the name of this one. */
function reused(entry: Entry, replica: Replica): Held {
  const original = changeOf(entry, replica.view.type!)
  const reason = { code: 'NAME_REUSED', message: errors.NAME_REUSED.meaning } as const
  const type = typeUnder(replica, entry)
  return { names: [entry.name], reason, type, original, change: null, edits: entry.edits }
}

/** Whether each word of `a` is in `b` as well, in order; where it stands apart from others, lines are broken. */
function isWithin(a: Change, b: Change, replica: Replica): boolean {
  const whole = wordsOf(b, replica.base.type)
  let at = 0
  for (const unit of wordsOf(a, replica.view.type ?? replica.base.type).replaceAll('\n', '')) {
    at = whole.indexOf(unit, at) + 1
    if (at === 0) return false
  }
  return true
}

function wordsOf(change: Change, type: TypeName | null): string {
  if ('create' in change) return typeOf(change.create.type).textOf({ doc: change.create.data })
  return 'op' in change && type !== null ? typeOf(type).textOf({ op: change.op }) : ''
}

const sameOp = (a: Change, b: Change, type: TypeName | null): boolean =>
  type !== null && 'op' in a && 'op' in b && typeOf(type).equalOps(a.op, b.op)

/** `pending[0]` is now part of the base. */
export function acknowledge(replica: Replica): Replica {
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
export function leap(
  replica: Replica,
  event: { v: number; content: Content; own: readonly Committed[] },
): Reduced {
  let state = replica
  const isWhole = (entry: Entry) =>
    event.own.some(taken => isAmong([entry], taken) && !hasGrown(entry, taken))
  while (state.pending[0] && isWhole(state.pending[0])) {
    state = drop(state, changeOf(state.pending[0], state.view.type!), null)
  }
  const shown: Change[] = []
  for (const taken of event.own) {
    const index = placeOf(state.pending, taken)
    if (index < 0) continue
    const entry = state.pending[index]!
    const rest = hasGrown(entry, taken) ? [reused(entry, state)] : []
    const [without, undone] = withdraw(state, index, null)
    state = { ...without, held: [...without.held, ...rest] }
    shown.push(...undone)
  }
  state = { ...state, held: state.held.filter(item => !isThere(item, event.own)) }
  for (const change of difference(state.base, event.content)) {
    const [next, changes] = takeRemote(state, change)
    state = next
    shown.push(...changes)
  }
  return [{ ...state, v: event.v }, shown]
}

/** Whether the server has all of a held edit: it was refused first and committed then, as when a frame comes twice. */
const isThere = (held: Held, own: readonly Committed[]): boolean =>
  held.reason.code !== 'NAME_REUSED' &&
  held.names.every(name => own.some(taken => sameName(taken, name) && !heldMore(held, taken)))
