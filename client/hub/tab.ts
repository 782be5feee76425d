/** The hub at home in the tab: rooms, one link, one log. */

import type { Change, Content } from '../../ops/change.ts'
import { HoldfastError } from '../../ops/errors.ts'
import { type DocKey, keyText, type Name } from '../../ops/identity.ts'
import type { ServerFrame } from '../../ops/protocol.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import type { Client, HeldEdit, KnownDoc, Truth } from '../api.ts'
import type { Clock } from '../clock.ts'
import { restore, type SavedReplica } from '../engine/checkpoint.ts'
import { type Effect, start } from '../engine/engine.ts'
import type { ReplicaEvent } from '../engine/replica.ts'
import { nothing, type Replica } from '../engine/state.ts'
import { isOpen, type Link, type LinkEvents, type Phase } from '../link/link.ts'
import { backoff, defaultTimings } from '../link/websocket.ts'
import type { Log } from '../log/log.ts'
import type { Attachment, Hub, Listener } from './hub.ts'
import { Presence } from './presence.ts'
import { Room, type Surroundings } from './room.ts'
import { Writer } from './writer.ts'

export interface TabHubOptions {
  readonly log: Log
  /** This incarnation's name; never used before. */
  readonly src: string
  readonly clock: Clock
  readonly link: (events: LinkEvents) => Link
  /** Bytes of the largest frame that the server takes. */
  readonly frameBytes: number
  /** How long `attach` waits for a server that neither answers nor fails before it goes on as if offline. */
  readonly attachMs: number
}

interface Seat {
  readonly room: Room
  readonly presence: Presence
}

export class TabHub implements Hub, Surroundings {
  readonly #options: TabHubOptions
  readonly #link: Link
  readonly #writer: Writer
  readonly #seats = new Map<string, Promise<Seat>>()
  /** Those of `#seats` that are ready. */
  readonly #ready = new Map<string, Seat>()
  readonly #phaseListeners = new Set<(phase: Client['phase']) => void>()
  #fault: string | null = null
  #closed = false

