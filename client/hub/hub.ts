/**
 * The one owner of log and link for all tabs: a room for each open document, a seat in it for each handle of a tab.
 * Tabs reach it over ports (messages.ts), wherever it lives.
 */

import type { Change } from '../../ops/change.ts'
import { HoldfastError } from '../../ops/errors.ts'
import { type DocKey, keyText } from '../../ops/identity.ts'
import type { ServerFrame } from '../../ops/protocol.ts'
import type { Client, KnownDoc, Metrics } from '../api.ts'
import { type Clock, within } from '../clock.ts'
import type { Effect, Event } from '../engine/machine.ts'
import { type Dependency, unsent } from '../engine/state.ts'
import { isOpen, type Link, type LinkEvents, type Phase } from '../link/link.ts'
import { backoff, defaultTimings } from '../link/websocket.ts'
import { type Log, logFailed, type Stored } from '../log/log.ts'
import { App } from './app.ts'
import { Canary, type CanaryEvents } from './canary.ts'
import type { FirmNote } from './firmnote.ts'
import { Guardian, type Storage, type StorageLimits, storageLimits } from './guardian.ts'
import { Guests, type Host, type HubQuestion, meet, type TabPort } from './guests.ts'
import { type Household, writeJournal } from './journal.ts'
import { Keeper } from './keeper.ts'
import { Manifest } from './manifest.ts'
import { Meter } from './meter.ts'
import { Order } from './order.ts'
import { type Place, Places } from './places.ts'
import type { Room, Surroundings } from './room.ts'
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
  /** Where this hub can note what the tabs do. */
  readonly firmNote?: FirmNote | undefined
  /** The log went over to another hub: this one has given up, and its tabs were told. */
  readonly fenced?: () => void
  /** What the oldest edit of the room waits for is held; without it, that waits for a person's decision. */
  readonly stuck?: (room: Room) => void
}

