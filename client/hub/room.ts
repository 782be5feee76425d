/**
 * One document in the hub: its engine, the seats of the tabs that have it open, and who waits for what. The room
 * performs what the engine says; the engine decides.
 */

import { applyChange, type Change, type Content, composeChanges } from '../../ops/change.ts'
import { type ErrorCode, errors, HoldfastError, isErrorCode } from '../../ops/errors.ts'
import { type DocKey, type Name, sameName } from '../../ops/identity.ts'
import type { WireError } from '../../ops/protocol.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import type { HeldEdit, Status, Truth } from '../api.ts'
import { next, wentBack } from '../engine/engine.ts'
import { named } from '../engine/held.ts'
import type { Effect, Event, State } from '../engine/machine.ts'
import {
  changesOf,
  type Dependency,
  type Held,
  isAmong,
  noSince,
  type Reason,
  type Replica,
  type TabEdit,
  typeUnder,
  unsent,
} from '../engine/state.ts'
import type { Phase } from '../link/link.ts'
import type { Seat } from './seat.ts'
import { passingsOf, sameTruth } from './told.ts'

/** What a room needs of its hub. */
export interface Surroundings {
  perform(room: Room, effect: Exclude<Effect, { t: 'show' }>): void
  /** After every event, once everything is done. */
  quiet(room: Room): void
  link(): Phase
  /** The edits of these documents that an edit made now may not be sent before. */
  dependenciesOn(keys: readonly DocKey[]): Dependency[]
  /** Why nothing can be saved on this device, if so. */
  logFault(): HoldfastError | null
}

/** An edit as it comes from a tab that opened the document as `type`. */
export interface Taking {
  readonly change: Change
  readonly type: TypeName
  readonly from: TabEdit
  /** It continues the group of the handle's edit before it, unless another handle edited in between [U16]. */
  readonly joins?: true
  /** Documents whose edits so far go before it. */
  readonly after?: readonly DocKey[]
  readonly schema?: number
}

