/**
 * The one owner of log and link for all tabs: a room for each open document, a seat in it for each handle of a tab.
 * Tabs reach it over ports (messages.ts), wherever it lives.
 */

import type { Change } from '../../ops/change.ts'
import { HoldfastError } from '../../ops/errors.ts'
import { type DocKey, keyText } from '../../ops/identity.ts'
import type { ServerFrame, WireError } from '../../ops/protocol.ts'
import type { TypeName } from '../../types/type.ts'
import type { Client, KnownDoc, Metrics } from '../api.ts'
import type { Clock } from '../clock.ts'
import { restore, type SavedReplica } from '../engine/checkpoint.ts'
import { type Effect, type Event, start } from '../engine/engine.ts'
import { type Dependency, nothing, type Replica, unsent } from '../engine/state.ts'
import { unpack } from '../engine/stored.ts'
import { isOpen, type Link, type LinkEvents, type Phase } from '../link/link.ts'
import { backoff, defaultTimings } from '../link/websocket.ts'
import { type Log, logFailed, nothingStored, type Stored } from '../log/log.ts'
import { App } from './app.ts'
import { Canary } from './canary.ts'
import { Guardian, type Storage, type StorageLimits, storageLimits } from './guardian.ts'
import { type Household, writeJournal } from './journal.ts'
import { Keeper } from './keeper.ts'
import type { FromHub, FromTab, Question } from './messages.ts'
import { Meter } from './meter.ts'
import { Order } from './order.ts'
import type { Port } from './port.ts'
import { Presence } from './presence.ts'
import { Room, type Surroundings } from './room.ts'
import { Seat } from './seat.ts'
import { Writer } from './writer.ts'

export interface HubOptions {
  readonly log: Log
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
}

type TabPort = Port<FromTab, FromHub>

/** One tab: its port, and its handles. */
interface Guest {
  readonly port: TabPort
  tab: string
  /** Version of the schema of the app in it. */
  schema: number
  readonly seats: Map<string, Placed>
  /** Handles that were asked for and given up before they were there. */
  readonly dropped: Set<string>
}

interface Place {
  readonly room: Room
  readonly presence: Presence
}

interface Placed extends Place {
  readonly seat: Seat
}

export class Hub implements Surroundings, Household {
  readonly #options: HubOptions
  #link: Link
  #paused = false
  readonly #writer: Writer
  readonly #canary: Canary
  readonly #keeper: Keeper
  readonly #guardian: Guardian
  /** The log found no space, and some is being made. */
  #stalled = false
  readonly #guests = new Set<Guest>()
  readonly #app = new App()
  readonly #meter: Meter
  readonly #order = new Order(key => this.#ready.get(keyText(key))?.room)
  readonly #places = new Map<string, Promise<Place>>()
  /** Those of `#places` that are ready. */
  readonly #ready = new Map<string, Place>()
  #fault: HoldfastError | null = null
  #closed = false