  constructor(options: TabHubOptions) {
    this.#options = options
    this.#writer = new Writer(options.log, () => options.clock.now(), {
      saved: (key, n) => this.#ready.get(keyText(key))?.room.handle({ t: 'saved', n }),
      failed: reason => this.#logFailed(reason),
    })
    this.#link = options.link({ phase: phase => this.#linkPhase(phase), frame: frame => this.#route(frame) })
    void this.#resume()
  }

  get phase(): Client['phase'] {
    return phaseOf(this.#link.phase)
  }

  async attach(key: DocKey, type: TypeName, listener: Listener): Promise<Attachment> {
    if (this.#closed) throw new HoldfastError('CLIENT_CLOSED')
    const { room, presence } = await this.#occupy(key, listener)
    await this.#inTime(room.known())
    const existing = room.view.type
    if (existing !== null && existing !== type) {
      room.listeners.delete(listener)
      this.quiet(room)
      throw new HoldfastError(
        'TYPE_MISMATCH',
        `${key.collection}/${key.id} is of type ${existing}; it was opened as ${type}.`,
      )
    }
    meet({ room, presence })
    return new Seated(this, room, presence, type, listener)
  }

  async known(): Promise<readonly KnownDoc[]> {
    const docs = await this.#options.log.list()
    return docs.map(({ key, type, unsent, held, at }) => ({
      collection: key.collection,
      id: key.id,
      type,
      unsent,
      held,
      at,
    }))
  }

  onPhase(listener: (phase: Client['phase']) => void): () => void {
    this.#phaseListeners.add(listener)
    return () => this.#phaseListeners.delete(listener)
  }

  reconnect(): void {
    this.#link.retry()
  }

  wake(): void {
    this.#link.wake()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const { presence } of this.#ready.values()) presence.leave()
    this.#link.close()
    await Promise.allSettled(this.#seats.values())
    await this.#writer.flush()
    for (const { room } of this.#ready.values()) room.close()
    this.#ready.clear()
    await this.#options.log.close()
  }

  // ---- what rooms need ----

  perform(room: Room, effect: Exclude<Effect, { t: 'show' }>): void {
    if (effect.t === 'append') this.#writer.append(room.key, effect.n, effect.event)
    else if (effect.t === 'send') this.#link.send(effect.frame)
    else {
      const { clock } = this.#options
      clock.after(
        backoff(effect.tries, clock, defaultTimings),
        () => !this.#closed && room.handle({ t: 'wake' }),
      )
    }
  }

  /** A room that nobody looks at and that has nothing to send is given up, once the log has all of it. */
  quiet(room: Room): void {
    if (!this.#idle(room)) return
    void this.#writer.flush().then(() => {
      const id = keyText(room.key)
      if (!this.#idle(room) || this.#ready.get(id)?.room !== room) return
      this.#ready.delete(id)
      this.#seats.delete(id)
      this.#writer.forget(room.key)
      this.#link.send({ a: 'u', c: room.key.collection, d: room.key.id })
    })
  }

  link(): Phase {
    return this.#link?.phase ?? { name: 'dialing', tries: 0 }
  }

  logFault(): string | null {
    return this.#fault
  }

  /** Without a working log nothing may be given up: it would be forgotten, and its names used again. */
  #idle(room: Room): boolean {
    return (
      room.listeners.size === 0 &&
      room.state.replica.pending.length === 0 &&
      this.#fault === null &&
      !this.#closed
    )
  }

  // ---- rooms ----

  /** Edits that an earlier visit left unsent are sent even if nobody opens their documents. */
  async #resume(): Promise<void> {
    try {
      for (const doc of await this.#options.log.list()) {
        if (doc.unsent > 0 && !this.#closed) await this.#seat(doc.key)
      }
    } catch (reason) {
      this.#logFailed(reason)
    }
  }

  /** A seat with the listener on it; one that was given up while we waited for it is taken anew. */
  async #occupy(key: DocKey, listener: Listener): Promise<Seat> {
    for (;;) {
      const seat = await this.#seat(key)
      if (this.#ready.get(keyText(key)) !== seat) continue
      seat.room.listeners.add(listener)
      return seat
    }
  }

  #seat(key: DocKey): Promise<Seat> {
    const id = keyText(key)
    const seat = this.#seats.get(id) ?? this.#load(key)
    this.#seats.set(id, seat)
    return seat
  }

  async #load(key: DocKey): Promise<Seat> {
    const { replica, logged, since } = await this.#read(key)
    const [state, effects] = start(key, replica, logged, this.#options.src, this.#options.frameBytes)
    const room = new Room(state, this)
    const presence = new Presence(
      keyText(key),
      frame => this.#link.send(frame),
      peers => {
        for (const listener of room.listeners) listener.presence(peers)
      },
    )
    const seat = { room, presence }
    this.#ready.set(keyText(key), seat)
    this.#writer.open(() => room.state, since)
    room.perform(state, effects)
    if (isOpen(this.#link.phase)) room.handle({ t: 'up' })
    return seat
  }

  /** What the log makes of a document; a log that cannot be read or makes no sense is left alone from here on. */
  async #read(key: DocKey): Promise<{ replica: Replica; logged: number; since: number }> {
    try {
      const { checkpoint, events } = await this.#options.log.load(key)
      const folded = events.map(item => item.event as ReplicaEvent)
      const replica = restore((checkpoint?.state as SavedReplica) ?? null, folded)
      return { replica, logged: events.at(-1)?.n ?? checkpoint?.n ?? 0, since: events.length }
    } catch (reason) {
      this.#logFailed(reason)
      return { replica: nothing, logged: 0, since: 0 }
    }
  }

  /** Waits for `known`, but not longer than `attachMs`; a client that is closed meanwhile leaves no timer behind. */
  async #inTime(known: Promise<void>): Promise<void> {
    let cancel = () => {}
    const late = new Promise<void>(resolve => {
      cancel = this.#options.clock.after(this.#options.attachMs, resolve)
    })
    await Promise.race([known, late]).finally(cancel)
  }

  /** Editing goes on in memory, and everybody is told that this device saves nothing. */
  #logFailed(reason: unknown): void {
    if (this.#fault !== null) return
    this.#fault = reason instanceof Error ? reason.message : String(reason)
    for (const { room } of this.#ready.values()) room.refresh()
  }

  // ---- the link ----

  /** Rooms ask for what they missed behind the greeting: its answer comes first, and is not waited for. */
  #linkPhase(phase: Phase): void {
    for (const { room, presence } of this.#ready.values()) {
      if (phase.name === 'greeting') room.handle({ t: 'up' })
      else if (phase.name === 'up') room.refresh()
      else if (room.state.phase.name !== 'offline') {
        room.handle({ t: 'down' })
        presence.down()
      } else room.refresh()
    }
    for (const listener of this.#phaseListeners) listener(phaseOf(phase))
  }

  #route(frame: ServerFrame): void {
    if ('ch' in frame) {
      const presence = this.#ready.get(frame.ch)?.presence
      if (frame.a === 'p' && frame.src !== this.#options.src) presence?.heard(frame)
      else if (frame.a === 'pr') presence?.asked()
      return
    }
    if (!('d' in frame)) return
    const seat = this.#ready.get(keyText({ collection: frame.c, id: frame.d }))
    if (!seat) return
    if (frame.a === 'op') seat.room.handle({ t: 'op', frame })
    else if (frame.a === 'h.catchup') {
      seat.room.handle({ t: 'answer', frame })
      meet(seat)
    }
  }
}

/** Who looks at a document meets the others when it is caught up: edits come before carets. */
function meet({ room, presence }: Seat): void {
  if (room.state.phase.name === 'live' && room.listeners.size > 0) presence.up()
}

function phaseOf(phase: Phase): Client['phase'] {
  if (phase.name === 'closed') return 'closed'
  if (phase.name === 'up') return 'online'
  return phase.tries > 0 ? 'offline' : 'connecting'
}

/** A handle on a room of this hub. */
class Seated implements Attachment {
  readonly #hub: TabHub
  readonly #room: Room
  readonly #presence: Presence
  readonly #type: TypeName
  readonly #listener: Listener

  constructor(hub: TabHub, room: Room, presence: Presence, type: TypeName, listener: Listener) {
    this.#hub = hub
    this.#room = room
    this.#presence = presence
    this.#type = type
    this.#listener = listener
  }

  get view(): Content {
    const { view } = this.#room
    return view.type === null ? { type: this.#type, data: typeOf(this.#type).create() } : view
  }

  get truth(): Truth {
    return this.#room.truth
  }

  get held(): readonly HeldEdit[] {
    return this.#room.held
  }

  edit(change: Change, joins: boolean): void {
    this.#room.edit(change, joins, this.#type, this.#listener)
  }

  undo(): void {
    this.#room.handle({ t: 'undo' }, this.#listener)
  }

  redo(): void {
    this.#room.handle({ t: 'redo' }, this.#listener)
  }

  retry(name: Name): void {
    this.#room.handle({ t: 'retry', name })
  }

  discard(name: Name): void {
    this.#room.handle({ t: 'discard', name })
  }

  announce(state: unknown): void {
    this.#presence.announce(state)
  }

  saved(): Promise<void> {
    return this.#room.saved()
  }

  settled(): Promise<void> {
    return this.#room.settled()
  }

  async detach(): Promise<void> {
    this.#room.listeners.delete(this.#listener)
    if (this.#room.listeners.size === 0) this.#presence.leave()
    this.#hub.quiet(this.#room)
  }
}
