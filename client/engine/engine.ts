/**
 * The state machine of one document on one device: `next(state, event) -> [state, effects]`. Pure: it neither waits nor
 * sends; it says what should be done, and is told what happened.
 *
 *             up                answer               refusal: retry
 *   offline ------> catching ---------------> live ------------------> pausing
 *      ^               |  ^                    |  ^                        |
 *      |               |  +--- gap, stale -----+  +------ answer ----------+ wake (through catching)
 *      +---- down -----+--- refused ---> barred ---- restore ---> restoring ---- answer ---> live
 *
 * Order of things for an edit: applied to the view, appended to the log, sealed (itself an event in the log), *saved*,
 * sent, committed. One op is in flight at a time; while it is, further edits compose into the next. The oldest goes
 * along with the catch-up: the server carries it over what it answers, as this side does, and commits it there.
 *
 * Rules: nothing is sent before the log has its seal [E5]; nothing else is sent before the catch-up [E6]; an op keeps
 * its name however often it is sent [E7]; what the server refuses is held and the rest goes on [E8].
 */

import { applyChange, type Change, checkChange, fromWire, invertChange, toWire } from '../../ops/change.ts'
import { entryOf, errors, HoldfastError } from '../../ops/errors.ts'
import { type DocKey, type Name, sameName } from '../../ops/identity.ts'
import {
  type Ack,
  type CatchUpAnswer,
  type CatchUpRefusal,
  type CatchUpRequest,
  type ClientFrame,
  fromWireCommitted,
  fromWireName,
  type Refusal,
  type RemoteOp,
  type Segment,
  type Submit,
  toWireName,
  type WireName,
} from '../../ops/protocol.ts'
import { findType, typeOf } from '../../types/index.ts'
import type { Step } from './committed.ts'
import { named } from './held.ts'
import type { Effect, Event, Next, State } from './machine.ts'
import { type ReplicaEvent, reduce } from './replica.ts'
import type { Keep } from './restoring.ts'
import {
  changeOf,
  changesOf,
  type Entry,
  isAmong,
  namesOf,
  type Reason,
  type Replica,
  type Sealed,
  typeUnder,
} from './state.ts'
import { takeBack, type Way } from './undo.ts'

/** The engine of a document as the log had it, in its new incarnation `src`. */
export function start(
  key: DocKey,
  replica: Replica,
  logged: number,
  src: string,
  frameBytes: number,
  schema = 0,
): Next {
  const state: State = {
    key,
    replica,
    logged,
    saved: logged,
    phase: { name: 'offline' },
    ready: null,
    stale: null,
    frameBytes,
    schema,
    lifting: null,
    slow: false,
    gathering: 'no',
    cleared: null,
  }
  return log(state, { t: 'begin', src })
}

/** Throws `OP_…` or `DATA_MALFORMED` for a local edit that does not fit; whatever else comes in is a value. */
export function next(state: State, event: Event): Next {
  switch (event.t) {
    case 'edit':
      return edit(state, event)
    case 'strand':
      return log(state, event)
    case 'undo':
    case 'redo':
      return undo(state, event.t)
    case 'retry':
      return isPending(state, event.name)
        ? again(state)
        : then(log({ ...state, ready: null }, { t: 'retry', name: event.name, keeps: true }), pump)
    case 'discard':
      return isPending(state, event.name) ? drop(state, event.name) : then(log(state, event), pump)
    case 'seal':
      return state.replica.pending.at(-1)?.sealed === false ? log(state, event) : [state, []]
    case 'barred':
      if (state.phase.name === 'offline') return [state, []]
      return entryOf(event.error.code).fate === 'stale'
        ? catchUp(state, 0)
        : turnedDown(state, 0, event.error)
    case 'saved':
      return pump({ ...state, saved: Math.max(state.saved, event.n) })
    case 'up':
      return catchUp(state, 0)
    case 'down':
      return [{ ...state, phase: { name: 'offline' } }, []]
    case 'wake':
      return state.phase.name === 'pausing' ? catchUp(state, state.phase.tries) : [state, []]
    case 'network':
      return [{ ...state, slow: event.slow }, []]
    case 'gathered':
      return pump({ ...state, gathering: 'over' })
    case 'cleared':
      return pump({ ...state, cleared: event.name })
    case 'lifted':
      return lifted(state, event.name, event.change)
    case 'restore':
      return restore(state, event.keep)
    case 'answer':
      if (state.phase.name === 'restoring') return restored(state, state.phase.keep, event.frame)
      return state.phase.name === 'catching' ? answered(state, state.phase.tries, event.frame) : [state, []]
    case 'op':
      return state.phase.name === 'live'
        ? live(state, state.phase.tries, state.phase.flight, event.frame)
        : [state, []]
  }
}