  constructor(options: HubOptions) {
    this.#options = options
    this.#meter = new Meter(options.clock)
    this.#writer = new Writer(options.log, options.clock, {
      saved: (key, n) => this.#saved(key, n),
      failed: reason => this.#logFailed(reason),
    })
    this.#canary = new Canary(options.log, options.clock, {
      note: text => this.#tellAll({ t: 'note', text }),
      loss: loss => this.#tellAll({ t: 'loss', loss }),
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
      () => this.#app.ask(this.#ports(), { q: 'token' }) as Promise<string | null>,
    )
  }

  /** Takes a tab in, for as long as it does not say `bye` or `leave` is called. */
  serve(port: TabPort): { leave(): void } {
    const guest: Guest = { port, tab: '', schema: 0, seats: new Map(), dropped: new Set() }
    this.#guests.add(guest)
    port.listen(message => this.#hear(guest, message))
    return { leave: () => this.#leave(guest) }
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

  // ---- tabs ----

  #hear(guest: Guest, message: FromTab): void {
    switch (message.t) {
      case 'hello':
        guest.tab = message.tab
        guest.schema = message.schema ?? 0
        guest.port.post({ t: 'welcome', phase: this.#phaseOf(this.#link.phase) })
        if (this.#canary.loss) guest.port.post({ t: 'loss', loss: this.#canary.loss })
        void this.#canary.compare(message.noted)
        this.#app.met(guest.port)
        return
      case 'dismiss':
        this.#canary.dismiss()
        return
      case 'app':
        this.#app.told(message)
        return
      case 'attach':
        void this.#attach(guest, message.h, message.key, message.type)
        return
      case 'ask':
        this.#answer(guest, message.id, message.question)
        return
      case 'pause':
        this.#pause()
        return
      case 'resume':
        this.#resumeSync()
        return
      case 'reconnect':
        this.#link.retry()
        return
      case 'wake':
        this.#link.wake()
        return
      case 'batch':
        for (const each of message.messages) this.#hear(guest, each)
        return
      case 'ping':
        guest.port.post({ t: 'pong' })
        return
      case 'bye':
        this.#leave(guest)
        return
      default:
        this.#forHandle(guest, message)
    }
  }

  #forHandle(guest: Guest, message: FromTab & { readonly h: string }): void {
    const placed = guest.seats.get(message.h)
    if (message.t === 'detach' && !placed) guest.dropped.add(message.h)
    if (!placed) return
    const { room, presence, seat } = placed
    switch (message.t) {
      case 'edit':
        seat.edit(message)
        return
      case 'seen':
        seat.saw(message.seen)
        return
      case 'act':
        room.handle(message.act, seat)
        return
      case 'announce':
        presence.announce(seat, message.state)
        return
      case 'detach':
        this.#detach(guest, placed)
        return
    }
  }

  async #attach(guest: Guest, h: string, key: DocKey, type: TypeName): Promise<void> {
    try {
      const place = await this.#occupy(guest, h, key, type)
      if (place) meet(place)
    } catch (error) {
      if (this.#closed) return // the next hub will be asked
      guest.port.post({ t: 'refused', h, error: wireErrorOf(error) })
    }
  }

  /** Waits until the document is known here, and takes a seat. */
  #occupy(guest: Guest, h: string, key: DocKey, type: TypeName): Promise<Place | null> {
    return this.#visit(key, async place => {
      this.#order.promote(place.room)
      await this.#inTime(place.room.known())
      return this.#sit(guest, h, type, place)
    })
  }

  #sit(guest: Guest, h: string, type: TypeName, place: Place): Place | null {
    const { room, presence } = place
    if (this.#closed || !this.#guests.has(guest) || guest.dropped.delete(h)) return null
    const existing = room.view.type
    if (existing !== null && existing !== type) {
      const { collection, id } = room.key
      throw new HoldfastError(
        'TYPE_MISMATCH',
        `${collection}/${id} is of type ${existing}; it was opened as ${type}.`,
      )
    }
    const post = (message: FromHub) => guest.port.post(message)
    const seat = new Seat(room, { tab: guest.tab, handle: h, type, schema: guest.schema, post })
    room.seats.add(seat)
    guest.seats.set(h, { room, presence, seat })
    presence.show(seat)
    return place
  }

  #detach(guest: Guest, { room, presence, seat }: Placed): void {
    guest.seats.delete(seat.handle)
    room.seats.delete(seat)
    presence.announce(seat, null)
    if (room.seats.size === 0) presence.leave()
    this.quiet(room)
  }

  #leave(guest: Guest): void {
    if (!this.#guests.delete(guest)) return
    for (const placed of [...guest.seats.values()]) this.#detach(guest, placed)
    guest.port.close()
  }

  #answer(guest: Guest, id: number, question: Question): void {
    this.#find(guest, question).then(
      value => guest.port.post({ t: 'answer', id, value }),
      error => {
        if (this.#closed) return // the next hub will be asked
        guest.port.post({ t: 'answer', id, error: wireErrorOf(error) })
      },
    )
  }

  async #find(guest: Guest, question: Question): Promise<unknown> {
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
      default: {
        const room = guest.seats.get(question.h)?.room
        if (!room) throw new HoldfastError('CLIENT_CLOSED')
        if (question.q === 'base') return room.baseOf(question.name)
        return question.q === 'saved' ? room.saved() : room.settled()
      }
    }
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
      tabs: this.#guests.size,
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
      if (this.#link.send(effect.frame)) this.#meter.sent(effect.frame)
    } else if (effect.t === 'await') this.#order.wait(room, effect.name, effect.after)
    else if (effect.t === 'lift') this.#lift(room, effect)
    else if (effect.t === 'gather') this.#later(this.#link.pace.gatherMs, room, { t: 'gathered' })
    else this.#later(backoff(effect.tries, this.#options.clock, defaultTimings), room, { t: 'wake' })
  }

  async #lift(room: Room, { name, change, from }: Effect & { t: 'lift' }): Promise<void> {
    const to = room.state.schema
    const wish = { q: 'lift', key: room.key, change, from, to } as const
    const lifted = await this.#app.ask(this.#ports(), wish).catch(() => null)
    if (!this.#closed) room.handle({ t: 'lifted', name, change: lifted as Change | null })
  }

  #ports(): Port<FromTab, FromHub>[] {
    return [...this.#guests].map(({ port }) => port)
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
      for (const key of await this.#options.log.unsent()) if (!this.#closed) await this.#place(key)
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
    const [{ replica, logged, stored }] = await Promise.all([this.#read(key), this.#keeper.ready])
    const [state, effects] = start(
      key,
      replica,
      logged,
      this.#options.src,
      this.#options.frameBytes,
      this.#options.schema,
    )
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
  async #read(key: DocKey): Promise<{ replica: Replica; logged: number; stored: Stored }> {
    try {
      const stored = await this.#options.log.load(key)
      const { checkpoint, events } = stored
      const folded = events.map(item => unpack(item.event))
      const replica = restore((checkpoint?.state as SavedReplica) ?? null, folded)
      const logged = events.at(-1)?.n ?? checkpoint?.n ?? 0
      this.#canary.found(key, logged)
      return { replica, logged, stored }
    } catch (reason) {
      this.#logFailed(reason)
      return { replica: nothing, logged: 0, stored: nothingStored }
    }
  }

  /** A log that failed tells the rooms to go on, too. */
  #saved(key: DocKey, n: number): void {
    if (this.#stalled) return
    this.#meter.saved(keyText(key), n)
    const room = this.#ready.get(keyText(key))?.room
    room?.handle({ t: 'saved', n })
    if (this.#fault !== null) {
      if (room) this.#canary.failed(room)
      return
    }
    if (room) this.#canary.saved(room)
    this.#guardian.grew()
  }

  #tellAll(message: FromHub): void {
    for (const port of this.#ports()) port.post(message)
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
    const guests = [...this.#guests]
    this.#end()
    for (const { port } of guests) {
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
    this.#canary.close()
    this.#guardian.close()
    for (const { room } of this.#ready.values()) room.close()
    this.#ready.clear()
    this.#guests.clear()
  }

  // ---- the link ----

  #pause(): void {
    if (this.#paused || this.#closed) return
    this.#paused = true
    this.#link.close()
  }

  #resumeSync(): void {
    if (!this.#paused || this.#closed) return
    this.#paused = false
    this.#link = this.#dial()
  }

  /** Rooms ask for what they missed behind the greeting: its answer comes first, and is not waited for. */
  #linkPhase(phase: Phase): void {
    if (phase.name === 'greeting') this.#order.begin(this.rooms())
    else if (phase.name === 'up') {
      this.#meter.connected()
      this.#keeper.fetch()
    } else this.#order.end()
    for (const { room, presence } of this.#ready.values()) {
      if (isOpen(phase)) room.refresh()
      else if (room.state.phase.name !== 'offline') {
        room.handle({ t: 'down' })
        presence.down()
      } else room.refresh()
    }
    this.#tellAll({ t: 'phase', phase: this.#phaseOf(phase) })
  }

  #phaseOf(phase: Phase): Client['phase'] {
    return this.#paused ? 'paused' : phaseOf(phase)
  }

  #route(frame: ServerFrame): void {
    this.#meter.heard(frame)
    if ('ch' in frame) {
      const presence = this.#ready.get(frame.ch)?.presence
      if (frame.a === 'p' && frame.src !== this.#options.src) presence?.heard(frame)
      else if (frame.a === 'pr') presence?.asked()
      return
    }
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

/** What an error is to a tab. */
function wireErrorOf(error: unknown): WireError {
  const { code, message } =
    error instanceof HoldfastError ? error : new HoldfastError('INTERNAL', String(error))
  return { code, message }
}

/** Who looks at a document meets the others when it is caught up: edits come before carets. */
function meet({ room, presence }: Place): void {
  if (room.state.phase.name === 'live' && room.seats.size > 0) presence.up()
}

function phaseOf(phase: Phase): Client['phase'] {
  if (phase.name === 'closed') return 'closed'
  if (phase.name === 'up') return 'online'
  return phase.tries > 0 ? 'offline' : 'connecting'
}
