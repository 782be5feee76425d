/**
 * The one owner of log and link for all tabs: a room for each open document, a seat in it for each handle of a tab.
 * Tabs reach it over ports (messages.ts), wherever it lives.
 */

import type { Change } from '../../ops/change.ts'
import { HoldfastError } from '../../ops/errors.ts'
import { type DocKey, keyText } from '../../ops/identity.ts'
import type { ServerFrame } from '../../ops/protocol.ts'
import type { Client, KnownDoc, Metrics } from '../api.ts'
import type { Clock } from '../clock.ts'
import { restore } from '../engine/checkpoint.ts'
import { type Effect, type Event, start } from '../engine/engine.ts'
import type { SavedReplica } from '../engine/saved.ts'
import { type Dependency, nothing, type Replica, unsent } from '../engine/state.ts'
import { unpack } from '../engine/stored.ts'
import { isOpen, type Link, type LinkEvents, type Phase } from '../link/link.ts'
import { backoff, defaultTimings } from '../link/websocket.ts'
import { type Log, logFailed, nothingStored, type Stored } from '../log/log.ts'
import { App } from './app.ts'
import { Canary } from './canary.ts'
import { Guardian, type Storage, type StorageLimits, storageLimits } from './guardian.ts'
import { Guests, type Host, type HubQuestion, meet, type Place, type TabPort } from './guests.ts'
import { type Household, writeJournal } from './journal.ts'
import { Keeper } from './keeper.ts'
import { Manifest } from './manifest.ts'
import { Meter } from './meter.ts'
import { Order } from './order.ts'
import { Presence } from './presence.ts'
import { Room, type Surroundings } from './room.ts'
import { Sleep, WAKING_MS } from './sleep.ts'
import { Writer } from './writer.ts'

export interface HubOptions {
  readonly log: Log
  /** What the log is called on this device. */
  readonly name?: string
  /** This incarnation's name; never used before. */
  readonly src: string
  readonly clock: Clock
  /** `token` asks the app for one, through any tab. */
  readonly link: (events: LinkEvents, token: () => Promise<string | null>) => Link
  /** Bytes of the largest frame that the server takes. */
  readonly frameBytes: number
  /** Version of the app's schema; default 0. */
  readonly schema?: number
  /** How long `attach` waits for a server that neither answers nor fails before it goes on as if offline. */
  readonly attachMs: number
  /** What the browser says of its space; null where nobody knows. */
  readonly storage?: Storage | null
  readonly limits?: Partial<StorageLimits>
  /** The log went over to another hub: this one has given up, and its tabs were told. */
  readonly fenced?: () => void
  /** What the oldest edit of the room waits for is held; without it, that waits for a person's decision. */
  readonly stuck?: (room: Room) => void
}

/** Why nothing is exchanged with the server: a person paused it, or the hub cannot know whether it still is one. */
type Halt = 'wish' | 'doubt'

export class Hub implements Surroundings, Household, Host {
  readonly #options: HubOptions
  #link: Link
  readonly #halts = new Set<Halt>()
  readonly #sleep: Sleep
  readonly #writer: Writer
  readonly canary: Canary
  readonly #manifest: Manifest
  readonly #keeper: Keeper
  readonly #guardian: Guardian
  /** The log found no space, and some is being made. */
  #stalled = false
  readonly app = new App()
  readonly #guests = new Guests(this)
  readonly #meter: Meter
  readonly #order: Order
  readonly #places = new Map<string, Promise<Place>>()
  /** Those of `#places` that are ready. */
  readonly #ready = new Map<string, Place>()
  /** What the log is being asked for. */
  readonly #reading = new Map<string, Promise<Stored>>()
  #fault: HoldfastError | null = null
  /** Documents that were opened without what the log has of them. */
  #blind = 0
  #closed = false