// ---- local edits ----

function edit(state: State, event: ReplicaEvent & { t: 'edit' }): Next {
  const fault = checkChange(event.change, state.replica.view)
  if (fault) throw new HoldfastError(fault.code, fault.message)
  const last = state.replica.pending.at(-1)
  // What it waits for may wait for the edits before it: in one op with them it would wait for itself [R161].
  const apart: Next = event.after && last?.sealed === false ? log(state, { t: 'seal' }) : [state, []]
  return then(
    then(apart, after => log(after, event)),
    pump,
  )
}

/** An edit like any other, but that nobody has shown it yet. */
function undo(state: State, way: Way): Next {
  const { replica } = state
  const taken = takeBack(replica.undo, way, replica.view)
  return taken === null ? [state, []] : then(log(state, { t: way, ...taken }), pump)
}

/** Takes a decision: folds it in and has it logged. */
function log(state: State, event: ReplicaEvent): Next {
  const [replica, shown] = reduce(state.replica, event)
  const n = state.logged + 1
  const effects: Effect[] = [{ t: 'append', n, event }]
  if (shown.length > 0) effects.push({ t: 'show', changes: shown })
  return [{ ...state, replica, logged: n }, effects]
}

const then = ([state, effects]: Next, step: (state: State) => Next): Next => {
  const [after, more] = step(state)
  return [after, [...effects, ...more]]
}

// ---- a document that the server will not talk about ----

/** Its pending edits stay what they are, with their names: the server may have some, and its mind may change [E25]. */
const isPending = ({ replica }: State, name: Name): boolean =>
  replica.pending.some(entry => sameName(entry.name, name))

const again = (state: State): Next => (state.phase.name === 'barred' ? catchUp(state, 0) : [state, []])

/** Held first: a creation takes the edits on top of it along, and nobody has said that those may go. */
function drop(state: State, name: Name): Next {
  if (state.phase.name !== 'barred') return [state, []]
  return then(log(state, { t: 'hold', name, reason: state.phase.error }), after => {
    const held = after.replica.held.find(({ names }) => sameName(names[0]!, name))
    return held?.names.length === 1 ? log(after, { t: 'discard', name }) : [after, []]
  })
}

// ---- sending ----

/** Sends what is due: the question what was missed, or the oldest entry if nothing is in flight. */
function pump(state: State): Next {
  const { phase } = state
  const [first] = state.replica.pending
  if (phase.name === 'catching' && !phase.asked)
    return first && isClear(state, first) && !isDated(state, first)
      ? onceSealed(state, first, sealed => ask(state, phase.tries, sealed))
      : ask(state, phase.tries, null)
  if (phase.name === 'live' && phase.flight === null && first) {
    if (!isClear(state, first)) return [state, [{ t: 'await', name: first.name, after: first.after ?? [] }]]
    if (isDated(state, first)) return askToLift(state, first)
    if (state.slow && !first.sealed && state.gathering !== 'over') return gather(state)
    return onceSealed(state, first, sealed => submit({ ...state, gathering: 'no' }, phase.tries, sealed))
  }
  return [state, []]
}

/** Whether what an entry waits for is known to be committed [E23]. */
const isClear = ({ cleared }: State, { name, after = [] }: Entry): boolean =>
  after.length === 0 || (cleared !== null && sameName(cleared, name))

