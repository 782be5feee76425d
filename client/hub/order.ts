/**
 * In which order things are sent: the documents on screen catch up first and at once, the others a few at a time in the
 * order in which the log gives them; an edit that waits for another document's goes when that is committed.
 */

import { type DocKey, type Name, sameName } from '../../ops/identity.ts'
import { type Dependency, isAmong, nothing } from '../engine/state.ts'
import type { Room } from './room.ts'

/** Documents in the background that catch up at the same time. */
const BACKGROUND = 8

export class Order {
  /** Rooms by key, as far as they are loaded. */
  readonly #room: (key: DocKey) => Room | undefined
  /** Hears that what the oldest edit of a room waits for is held, where nobody will decide about that. */
  readonly #stuck: ((room: Room) => void) | undefined
  #line: Room[] = []
  readonly #catching = new Set<Room>()
  readonly #waiting = new Map<Room, { readonly name: Name; readonly after: readonly Dependency[] }>()
  /** Whether every document with unsent edits is loaded: before that, one that is not may still have the edit. */
  #complete = false

  constructor(room: (key: DocKey) => Room | undefined, stuck?: (room: Room) => void) {
    this.#room = room
    this.#stuck = stuck
  }

  // ---- catching up ----

  /** The link is open: these are to catch up. */
  begin(rooms: Iterable<Room>): void {
    this.end()
    for (const room of rooms) this.add(room)
  }

  add(room: Room): void {
    if (room.seats.size > 0 || room.awaited) {
      room.handle({ t: 'up' })
      return
    }
    this.#line.push(room)
    this.#admit()
  }

  /** Somebody looks at it now. */
  promote(room: Room): void {
    const at = this.#line.indexOf(room)
    if (at < 0) return
    this.#line.splice(at, 1)
    room.handle({ t: 'up' })
  }

  end(): void {
    this.#line = []
    this.#catching.clear()
  }

  #admit(): void {
    while (this.#line.length > 0 && this.#catching.size < BACKGROUND) {
      const room = this.#line.shift()!
      this.#catching.add(room)
      room.handle({ t: 'up' })
    }
  }

  // ---- dependencies ----

  /** The newest edits of these documents that are still to be committed; where the creation is held there is no document yet. */
  dependenciesOn(keys: readonly DocKey[]): Dependency[] {
    return keys.flatMap(key => {
      const { pending, base, held } = this.#room(key)?.state.replica ?? nothing
      const last = pending.at(-1)?.name ?? (base.type === null && held.at(-1)?.names.at(-1))
      return last ? [{ key, name: last }] : []
    })
  }

  wait(room: Room, name: Name, after: readonly Dependency[]): void {
    this.#waiting.set(room, { name, after })
    this.#clear()
  }

  /** Every document with unsent edits is loaded. */
  complete(): void {
    this.#complete = true
    this.#clear()
  }

  #clear(): void {
    if (!this.#complete) return
    for (const [room, { name, after }] of [...this.#waiting]) {
      const fates = after.map(each => this.#fateOf(each))
      const isStuck = this.#stuck !== undefined && fates.includes('held')
      if (!isStuck && fates.some(fate => fate !== 'committed')) continue
      this.#waiting.delete(room)
      if (isStuck) this.#stuck!(room)
      else room.handle({ t: 'cleared', name })
    }
  }

  /**
   * What is held is not committed: the edit that leads to it waits until a person has decided. What is pending where the server
   * will not have any is as good as held.
   */
  #fateOf({ key, name }: Dependency): 'committed' | 'pending' | 'held' {
    const state = this.#room(key)?.state
    if (!state) return 'committed'
    const { held, pending } = state.replica
    if (held.some(({ names }) => names.some(each => sameName(each, name)))) return 'held'
    if (!isAmong(pending, name)) return 'committed'
    return state.phase.name === 'barred' ? 'held' : 'pending'
  }

  // ---- after every event of a room ----

  moved(room: Room): void {
    const { name } = room.state.phase
    if (name !== 'catching' && this.#catching.delete(room)) this.#admit()
    if (this.#waiting.size > 0) this.#clear()
  }

  /** The room is given up. */
  forget(room: Room): void {
    this.#waiting.delete(room)
    this.#catching.delete(room)
    this.#line = this.#line.filter(each => each !== room)
  }
}