  constructor(options: HubOptions) {
    this.#options = options
    this.#sleep = new Sleep(options.clock)
    this.#order = new Order(key => this.#ready.get(keyText(key))?.room, options.stuck)
    this.#meter = new Meter(options.clock)
    this.#writer = new Writer(options.log, options.clock, {
      saved: (key, n) => this.#saved(key, n),
      apart: key => this.#ready.get(keyText(key))?.room.apart(),
      failed: reason => this.#logFailed(reason),
    })
    const { identity } = options.log
    this.canary = new Canary({ identity, load: key => this.#stored(key) }, options.clock, {
      note: text => this.#guests.tellAll({ t: 'note', text }),
      loss: loss => this.#guests.tellAll({ t: 'loss', loss }),
    })
    this.#manifest = new Manifest({
      clock: options.clock,
      log: options.name ?? '',
      device: options.log.identity.device,
      send: frame => this.#link.send(frame),
      lost: lost => this.canary.told(lost),
    })
    this.#keeper = new Keeper({
      log: options.log,
      mayFetch: () => this.#link.phase.name === 'up' && !this.#link.network.metered,
      visit: (key, task) => this.#visit(key, ({ room }) => task(room)),
      summarize: key => {
        this.#writer.summarize(key)
        return this.#writer.flush()
      },
    })
    this.#guardian = new Guardian({
      log: options.log,
      clock: options.clock,
      storage: options.storage ?? null,
      limits: { ...storageLimits, ...options.limits },
      isOpen: key => this.#places.has(keyText(key)),
    })
    this.#guardian.grew()
    options.log.onLost(reason => this.#logFailed(reason))
    this.#link = this.#dial()
    void this.#resume()
  }

  #dial(): Link {
    return this.#options.link(
      {
        phase: phase => this.#linkPhase(phase),
        frame: frame => this.#route(frame),
        network: ({ slow }) => {
          for (const { room } of this.#ready.values()) room.handle({ t: 'network', slow })
        },
      },
      () => this.app.ask(this.#guests.ports, { q: 'token' }) as Promise<string | null>,
    )
  }

  /** Takes a tab in, for as long as it does not say `bye` or `leave` is called. */
  serve(port: TabPort): { leave(): void } {
    return this.#guests.serve(port)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const { presence } of this.#ready.values()) presence.leave()
    this.#link.close()
    await Promise.allSettled(this.#places.values())
    await this.#writer.close()
    this.#end()
    await this.#options.log.close()
  }

  // ---- what tabs need ----

  get closed(): boolean {
    return this.#closed
  }

  get phase(): Client['phase'] {
    return this.#phaseOf(this.#link.phase)
  }

  whenKnown<T>(key: DocKey, task: (place: Place) => T): Promise<T> {
    return this.#visit(key, async place => {
      this.#order.promote(place.room)
      await this.#inTime(place.room.known())
      return task(place)
    })
  }

  async find(question: HubQuestion): Promise<unknown> {
    switch (question.q) {
      case 'known':
        return this.#known()
      case 'metrics':
        return this.#metrics()
      case 'storage':
        return this.#guardian.facts()
      case 'keep':
        await this.#keeper.keep(question.collection, question.ids)
        if (this.#fault) throw this.#fault
        return
      case 'journal':
        return writeJournal(this, this.#options.clock.now())
    }
  }

  steer(how: 'pause' | 'resume' | 'reconnect' | 'wake'): void {
    if (how === 'pause') this.#halt('wish')
    else if (how === 'resume') this.#goOn('wish')
    else if (how === 'wake') this.#link.wake()
    else this.#link.retry()
  }

  /** The log's list, and what is newer in the rooms. */
  async #known(): Promise<KnownDoc[]> {
    const docs = await this.#options.log.list()
    return docs.map(({ key, type, unsent: logged, held, at, pinned }) => {
      const replica = this.#ready.get(keyText(key))?.room.state.replica
      return {
        collection: key.collection,
        id: key.id,
        type: replica ? replica.view.type : type,
        unsent: replica ? unsent(replica) : logged,
        held: replica ? replica.held.length : held,
        at,
        kept: pinned,
      }
    })
  }

  #metrics(): Metrics {
    const replicas = this.rooms().map(({ state }) => state.replica)
    return {
      documents: replicas.length,
      unsent: replicas.reduce((sum, replica) => sum + unsent(replica), 0),
      held: replicas.reduce((sum, { held }) => sum + held.length, 0),
      tabs: this.#guests.count,
      roundTrip: this.#link.roundTrip,
      ...this.#meter.read(),
    }
  }

  // ---- what journal.ts and rescue.ts need ----

  get log(): Log {
    return this.#options.log
  }

  rooms(): Room[] {
    return [...this.#ready.values()].map(({ room }) => room)
  }

  async room(key: DocKey): Promise<Room> {
    return (await this.#place(key)).room
  }

  flush(): Promise<void> {
    return this.#writer.flush()
  }

  // ---- what rooms need ----

  perform(room: Room, effect: Exclude<Effect, { t: 'show' }>): void {
    if (effect.t === 'append') {
      this.#meter.decided(keyText(room.key), effect.n, effect.event, room.state.replica.pending.length > 0)
      this.#writer.append(room.key, effect.n, effect.event)
    } else if (effect.t === 'send') {
      if (!this.#doubts() && this.#link.send(effect.frame)) this.#meter.sent(effect.frame)
    } else if (effect.t === 'await') this.#order.wait(room, effect.name, effect.after)
    else if (effect.t === 'lift') this.#lift(room, effect)
    else if (effect.t === 'gather') this.#later(this.#link.pace.gatherMs, room, { t: 'gathered' })
    else this.#later(backoff(effect.tries, this.#options.clock, defaultTimings), room, { t: 'wake' })
  }

  async #lift(room: Room, { name, change, from }: Effect & { t: 'lift' }): Promise<void> {
    const to = room.state.schema
    const wish = { q: 'lift', key: room.key, change, from, to } as const
    const lifted = await this.app.ask(this.#guests.ports, wish).catch(() => null)
    if (!this.#closed) room.handle({ t: 'lifted', name, change: lifted as Change | null })
  }

  #later(ms: number, room: Room, event: Event): void {
    this.#options.clock.after(ms, () => !this.#closed && room.handle(event))
  }

  dependenciesOn(keys: readonly DocKey[]): Dependency[] {
    return this.#order.dependenciesOn(keys)
  }

  /** A room that nobody looks at and that has nothing to send is given up, once the log has all of it. */
  quiet(room: Room): void {
    this.#order.moved(room)
    if (!this.#idle(room)) return
    this.#writer.rest(room.key)
    void this.#writer.flush().then(() => {
      const id = keyText(room.key)
      if (!this.#idle(room) || this.#ready.get(id)?.room !== room) return
      this.#ready.delete(id)
      this.#places.delete(id)
      this.#writer.forget(room.key)
      this.#order.forget(room)
      this.#link.send({ a: 'u', c: room.key.collection, d: room.key.id })
    })
  }

  link(): Phase {
    return this.#link?.phase ?? { name: 'dialing', tries: 0 }
  }

  logFault(): HoldfastError | null {
    return this.#fault
  }

  /** Without a working log nothing may be given up: it would be forgotten, and its names used again. */
  #idle(room: Room): boolean {
    return (
      room.seats.size === 0 &&
      !room.awaited &&
      room.state.replica.pending.length === 0 &&
      this.#fault === null &&
      !this.#closed
    )
  }

  // ---- rooms ----

  /** Edits that an earlier visit left unsent are sent even if nobody opens their documents. */
  async #resume(): Promise<void> {
    try {
      for (const key of await this.#options.log.unsent())
        await this.#visit(key, async ({ room }) => {
          // The former hub ended before it could say so.
          if (unsent(room.state.replica) === 0) this.#writer.summarize(key)
        })
      this.#order.complete()
    } catch (reason) {
      this.#logFailed(reason)
    }
  }

  #place(key: DocKey): Promise<Place> {
    const id = keyText(key)
    const place = this.#places.get(id) ?? this.#load(key)
    this.#places.set(id, place)
    return place
  }

  async #load(key: DocKey): Promise<Place> {
    const [{ replica, logged, stored, src }] = await Promise.all([this.#read(key), this.#keeper.ready])
    const [state, effects] = start(key, replica, logged, src, this.#options.frameBytes, this.#options.schema)
    const room = new Room(state, this)
    const presence = new Presence(keyText(key), frame => this.#link.send(frame), room.seats)
    const place = { room, presence }
    this.#ready.set(keyText(key), place)
    this.#writer.open(() => ({ ...room.state, pinned: this.#keeper.wants(key) }), stored)
    room.perform(state, effects)
    room.handle({ t: 'network', slow: this.#link.network.slow })
    if (isOpen(this.#link.phase)) this.#order.add(room)
    return place
  }

  /** Has a room for as long as `task` takes; one that was given up meanwhile is taken anew. */
  async #visit<T>(key: DocKey, task: (place: Place) => Promise<T>): Promise<T> {
    for (;;) {
      if (this.#closed) throw new HoldfastError('CLIENT_CLOSED')
      const place = await this.#place(key)
      if (this.#ready.get(keyText(key)) !== place) continue
      try {
        return await place.room.whileAwaited(() => task(place))
      } finally {
        this.quiet(place.room)
      }
    }
  }

  /** What the log makes of a document; a log that cannot be read or makes no sense is left alone from here on. */
  async #read(key: DocKey): Promise<{ replica: Replica; logged: number; stored: Stored; src: string }> {
    const { src } = this.#options
    try {
      const stored = await this.#stored(key)
      const { checkpoint, events } = stored
      const folded = events.map(item => unpack(item.event))
      const replica = restore((checkpoint?.state as SavedReplica) ?? null, folded, checkpoint?.bulk?.value)
      const logged = events.at(-1)?.n ?? checkpoint?.n ?? 0
      this.canary.found(key, logged)
      return { replica, logged, stored, src }
    } catch (reason) {
      this.#logFailed(reason)
      // Nobody knows any more which names this hub gave in the document before.
      return { replica: nothing, logged: 0, stored: nothingStored, src: `${src}~${++this.#blind}` }
    }
  }

  /** What is being read already is not read twice: a large document takes as long as all else that a hub begins with. */
  #stored(key: DocKey): Promise<Stored> {
    const id = keyText(key)
    const stored = this.#reading.get(id) ?? this.#options.log.load(key)
    this.#reading.set(id, stored)
    const done = () => this.#reading.delete(id)
    stored.then(done, done)
    return stored
  }

  /** A log that failed tells the rooms to go on, too. */
  #saved(key: DocKey, n: number): void {
    if (this.#stalled) return
    this.#meter.saved(keyText(key), n)
    const room = this.#ready.get(keyText(key))?.room
    room?.handle({ t: 'saved', n })
    if (this.#fault !== null) {
      if (room) this.canary.failed(room)
      return
    }
    if (room) this.canary.saved(room)
    this.#manifest.counted(this.canary.edits)
    this.#guardian.grew()
  }

  /** Waits for `known`, but not longer than `attachMs`; a hub that is closed meanwhile leaves no timer behind. */
  async #inTime(known: Promise<void>): Promise<void> {
    let cancel = () => {}
    const late = new Promise<void>(resolve => {
      cancel = this.#options.clock.after(this.#options.attachMs, resolve)
    })
    await Promise.race([known, late]).finally(cancel)
  }

  /** Editing goes on in memory, and everybody is told that this device saves nothing; unless another hub saves it all. */
  #logFailed(reason: unknown): void {
    if (this.#fault !== null || this.#stalled || this.#closed) return
    if (reason instanceof HoldfastError && reason.code === 'LOG_TAKEN' && this.#options.fenced) {
      this.#giveUp()
      return
    }
    const fault = logFailed(reason)
    if (this.#options.fenced && /quota/i.test(fault.message)) {
      void this.#makeSpace(fault)
      return
    }
    this.#fault = fault
    for (const { room } of this.#ready.values()) room.refresh()
  }

  /** Nothing that was not saved has been sent, and the tabs still have it: they bring it to the next hub [R4]. */
  #giveUp(): void {
    this.#closed = true
    this.#link.close()
    void this.#writer.close()
    const { ports } = this.#guests
    this.#end()
    for (const port of ports) {
      port.post({ t: 'gone' })
      port.close()
    }
    this.#options.log.close().catch(() => {})
    this.#options.fenced?.()
  }

  /** If anything can be forgotten, the next hub begins anew with the space and with what the tabs have still to save. */
  async #makeSpace(fault: HoldfastError): Promise<void> {
    this.#stalled = true
    const forgotten = await this.#guardian.relieve().catch(() => 0)
    this.#stalled = false
    if (this.#closed) return
    if (forgotten > 0) {
      this.#giveUp()
      return
    }
    this.#fault = fault
    for (const { room } of this.#ready.values()) room.handle({ t: 'saved', n: room.state.logged })
  }

  /** Another hub took over, by the lock: as if the log had said so. */
  giveUp(): void {
    if (!this.#closed) this.#giveUp()
  }

  #end(): void {
    this.canary.close()
    this.#manifest.down()
    this.#guardian.close()
    for (const { room } of this.#ready.values()) room.close()
    this.#ready.clear()
    this.#guests.clear()
  }

  // ---- the link ----

  #halt(why: Halt): void {
    if (this.#halts.has(why) || this.#closed) return
    this.#halts.add(why)
    if (this.#halts.size === 1) this.#link.close()
  }

  #goOn(why: Halt): void {
    if (this.#halts.delete(why) && this.#halts.size === 0 && !this.#closed) this.#link = this.#dial()
  }

  /**
   * The log's fence keeps a hub from sending that was replaced while it slept: nothing is sent that was not saved. One that
   * cannot save has none, and might send what its tabs have brought to the next one; so when it wakes it waits until it
   * would have heard of that [R18].
   */
  #doubts(): boolean {
    const { clock, fenced } = this.#options
    if (!this.#sleep.waking || this.#fault === null || !fenced) return false
    this.#halt('doubt')
    clock.after(WAKING_MS, () => this.#goOn('doubt'))
    return true
  }

  stir(): void {
    this.#sleep.stir()
  }

  /** Rooms ask for what they missed behind the greeting: its answer comes first, and is not waited for. */
  #linkPhase(phase: Phase): void {
    if (phase.name === 'greeting') this.#order.begin(this.rooms())
    else if (phase.name === 'up') {
      this.#meter.connected()
      this.#keeper.fetch()
      if (phase.devices) this.#manifest.up()
    } else {
      this.#order.end()
      this.#manifest.down()
    }
    for (const { room, presence } of this.#ready.values()) {
      if (isOpen(phase)) room.refresh()
      else if (room.state.phase.name !== 'offline') {
        room.handle({ t: 'down' })
        presence.down()
      } else room.refresh()
    }
    this.#guests.tellAll({ t: 'phase', phase: this.#phaseOf(phase) })
  }

  #phaseOf(phase: Phase): Client['phase'] {
    if (this.#halts.has('wish')) return 'paused'
    return this.#halts.has('doubt') ? 'connecting' : phaseOf(phase)
  }

  #route(frame: ServerFrame): void {
    this.#meter.heard(frame)
    if ('ch' in frame) {
      const presence = this.#ready.get(frame.ch)?.presence
      if (frame.a === 'p' && frame.src !== this.#options.src) presence?.heard(frame)
      else if (frame.a === 'pr') presence?.asked()
      return
    }
    if (frame.a === 'h.device' && !frame.error) this.#manifest.heard(frame)
    if (!('d' in frame)) return
    const place = this.#ready.get(keyText({ collection: frame.c, id: frame.d }))
    if (!place) return
    if (frame.a === 's' && frame.error) place.room.handle({ t: 'barred', error: frame.error })
    else if (frame.a === 'op') place.room.handle({ t: 'op', frame })
    else if (frame.a === 'h.catchup') {
      place.room.handle({ t: 'answer', frame })
      meet(place)
    }
  }
}

function phaseOf(phase: Phase): Client['phase'] {
  if (phase.name === 'closed') return 'closed'
  if (phase.name === 'up') return 'online'
  return phase.tries > 0 ? 'offline' : 'connecting'
}