/** Made for an older schema of the app: it is lifted to the present one when the server is known not to have it [E27]. */
const isDated = ({ schema }: State, entry: Entry): boolean => (entry.schema ?? 0) < schema

function askToLift(state: State, entry: Entry): Next {
  const { name } = entry
  if (state.lifting && sameName(state.lifting, name)) return [state, []]
  const change = changeOf(entry, state.replica.view.type!)
  return [{ ...state, lifting: name }, [{ t: 'lift', name, change, from: entry.schema ?? 0 }]]
}

function lifted(state: State, name: Name, change: Change | null): Next {
  const [first] = state.replica.pending
  const after: State = { ...state, lifting: null }
  if (!first || !sameName(first.name, name)) return pump(after)
  const fault = change === null ? schemaOld : checkChange(change, state.replica.base)
  if (fault || change === null) return refuse(after, name, fault ?? schemaOld)
  return then(log(after, { t: 'lift', change, schema: state.schema }), pump)
}

const schemaOld: Reason = { code: 'SCHEMA_OLD', message: errors.SCHEMA_OLD.meaning }

const gather = (state: State): Next =>
  state.gathering === 'running' ? [state, []] : [{ ...state, gathering: 'running' }, [{ t: 'gather' }]]

/** Goes on when the log has saved the seal of the oldest entry; until then, what brings that about leads back to `pump`. */
function onceSealed(state: State, first: Entry, go: (sealed: Sealed) => Next): Next {
  if (!first.sealed) return then(log(state, { t: 'seal' }), pump)
  if (state.ready === null || !sameName(state.ready.name, first.name)) {
    return pump({ ...state, ready: { name: first.name, n: state.logged } })
  }
  return state.saved < state.ready.n ? [state, []] : go(first)
}

function submit(state: State, tries: number, first: Sealed): Next {
  const { name, change } = first
  const { collection: c, id: d } = state.key
  const frame: Submit = { a: 'op', c, d, v: state.replica.v!, ...name, ...sealIn(first), ...toWire(change) }
  if (!fits(frame, state.frameBytes))
    return refuse(state, name, { code: 'FRAME_TOO_LARGE', message: errors.FRAME_TOO_LARGE.meaning })
  return [{ ...state, phase: { name: 'live', flight: name, tries } }, [{ t: 'send', frame }]]
}

/** An entry from before there were seals has none. */
const sealIn = ({ seal }: Sealed) => (seal === undefined ? {} : { seal })

/** UTF-8 takes at most three bytes a UTF-16 unit, so most frames need no second look. */
function fits(frame: ClientFrame, limit: number): boolean {
  const text = JSON.stringify(frame)
  return text.length * 3 <= limit || new TextEncoder().encode(text).length <= limit
}

/**
 * What is refused is undone by that. What stands on it and may have taken it back already would do so twice: it is held, too, for
 * a person to look at [U160].
 */
function refuse(state: State, name: Name, reason: Reason): Next {
  const { pending } = state.replica
  const at = pending.findIndex(entry => sameName(entry.name, name))
  const above = pending.slice(at + 1).filter(({ takesBack }) => takesBack)
  const twice = above.length > 0 && at >= 0 && removes(state.replica, at) ? above : []
  const held = twice.reduce<Next>(
    (next, entry) => then(next, after => log(after, { t: 'hold', name: entry.name, reason: undoneTwice })),
    log(state, { t: 'hold', name, reason }),
  )
  return then(held, pump)
}

/** Whether the withdrawal of `pending[at]` puts something in. */
function removes(replica: Replica, at: number): boolean {
  const changes = changesOf(replica)
  const back = invertChange(changes[at]!, changes.slice(0, at).reduce(applyChange, replica.base))
  return 'op' in back && typeOf(typeUnder(replica, replica.pending[at]!)).textOf(back) !== ''
}

const undoneTwice: Reason = { code: 'DEPENDENCY_HELD', message: errors.DEPENDENCY_HELD.meaning }

// ---- catching up ----

const catchUp = (state: State, tries: number): Next =>
  pump({ ...state, phase: { name: 'catching', tries, asked: false } })

