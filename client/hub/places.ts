/**
 * The documents that are in use, each with its room and who is present in it. One is read from the log when somebody needs it,
 * and given up when nobody looks at it and nothing of it is unsent.
 */

import { HoldfastError } from '../../ops/errors.ts'
import { type DocKey, keyText } from '../../ops/identity.ts'
import type { ClientFrame } from '../../ops/protocol.ts'
import { restore } from '../engine/checkpoint.ts'
import { start } from '../engine/engine.ts'
import type { Effect } from '../engine/machine.ts'
import type { SavedReplica } from '../engine/saved.ts'
import { nothing, type Replica } from '../engine/state.ts'
import { unpack } from '../engine/stored.ts'
import type { Log, Stored } from '../log/log.ts'
import { Presence } from './presence.ts'
import { Room, type Surroundings } from './room.ts'

export interface Place {
  readonly room: Room
  readonly presence: Presence
}

export interface PlacesParts {
  readonly log: Log
  /** Names the hub. */
  readonly src: string
  readonly frameBytes: number
  readonly schema?: number
  readonly surroundings: Surroundings
  send(frame: ClientFrame): boolean
  /** The log has events of a document up to the `n`th. */
  found(key: DocKey, n: number): void
  /** The log cannot be read, or makes no sense. */
  failed(reason: unknown): void
  /** What must be there before a document is. */
  readonly ready: Promise<unknown>
  /** A room is there, of which the log holds `stored` (null: what nobody can read); `effects` are to be performed first of all. */
  begun(room: Room, effects: readonly Effect[], stored: Stored | null): void
  /** Resolves when the log has all that happened in the room. */
  written(room: Room): Promise<void>
  ended(room: Room): void
  /** Whether documents may be given up now. */
  mayEnd(): boolean
}

interface Read {
  readonly replica: Replica
  readonly logged: number
  readonly stored: Stored | null
  readonly src: string
}

export class Places {
  readonly #parts: PlacesParts
  readonly #places = new Map<string, Promise<Place>>()
  /** Those of `#places` that are ready. */
  readonly #ready = new Map<string, Place>()
  /** What the log is being asked for. */
  readonly #reading = new Map<string, Promise<Stored>>()
  /** Documents that were opened without what the log has of them. */
  #blind = 0
  #closed = false

  constructor(parts: PlacesParts) {
    this.#parts = parts
  }

  /** Whether the log has something of a document here that nobody could read. */
  get blind(): boolean {
    return this.#blind > 0
  }

  get all(): readonly Place[] {
    return [...this.#ready.values()]
  }

  has(key: DocKey): boolean {
    return this.#places.has(keyText(key))
  }

  /** The place, if it is ready; `id` as of `keyText`. */
  get(id: string): Place | undefined {
    return this.#ready.get(id)
  }

  take(key: DocKey): Promise<Place> {
    const id = keyText(key)
    const place = this.#places.get(id) ?? this.#load(key)
    this.#places.set(id, place)
    return place
  }

  /** Has a room for as long as `task` takes; one that was given up meanwhile is taken anew. */
  async visit<T>(key: DocKey, task: (place: Place) => Promise<T>): Promise<T> {
    for (;;) {
      if (this.#closed) throw new HoldfastError('CLIENT_CLOSED')
      const place = await this.take(key)
      if (this.#ready.get(keyText(key)) !== place) continue
      try {
        return await place.room.whileAwaited(() => task(place))
      } finally {
        this.quiet(place.room)
      }
    }
  }

  /** What the log has; not read twice at a time, as a large document takes as long as all else that a hub begins with. */
  stored(key: DocKey): Promise<Stored> {
    const id = keyText(key)
    const stored = this.#reading.get(id) ?? this.#parts.log.load(key)
    this.#reading.set(id, stored)
    const done = () => this.#reading.delete(id)
    stored.then(done, done)
    return stored
  }

  /** Gives a room up that nobody looks at and that has nothing to send, once the log has all of it. */
  quiet(room: Room): void {
    if (!this.#idle(room)) return
    void this.#parts.written(room).then(() => {
      const id = keyText(room.key)
      if (!this.#idle(room) || this.#ready.get(id)?.room !== room) return
      this.#ready.delete(id)
      this.#places.delete(id)
      this.#parts.ended(room)
    })
  }

  /** Takes none any more; resolves when those are ready that were on their way. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#places.values())
  }

  clear(): void {
    this.#closed = true
    for (const { room } of this.#ready.values()) room.close()
    this.#ready.clear()
  }

  #idle(room: Room): boolean {
    return (
      room.seats.size === 0 &&
      !room.awaited &&
      room.state.replica.pending.length === 0 &&
      !this.#closed &&
      this.#parts.mayEnd()
    )
  }

  async #load(key: DocKey): Promise<Place> {
    const { surroundings, frameBytes, schema, send, ready, begun } = this.#parts
    const [{ replica, logged, stored, src }] = await Promise.all([this.#read(key), ready])
    const [state, effects] = start(key, replica, logged, src, frameBytes, schema)
    const room = new Room(state, surroundings)
    const place = { room, presence: new Presence(keyText(key), send, room.seats) }
    this.#ready.set(keyText(key), place)
    begun(room, effects, stored)
    return place
  }

  /** What the log makes of a document; what cannot be read or makes no sense is left alone from here on. */
  async #read(key: DocKey): Promise<Read> {
    const { src, found, failed } = this.#parts
    try {
      const stored = await this.stored(key)
      const { checkpoint, events } = stored
      const folded = unpack(events.map(({ event }) => event))
      const replica = restore((checkpoint?.state as SavedReplica) ?? null, folded, checkpoint?.bulk?.value)
      const logged = events.at(-1)?.n ?? checkpoint?.n ?? 0
      found(key, logged)
      return { replica, logged, stored, src }
    } catch (reason) {
      failed(reason)
      // Nobody knows any more which names this hub gave in the document before.
      return { replica: nothing, logged: 0, stored: null, src: `${src}~${++this.#blind}` }
    }
  }
}