interface Waiter {
  readonly done: (state: State) => boolean
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class Room {
  readonly seats = new Set<Seat>()
  readonly #around: Surroundings
  #state: State
  /** The last event that a person's edit made. */
  #edited = 0
  /** The handle that it came through: nobody continues the group of another. */
  #editor: string | null = null
  #truth: Truth
  #held: readonly HeldEdit[] = []
  /** What `#held` was made of. */
  #heldOf: readonly unknown[] = []
  #waiters: Waiter[] = []
  #awaited = 0

  constructor(state: State, around: Surroundings) {
    this.#state = state
    this.#around = around
    this.#truth = this.#look()
    this.#lookAtHeld()
  }

  get key(): DocKey {
    return this.#state.key
  }

  get state(): State {
    return this.#state
  }

  get view(): Content {
    return this.#state.replica.view
  }

  get truth(): Truth {
    return this.#truth
  }

  /** The held edits, and those that are pending where the server will not have any. */
  get held(): readonly HeldEdit[] {
    return this.#held
  }

  /** The last event here that a person's edit made. */
  get edited(): number {
    return this.#edited
  }

  /** What a held edit was made on; null if that is not known. Each is as large as the document, so `held` has none. */
  baseOf(name: Name): Content | null {
    const { replica } = this.#state
    const index = replica.pending.findIndex(entry => sameName(entry.name, name))
    if (index >= 0) return changesOf(replica).slice(0, index).reduce(applyChange, replica.base)
    return replica.held.find(held => named(held, name))?.base ?? null
  }

  /** How many edits of a handle are in here. */
  takenFrom(handle: string): number {
    return this.#state.replica.from.find(([name]) => name === handle)?.[1] ?? 0
  }

  /** Takes an edit of a tab; one that has no ground here is held, so that a person finds it. */
  take(
    { change, type, from, joins, after = [], schema = 0 }: Taking,
    fault: WireError | null,
    origin: Seat,
  ): void {
    const strand = ({ code, message }: WireError) =>
      this.handle({ t: 'strand', change, type, from, reason: { code, message } }, origin)
    if (fault) {
      strand(fault)
      return
    }
    try {
      const waits = this.#around.dependenciesOn(after)
      const grouped = joins && this.#editor === origin.handle
      this.handle(
        {
          t: 'edit',
          change,
          from,
          ...(grouped && { joins }),
          ...(waits.length > 0 && { after: waits }),
          ...(schema > 0 && { schema }),
        },
        origin,
      )
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error
      strand(error)
    }
  }

  /** Somebody waits to be seated: the room stays until then. */
  get awaited(): boolean {
    return this.#awaited > 0
  }

  async whileAwaited<T>(task: () => Promise<T>): Promise<T> {
    this.#awaited++
    try {
      return await task()
    } finally {
      this.#awaited--
    }
  }

  /** Folds an event in and does what follows. Throws only for a misfit local edit. */
  handle(event: Event, origin: Seat | null = null): void {
    const [state, effects] = next(this.#state, event)
    this.perform(state, effects, origin, event.t)
    if (isEdit(event)) {
      this.#edited = this.#state.logged
      this.#editor = origin?.handle ?? null
    }
    this.refresh()
  }

  perform(
    state: State,
    effects: readonly Effect[],
    origin: Seat | null = null,
    what: Event['t'] | null = null,
  ): void {
    const before = this.#state.replica.view.type
    this.#state = state
    const changes: Change[] = []
    for (const effect of effects) {
      if (effect.t === 'show') changes.push(...effect.changes)
      else this.#around.perform(this, effect)
    }
    if (changes.length === 0) return
    const shown = passingsOf(composeChanges(changes, this.view), before)
    const made = what === 'edit' ? origin : null
    for (const seat of this.seats) if (seat !== made) seat.show(shown, isUndo(what) && seat === origin)
    // The first change is what the tab itself did; whatever followed at once is news to it as well.
    const followed = passingsOf(changes, before).slice(1)
    if (made && followed.length > 0) made.show(followed, false)
  }

  /** Tells what has become true since the last time. */
  refresh(): void {
    const truth = this.#look()
    const held = this.#lookAtHeld()
    if (held || !sameTruth(truth, this.#truth)) {
      this.#truth = truth
      for (const seat of this.seats) seat.tellTruth(held)
    }
    for (const seat of this.seats) seat.flush()
    this.#wakeWaiters()
    this.#around.quiet(this)
  }

  /** The log has the base apart, as it is now. */
  apart(): void {
    const { replica } = this.#state
    this.#state = {
      ...this.#state,
      replica: { ...replica, since: replica.base.type === null ? null : noSince },
    }
  }

  saved(): Promise<void> {
    const n = this.#edited
    return this.#wait(state => {
      const fault = this.#around.logFault()
      if (fault !== null) throw fault
      return state.saved >= n
    })
  }

  async settled(): Promise<void> {
    await this.#wait(({ phase }) => phase.name !== 'restoring')
    const last = this.#state.replica.pending.at(-1)?.name
    await this.#wait(state => !last || !isAmong(state.replica.pending, last))
    const { replica, logged } = this.#state
    // What is held is nowhere but here.
    if (replica.held.length > 0) await this.#wait(state => state.saved >= logged)
  }

  /** Everything is on the server or held, or the server will not talk about the document. */
  rested(): Promise<void> {
    return this.#wait(state => state.replica.pending.length === 0 || state.phase.name === 'barred')
  }

  /** It has what the server has, or cannot have it now. */
  caught(): Promise<void> {
    return this.#wait(
      ({ phase }) => phase.name === 'live' || phase.name === 'barred' || isCutOff(this.#around.link()),
    )
  }

  /** The server (or its silence) has said whether the document exists. */
  known(): Promise<void> {
    return this.#wait(
      state =>
        state.replica.v !== null ||
        state.replica.pending.length > 0 ||
        state.phase.name === 'barred' ||
        isCutOff(this.#around.link()),
    )
  }