/** The oldest entry goes along, if it is an edit of what the server has [E6]. */
function ask(state: State, tries: number, first: Sealed | null): Next {
  const { collection: c, id: d } = state.key
  const { v, hash, pending, held } = state.replica
  // A frame that arrived twice can have been refused first and committed then.
  const names = [...pending.flatMap(namesOf), ...held.flatMap(item => item.names)]
  const question: CatchUpRequest = {
    a: 'h.catchup',
    c,
    d,
    v,
    own: names.map(toWireName),
    ...(hash !== null && { hash }),
  }
  const along: CatchUpRequest | null =
    first && v !== null && 'op' in first.change
      ? { ...question, submit: { ...first.name, ...sealIn(first), op: first.change.op } }
      : null
  const frame = along && fits(along, state.frameBytes) ? along : question
  return [{ ...state, phase: { name: 'catching', tries, asked: true } }, [{ t: 'send', frame }]]
}

function answered(state: State, tries: number, frame: CatchUpAnswer | CatchUpRefusal): Next {
  if (frame.from !== state.replica.v) return [state, []]
  if (frame.error) return turnedDown(state, tries, frame.error)
  const unknown = unknownType(frame)
  if (unknown)
    return bar(state, { code: 'TYPE_UNKNOWN', message: `This client does not know the type ${unknown}.` })
  const live: State = { ...state, phase: { name: 'live', flight: null, tries } }
  const isNews =
    frame.segments?.length !== 0 || (frame.hash !== undefined && frame.hash !== state.replica.hash)
  const caught = isNews ? log(live, learned(frame, disputedIn(state))) : ([live, []] as Next)
  return then(
    then(caught, after => follow(after, tries, frame.submitted)),
    pump,
  )
}

/** If the server sends the oldest entry on, it follows the document for us from here; else it is asked to. */
function follow(state: State, tries: number, submitted: WireName | undefined): Next {
  const { collection: c, id: d } = state.key
  const [first] = state.replica.pending
  if (!submitted) return [state, [{ t: 'send', frame: { a: 's', c, d, v: state.replica.v! } }]]
  const flight = first && sameName(first.name, fromWireName(submitted)) ? first.name : null
  return [{ ...state, phase: { name: 'live', flight, tries } }, []]
}

function turnedDown(state: State, tries: number, error: Reason): Next {
  if (entryOf(error.code).fate === 'retry') return pause(state, tries, error)
  return bar(state, error)
}

const bar = (state: State, error: Reason): Next => [{ ...state, phase: { name: 'barred', error } }, []]

const pause = (state: State, tries: number, error: Reason): Next => [
  { ...state, phase: { name: 'pausing', tries: tries + 1, error } },
  [{ t: 'pause', tries: tries + 1 }],
]

const disputedIn = ({ stale }: State): Name | null => (stale?.disputed ? stale.name : null)

/** A whole document does not tell whether the one who has the name of a disputed edit holds the same: it stays here. */
function learned(frame: CatchUpAnswer, disputed: Name | null = null): ReplicaEvent {
  const receipt = receiptIn(frame)
  if (frame.segments) return { t: 'steps', steps: frame.segments.map(toStep), ...receipt }
  const { type, data } = frame.snapshot
  const content =
    type === null ? ({ type: null, data: undefined } as const) : { type: typeOf(type).name, data }
  const own = frame.own.map(fromWireCommitted).filter(each => !disputed || !sameName(each, disputed))
  return { t: 'snapshot', v: frame.v, content, own, ...receipt }
}

const receiptIn = ({ hash }: { hash?: string }) => (hash === undefined ? {} : { hash })

function unknownType(frame: CatchUpAnswer): string | null {
  const types = frame.segments
    ? frame.segments.map(segment => segment.create?.type ?? null)
    : [frame.snapshot.type]
  return types.find(type => type !== null && !findType(type)) ?? null
}

// ---- a server that went back ----

/** The codes by which a server says that its history is not the one that this device knows. */
const goneBack = ['SERVER_BEHIND', 'SERVER_DIVERGED']

