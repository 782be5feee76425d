/**
 * One document in the hub: its engine, the seats of the tabs that have it open, and who waits for what. The room
 * performs what the engine says; the engine decides.
 */

import { type Change, type Content, composeChanges } from '../../ops/change.ts'
import { type ErrorCode, HoldfastError, isErrorCode } from '../../ops/errors.ts'
import { type DocKey, type Name, sameName } from '../../ops/identity.ts'
import type { WireError } from '../../ops/protocol.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import type { HeldEdit, Status, Truth } from '../api.ts'
import { type Effect, type Event, next, type State } from '../engine/engine.ts'
import { type Dependency, type Held, type Reason, type TabEdit, unsent } from '../engine/state.ts'
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
  logFault(): string | null
}

/** An edit as it comes from a tab that opened the document as `type`. */
export interface Taking {
  readonly change: Change
  readonly type: TypeName
  readonly from: TabEdit
  /** Documents whose edits so far go before it. */
  readonly after?: readonly DocKey[]
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
  #truth: Truth
  #held: readonly HeldEdit[] = []
  #heldOf: readonly Held[] = []
  #waiters: Waiter[] = []
  #awaited = 0

  constructor(state: State, around: Surroundings) {
    this.#state = state
    this.#around = around
    this.#truth = this.#look()
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

  get held(): readonly HeldEdit[] {
    const { held } = this.#state.replica
    if (held !== this.#heldOf) {
      this.#heldOf = held
      this.#held = held.map(describe)
    }
    return this.#held
  }

  /** The last event here that a person's edit made. */
  get edited(): number {
    return this.#edited
  }

  /** How many edits of a handle are in here. */
  takenFrom(handle: string): number {
    return this.#state.replica.from.find(([name]) => name === handle)?.[1] ?? 0
  }

  /** Takes an edit of a tab; one that has no ground here is held, so that a person finds it. */
  take({ change, type, from, after = [] }: Taking, fault: WireError | null, origin: Seat): void {
    const strand = ({ code, message }: WireError) =>
      this.handle({ t: 'strand', change, type, from, reason: { code, message } }, origin)
    if (fault) {
      strand(fault)
      return
    }
    try {
      const waits = this.#around.dependenciesOn(after)
      this.handle({ t: 'edit', change, from, ...(waits.length > 0 && { after: waits }) }, origin)
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
    this.perform(state, effects, origin)
    if (event.t === 'edit' || event.t === 'strand' || event.t === 'retry') this.#edited = this.#state.logged
    this.refresh()
  }

  perform(state: State, effects: readonly Effect[], origin: Seat | null = null): void {
    const before = this.#state.replica.view.type
    this.#state = state
    const changes: Change[] = []
    for (const effect of effects) {
      if (effect.t === 'show') changes.push(...effect.changes)
      else this.#around.perform(this, effect)
    }
    if (changes.length === 0) return
    const shown = passingsOf(composeChanges(changes, this.view), before)
    for (const seat of this.seats) if (seat !== origin) seat.show(shown)
    // The first change is what the tab itself did; whatever followed at once is news to it as well.
    const followed = passingsOf(changes, before).slice(1)
    if (origin && followed.length > 0) origin.show(followed)
  }

  /** Tells what has become true since the last time. */
  refresh(): void {
    const truth = this.#look()
    const held = this.#state.replica.held !== this.#heldOf
    if (held || !sameTruth(truth, this.#truth)) {
      this.#truth = truth
      for (const seat of this.seats) seat.tellTruth(held)
    }
    for (const seat of this.seats) seat.flush()
    this.#wakeWaiters()
    this.#around.quiet(this)
  }

  saved(): Promise<void> {
    const n = this.#edited
    return this.#wait(state => {
      const fault = this.#around.logFault()
      if (fault !== null) throw new HoldfastError('LOG_FAILED', fault)
      return state.saved >= n
    })
  }

  settled(): Promise<void> {
    const last = this.#state.replica.pending.at(-1)?.name
    return this.#wait(state => !last || !state.replica.pending.some(entry => sameName(entry.name, last)))
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

  #look(): Truth {
    const { replica, saved, phase } = this.#state
    const fault = this.#around.logFault()
    return {
      status: statusOf(this.#state, this.#around.link()),
      unsent: unsent(replica),
      saved: fault === null && saved >= this.#edited,
      settled: replica.pending.length === 0 && replica.held.length === 0,
      held: replica.held.length,
      exists: replica.view.type !== null,
      error:
        fault !== null
          ? { code: 'LOG_FAILED', message: fault }
          : 'error' in phase
            ? coded(phase.error)
            : null,
    }
  }
}

/** No answer is to be expected soon. */
const isCutOff = (link: Phase): boolean => link.name === 'closed' || ('tries' in link && link.tries > 0)

function statusOf(state: State, link: Phase): Status {
  const { replica, phase } = state
  if (replica.held.length > 0 || (phase.name === 'barred' && replica.pending.length > 0)) return 'held'
  if (isCutOff(link) || phase.name === 'barred') return 'offline'
  if (link.name !== 'up' || phase.name === 'offline' || phase.name === 'catching') return 'connecting'
  return replica.pending.length > 0 || phase.name === 'pausing' ? 'syncing' : 'synced'
}

const coded = (reason: Reason): { code: ErrorCode; message: string } => ({
  code: isErrorCode(reason.code) ? reason.code : 'INTERNAL',
  message: reason.message,
})

function describe(held: Held): HeldEdit {
  const type = typeOf(held.type)
  const { original } = held
  const text =
    'op' in original
      ? type.textOf({ op: original.op })
      : 'create' in original
        ? type.textOf({ doc: original.create.data })
        : ''
  return { name: held.names[0] as Name, reason: held.reason, original, change: held.change, text }
}