  close(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new HoldfastError('CLIENT_CLOSED'))
    this.seats.clear()
  }

  #wait(done: Waiter['done']): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ done, resolve, reject })
      this.#wakeWaiters()
    })
  }

  #wakeWaiters(): void {
    this.#waiters = this.#waiters.filter(waiter => {
      try {
        if (!waiter.done(this.#state)) return true
        waiter.resolve()
      } catch (error) {
        waiter.reject(error as Error)
      }
      return false
    })
  }

  /** Whether it became another list. */
  #lookAtHeld(): boolean {
    const { replica, phase } = this.#state
    const barred = phase.name === 'barred' ? replica.pending : []
    const of = [replica.held, ...barred]
    if (of.length === this.#heldOf.length && of.every((each, i) => each === this.#heldOf[i])) return false
    this.#heldOf = of
    this.#held = replica.held.map(describe)
    if (phase.name === 'barred') this.#held = [...this.#held, ...pendingAsHeld(replica, phase.error)]
    return true
  }

  #look(): Truth {
    const { replica, saved, phase } = this.#state
    const fault = this.#around.logFault()
    return {
      status: statusOf(this.#state, this.#around.link()),
      unsent: unsent(replica),
      saved: fault === null && saved >= this.#edited,
      settled: replica.pending.length === 0 && replica.held.length === 0,
      held: replica.held.length + (phase.name === 'barred' ? replica.pending.length : 0),
      exists: replica.view.type !== null,
      canUndo: replica.undo.undo.length > 0,
      canRedo: replica.undo.redo.length > 0,
      wentBack: wentBack(this.#state),
      error:
        fault !== null
          ? { code: fault.code, message: fault.message }
          : 'error' in phase
            ? coded(phase.error)
            : linkFault(this.#around.link()),
    }
  }
}

const isUndo = (what: Event['t'] | null): boolean => what === 'undo' || what === 'redo'

/** Whether a person made something that is to be saved. */
const isEdit = ({ t }: Event): boolean => t === 'edit' || t === 'strand' || t === 'retry' || isUndo(t)

/** No answer is to be expected soon. */
const isCutOff = (link: Phase): boolean => link.name === 'closed' || ('tries' in link && link.tries > 0)

function statusOf(state: State, link: Phase): Status {
  const { replica, phase } = state
  if (replica.held.length > 0 || (phase.name === 'barred' && replica.pending.length > 0)) return 'held'
  if (isCutOff(link) || phase.name === 'barred') return 'offline'
  if (link.name !== 'up' || ['offline', 'catching', 'restoring'].includes(phase.name)) return 'connecting'
  return replica.pending.length > 0 || phase.name === 'pausing' ? 'syncing' : 'synced'
}

/** What keeps the link from the server, where a person may have to mend it. */
const linkFault = (link: Phase): Truth['error'] =>
  'code' in link && link.code ? { code: link.code, message: errors[link.code].meaning } : null

const coded = (reason: Reason): { code: ErrorCode; message: string } => ({
  code: isErrorCode(reason.code) ? reason.code : 'INTERNAL',
  message: reason.message,
})

const describe = ({ names, reason, type, original, change }: Held): HeldEdit => ({
  name: names[0] as Name,
  reason,
  type,
  original,
  change,
  text: textOf(original, type),
})

function pendingAsHeld(replica: Replica, reason: Reason): HeldEdit[] {
  return changesOf(replica).map((change, i) => {
    const entry = replica.pending[i]!
    const type = typeUnder(replica, entry)
    return { name: entry.name, reason, type, original: change, change, text: textOf(change, type) }
  })
}

function textOf(change: Change, name: TypeName): string {
  if ('op' in change) return typeOf(name).textOf({ op: change.op })
  return 'create' in change ? typeOf(change.create.type).textOf({ doc: change.create.data }) : ''
}
