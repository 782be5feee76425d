/**
 * One document in the hub: its engine, the handles on it, and who waits for what. The room performs what the engine
 * says; the engine decides.
 */

import { type Change, type Content, composeChanges } from '../../ops/change.ts'
import { type ErrorCode, HoldfastError, isErrorCode } from '../../ops/errors.ts'
import { type DocKey, type Name, sameName } from '../../ops/identity.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import type { HeldEdit, Status, Truth } from '../api.ts'
import { type Effect, type Event, next, type State } from '../engine/engine.ts'
import { type Held, type Reason, unsent } from '../engine/state.ts'
import type { Phase } from '../link/link.ts'
import type { Listener } from './hub.ts'

/** What a room needs of its hub. */
export interface Surroundings {
  perform(room: Room, effect: Exclude<Effect, { t: 'show' }>): void
  /** After every event, once everything is done. */
  quiet(room: Room): void
  link(): Phase
  /** Why nothing can be saved on this device, if so. */
  logFault(): string | null
}

interface Waiter {
  readonly done: (state: State) => boolean
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class Room {
  readonly listeners = new Set<Listener>()
  readonly #around: Surroundings
  #state: State
  /** The last event that a person's edit made. */
  #edited = 0
  /** Who made that edit: nobody continues the group of another. */
  #editor: Listener | null = null
  #truth: Truth
  #held: readonly HeldEdit[] = []
  #heldOf: readonly Held[] = []
  #shows: { changes: readonly Change[]; origin: Listener | null; undone: boolean }[] = []
  #showing = false
  #waiters: Waiter[] = []

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

  /** Folds an event in and does what follows; reentrant, because listeners edit. Throws only for a misfit local edit. */
  handle(event: Event, origin: Listener | null = null): void {
    const [state, effects] = next(this.#state, event)
    this.perform(state, effects, origin, event.t === 'undo' || event.t === 'redo')
    if (event.t === 'edit' || event.t === 'retry' || event.t === 'undo' || event.t === 'redo') {
      this.#edited = this.#state.logged
      this.#editor = origin
    }
    this.refresh()
  }

  /** An op on a document that does not exist creates it first. */
  edit(change: Change, joins: boolean, type: TypeName, origin: Listener): void {
    if ('op' in change && this.view.type === null) {
      this.handle({ t: 'edit', change: { create: { type, data: typeOf(type).create() } } }, origin)
    }
    this.handle({ t: 'edit', change, joins: joins && this.#editor === origin }, origin)
  }

  perform(state: State, effects: readonly Effect[], origin: Listener | null = null, undone = false): void {
    this.#state = state
    const changes: Change[] = []
    for (const effect of effects) {
      if (effect.t === 'show') changes.push(...effect.changes)
      else this.#around.perform(this, effect)
    }
    if (changes.length > 0) this.#show(changes, origin, undone)
  }

  /** Tells what has become true since the last time. */
  refresh(): void {
    const truth = this.#look()
    const held = this.#state.replica.held !== this.#heldOf
    if (held || !sameTruth(truth, this.#truth)) {
      this.#truth = truth
      for (const listener of this.listeners) listener.truth(truth)
    }
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
    this.listeners.clear()
  }

  /** Shows in order, even when a listener edits while it is shown something. */
  #show(changes: readonly Change[], origin: Listener | null, undone: boolean): void {
    this.#shows.push({ changes: composeChanges(changes, this.view), origin, undone })
    if (this.#showing) return
    this.#showing = true
    try {
      for (let show = this.#shows.shift(); show; show = this.#shows.shift()) {
        for (const change of show.changes) {
          for (const listener of this.listeners) {
            const own = listener === show.origin
            listener.change(change, own && !show.undone, own && show.undone)
          }
        }
      }
    } finally {
      this.#showing = false
    }
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
      canUndo: replica.undo.undo.length > 0,
      canRedo: replica.undo.redo.length > 0,
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

const sameTruth = (a: Truth, b: Truth): boolean =>
  a.status === b.status &&
  a.unsent === b.unsent &&
  a.saved === b.saved &&
  a.settled === b.settled &&
  a.held === b.held &&
  a.exists === b.exists &&
  a.canUndo === b.canUndo &&
  a.canRedo === b.canRedo &&
  a.error?.code === b.error?.code

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