/** After a write that found no space. */
const RECOVER_MS = 60_000

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
  readonly app = new App()
  readonly #guests = new Guests(this)
  readonly #meter: Meter
  readonly #order: Order
  readonly #places: Places
  #fault: HoldfastError | null = null
  /** Ends the wait for space. */
  #notRecovering = () => {}
  /** How many documents were given up. */
  #left = 0
  #closed = false

  constructor(options: HubOptions) {
    this.#options = options
    this.#sleep = new Sleep(options.clock)
    this.#order = new Order(key => this.#roomOf(key), options.stuck)
    this.#meter = new Meter(options.clock)
    this.#writer = new Writer(options.log, options.clock, {
      saved: (key, n) => this.#saved(key, n),
      apart: key => this.#roomOf(key)?.apart(),
      refused: reason => this.#refused(reason),
    })
    const { identity } = options.log
    const canaryLog = { identity, load: (key: DocKey) => this.#places.stored(key) }
    const canaryEvents: CanaryEvents = {
      note: text => this.#guests.tellAll({ t: 'note', text }),
      loss: loss => this.#guests.tellAll({ t: 'loss', loss }),
    }
    this.canary = new Canary(canaryLog, options.clock, canaryEvents, options.firmNote)
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
      visit: (key, task) => this.#places.visit(key, ({ room }) => task(room)),
      summarize: key => {
        this.#writer.summarize(key)
        return this.#writer.flush()
      },
    })
    const { log, src, frameBytes, schema } = options
    this.#places = new Places({
      log,
      src,
      frameBytes,
      schema,
      surroundings: this,
      ready: this.#keeper.ready,
      send: frame => this.#link.send(frame),
      found: (key, n) => this.canary.found(key, n),
      failed: reason => this.#logFailed(reason),
      begun: (room, effects, stored) => this.#begun(room, effects, stored),
      written: ({ key }) => this.#writer.rest(key),
      ended: room => this.#ended(room),
      // Without a working log it would be forgotten, and its names used again.
      mayEnd: () => this.#fault === null,
    })
    this.#guardian = new Guardian({
      log: options.log,
      clock: options.clock,
      storage: options.storage ?? null,
      limits: { ...storageLimits, ...options.limits },
      isOpen: key => this.#places.has(key),
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
          for (const { room } of this.#places.all) room.handle({ t: 'network', slow })
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
    for (const { presence } of this.#places.all) presence.leave()
    this.#link.close()
    await this.#places.close()
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
    return this.#places.visit(key, async place => {
      this.#order.promote(place.room)
      await within(this.#options.clock, this.#options.attachMs, place.room.known())
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
      const replica = this.#roomOf(key)?.state.replica
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
    return this.#places.all.map(({ room }) => room)
  }

  async room(key: DocKey): Promise<Room> {
    return (await this.#places.take(key)).room
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

  quiet(room: Room): void {
    this.#order.moved(room)
    this.#places.quiet(room)
  }

  link(): Phase {
    return this.#link?.phase ?? { name: 'dialing', tries: 0 }
  }

  logFault(): HoldfastError | null {
    return this.#fault
  }

  // ---- rooms ----

  /** Edits that an earlier visit left unsent are sent even if nobody opens their documents. */
  async #resume(): Promise<void> {
    try {
      for (const key of await this.#options.log.unsent())
        await this.#places.visit(key, async ({ room }) => {
          // The former hub ended before it could say so.
          if (unsent(room.state.replica) === 0) this.#writer.summarize(key)
        })
      this.#order.complete()
    } catch (reason) {
      this.#logFailed(reason)
    }
  }

  #roomOf(key: DocKey): Room | undefined {
    return this.#places.get(keyText(key))?.room
  }

  #begun(room: Room, effects: readonly Effect[], stored: Stored | null): void {
    this.#writer.open(() => ({ ...room.state, pinned: this.#keeper.wants(room.key) }), stored)
    room.perform(room.state, effects)
    room.handle({ t: 'network', slow: this.#link.network.slow })
    if (isOpen(this.#link.phase)) this.#order.add(room)
  }

  #ended(room: Room): void {
    this.#writer.forget(room.key)
    this.#order.forget(room)
    this.#link.send({ a: 'u', c: room.key.collection, d: room.key.id, n: ++this.#left })
  }

  /** A log that failed tells the rooms to go on, too. */
  #saved(key: DocKey, n: number): void {
    this.#meter.saved(keyText(key), n)
    const room = this.#roomOf(key)
    room?.handle({ t: 'saved', n })
    if (this.#fault !== null) {
      if (room) this.canary.failed(room)
      return
    }
    if (room) this.canary.saved(room)
    this.#manifest.counted(this.canary.edits)
    this.#guardian.grew()
  }

  /** A write was refused: answers whether there is space for it now. */
  async #refused(reason: HoldfastError): Promise<boolean> {
    const full = /quota/i.test(reason.message)
    if (full && this.#fault === null && (await this.#guardian.relieve().catch(() => 0)) > 0) return true
    this.#logFailed(reason)
    if (full) this.#notRecovering = this.#options.clock.after(RECOVER_MS, () => this.#recover())
    return false
  }

  /** Editing goes on in memory, and everybody is told that this device saves nothing; unless another hub saves it all. */
  #logFailed(reason: unknown): void {
    if (this.#closed) return
    if (reason instanceof HoldfastError && reason.code === 'LOG_TAKEN' && this.#options.fenced) this.#giveUp()
    else if (this.#fault === null) {
      this.#fault = logFailed(reason)
      for (const { room } of this.#places.all) room.refresh()
    }
  }

  /** The log had no space, and may have some again: it gets all that the rooms have, unless it could not be asked for some of it. */
  async #recover(): Promise<void> {
    await this.#guardian.relieve().catch(() => 0)
    const sound = () => !this.#closed && !this.#places.blind
    if (!(sound() && (await this.#writer.revive()) && sound())) return
    this.#fault = null
    for (const { room } of this.#places.all) {
      room.refresh()
      this.canary.saved(room)
    }
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

  /** Another hub took over, by the lock: as if the log had said so. */
  giveUp(): void {
    if (!this.#closed) this.#giveUp()
  }

  #end(): void {
    this.#notRecovering()
    this.canary.close()
    this.#manifest.down()
    this.#guardian.close()
    this.#places.clear()
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
    for (const { room, presence } of this.#places.all) {
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
      const presence = this.#places.get(frame.ch)?.presence
      if (frame.a === 'p' && frame.src !== this.#options.src) presence?.heard(frame)
      else if (frame.a === 'pr') presence?.asked()
      return
    }
    if (frame.a === 'h.device' && !frame.error) this.#manifest.heard(frame)
    if (!('d' in frame)) return
    const place = this.#places.get(keyText({ collection: frame.c, id: frame.d }))
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