export const wentBack = ({ phase }: State): boolean =>
  phase.name === 'barred' && goneBack.includes(phase.error.code)

/** Nothing is overwritten before a person has said what is to become of the two [E26]. */
function restore(state: State, keep: Keep): Next {
  const { key } = state
  if (!wentBack(state)) return [state, []]
  const frame: CatchUpRequest = { a: 'h.catchup', c: key.collection, d: key.id, v: null, own: [] }
  return [{ ...state, phase: { name: 'restoring', keep } }, [{ t: 'send', frame }]]
}

function restored(state: State, keep: Keep, frame: CatchUpAnswer | CatchUpRefusal): Next {
  if (frame.from !== null) return [state, []]
  if (frame.error) return turnedDown(state, 0, frame.error)
  const event = learned(frame)
  if (event.t !== 'snapshot') return [state, []]
  const { v, content, hash } = event
  const live: State = { ...state, phase: { name: 'live', flight: null, tries: 0 }, stale: null, ready: null }
  const decided = log(live, { t: 'restored', v, content, keep, ...(hash !== undefined && { hash }) })
  return then(
    then(decided, after => follow(after, 0, undefined)),
    pump,
  )
}

// ---- live ----

function live(state: State, tries: number, flight: Name | null, frame: Ack | Refusal | RemoteOp): Next {
  const name = { src: frame.src, seq: frame.seq }
  const own = flight !== null && sameName(flight, name)
  if (frame.error) return own ? refused(state, tries, name, frame.error) : [state, []]
  const v = state.replica.v!
  if (isRemote(frame)) {
    if (frame.v < v) return [state, []]
    if (frame.v > v) return catchUp(state, tries)
    if (frame.create && !findType(frame.create.type))
      return bar(state, { code: 'TYPE_UNKNOWN', message: errors.TYPE_UNKNOWN.meaning })
    const landed = own ? landing(state) : state
    const { pending, held } = state.replica
    const mine = isAmong(pending, name) || held.some(item => named(item, name))
    return then(
      log(landed, {
        t: 'steps',
        steps: [{ n: 1, change: fromWire(frame), ...(mine && { own: name }) }],
        ...receiptIn(frame),
      }),
      pump,
    )
  }
  if (!own && frame.v < v) return [state, []]
  // An op that was refused and then committed, as a doubled frame can be, is told to its sender in no other way.
  if (!own || frame.again || frame.v !== v) return catchUp(state, tries)
  return then(log(landing(state), { t: 'ack', ...receiptIn(frame) }), pump)
}

/** Nothing in flight any more, and whatever failed before has passed. */
const landing = (state: State): State => ({
  ...state,
  phase: { name: 'live', flight: null, tries: 0 },
  stale: null,
  ready: null,
})

function refused(state: State, tries: number, name: Name, error: Reason): Next {
  const { fate } = entryOf(error.code)
  const v = state.replica.v!
  if (fate === 'retry') return pause(state, tries, error)
  const retried = state.replica.pending.some(entry => isRetried(entry, name))
  if (error.code === 'SEQ_PASSED' && retried) return then(log(landing(state), { t: 'rename', name }), pump)
  const repeated = state.stale !== null && sameName(state.stale.name, name) && state.stale.v === v
  // What the server has under this name may be this edit all the same, as a copy of this device put it together.
  const disputed = error.code === 'NAME_REUSED' && retried
  if ((fate === 'stale' || disputed) && !repeated)
    return catchUp({ ...state, stale: { name, v, disputed } }, tries)
  return refuse(landing(state), name, error)
}

/** What a person tries again may have been passed by what was sent meanwhile [Q15]. */
const isRetried = (entry: Entry, name: Name): boolean =>
  entry.sealed && entry.retried === true && sameName(entry.name, name)

const isRemote = (frame: Ack | RemoteOp): frame is RemoteOp =>
  'op' in frame || 'create' in frame || 'del' in frame

const toStep = (segment: Segment): Step => ({
  n: segment.n,
  change: fromWire(segment),
  ...(segment.own && { own: fromWireCommitted(segment.own) }),
})
