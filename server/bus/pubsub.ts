/**
 * ShareDB's pub/sub over a bus. Subscribers on this server are told at once; other servers by the bus, which may lose what
 * it is given, so each document that somebody here follows is told in order from a watermark (follower.ts) and is compared
 * with the store: when it is first followed, when the bus is back, and every so often.
 *
 * Where no other server can write, there is nothing to compare. What servers tell each other beside is in others.ts.
 */

import type { DocKey } from '../../ops/identity.ts'
import type { Clock } from '../clock.ts'
import type { Report } from '../report.ts'
import { type Backend, type Done, type OpStream, type SharedbOp, sharedb } from '../sharedb.ts'
import type { Store } from '../store/store.ts'
import { Published } from '../telling.ts'
import type { Bus } from './bus.ts'
import { docChannel, docOf, isShared, nameChannels, SERVERS } from './channels.ts'
import { Follower } from './follower.ts'
import { Heads } from './heads.ts'
import { hasVersion, MESSAGE_VERSION, messageOf, opMessageOf, readMessage } from './message.ts'
import { Others } from './others.ts'
import { Outlet } from './outlet.ts'
import { Pace } from './pace.ts'
import { isAnnouncement, PresenceTurns } from './presence.ts'

/** Since the server was started. */
export interface BusCounts {
  /** Texts given to the bus, and how many of them it did not take. */
  published: number
  publishErrors: number
  /** Texts of other servers. */
  heard: number
  /** Times that ops were missing and were fetched from the store, and how many they were. */
  gapsHealed: number
  opsFetched: number
  /** Rounds in which all followed documents were compared with the store. */
  rechecks: number
}

export interface BusStatus {
  /** `alone`: there is no bus. `down`: edits are taken and acknowledged, other servers learn of them by their checks. */
  readonly state: 'alone' | 'up' | 'down'
  readonly counts: Readonly<BusCounts>
  readonly lagMs: number | null
  /** Documents that somebody on this server follows. */
  readonly documents: number
}

export interface PubSubParts {
  readonly store: Store
  readonly bus: Bus | null
  readonly clock: Clock
  readonly report: Report
  readonly checkMs: number
  /** What the names of channels begin with on the bus. */
  readonly prefix: string
}

/** Documents whose others could not be told; of those beyond, the others find out by their checks. */
const UNSAID = 10_000

interface Followed {
  readonly key: DocKey
  readonly follower: Follower
}

export class BusPubSub extends sharedb.PubSub {
  readonly #parts: PubSubParts
  readonly #self = crypto.randomUUID()
  readonly #prefix: string
  readonly #heads: Heads
  readonly #followed = new Map<string, Followed>()
  /** The last version by channel of what the bus did not take. */
  readonly #unsaid = new Map<string, number>()
  /** Null where there is no bus. */
  readonly #others: Others | null
  readonly #counts: BusCounts = {
    published: 0,
    publishErrors: 0,
    heard: 0,
    gapsHealed: 0,
    opsFetched: 0,
    rechecks: 0,
  }
  readonly #pace: Pace
  readonly #presence = new PresenceTurns((channel, announcement) => {
    this.#sendOn(channel, announcement)
    this.#others?.said(channel, announcement)
    this._emit(channel, announcement)
  })
  #checking: Promise<void> | null = null
  #cancelCheck = () => {}
  #closed = false

  constructor(parts: PubSubParts) {
    super()
    this.#parts = parts
    this.#prefix = `${parts.prefix}:${MESSAGE_VERSION}:${parts.store.epoch}:`
    this.#heads = new Heads(parts.store)
    this.#pace = new Pace({
      clock: parts.clock,
      now: () => performance.now(),
      readers: channel => Object.keys(this.streams[channel] ?? {}).length,
      tell: (channel, data) => this.#tellAll(channel, data),
    })
    parts.bus?.open({
      heard: (channel, text) => this.#heard(channel.slice(this.#prefix.length), text),
      restored: () => {
        this.#sayAgain()
        this.#others?.restored()
        void this.recheck()
      },
    })
    this.#others =
      parts.bus &&
      new Others({
        self: this.#self,
        bus: parts.bus,
        prefix: this.#prefix,
        clock: parts.clock,
        beatMs: parts.checkMs,
        emit: (channel, data) => this._emit(channel, data),
        subscribed: () => Object.keys(this.streams),
      })
    if (this.#heals) this.#checkLater()
  }

  get status(): BusStatus {
    const { bus } = this.#parts
    const state = bus ? (bus.up ? 'up' : 'down') : 'alone'
    return { state, counts: this.#counts, lagMs: bus?.lagMs ?? null, documents: this.#followed.size }
  }

  /** Whether ops may come into being that nobody tells us of. */
  get #heals(): boolean {
    return this.#parts.bus !== null || this.#parts.store.shared
  }

  /** Calls `changed` when another server has changed something in the collection, mostly; one for each collection. */
  watch(collection: string, changed: () => void): () => void {
    return this.#others?.watch(collection, changed) ?? (() => {})
  }

  /** Something in it was changed here. */
  tellOf(collection: string): void {
    this.#others?.tellOf(collection)
  }

  /** Has ShareDB name its channels as this needs them. */
  serve(share: Backend): void {
    nameChannels(share)
  }

  /** Compares all followed documents with the store; while a comparison runs, it is that one and another after it. */
  async recheck(): Promise<void> {
    while (this.#checking) await this.#checking
    if (this.#closed) return
    this.#checking = this.#compare().finally(() => {
      this.#checking = null
    })
    return this.#checking
  }

  async shutDown(): Promise<void> {
    this.#closed = true
    this.#cancelCheck()
    this.#others?.close()
    this.#pace.close()
    this.close()
    for (const { follower } of this.#followed.values()) follower.close()
    this.#followed.clear()
    await this.#checking
    await this.#parts.bus?.close()
  }

  // ---- what ShareDB asks ----

  override _subscribe(channel: string, callback: Done): void {
    this.#follow(channel).then(
      () => process.nextTick(callback),
      error => process.nextTick(callback, error),
    )
  }

  override _unsubscribe(channel: string, callback: Done): void {
    this.#unfollow(channel)
    process.nextTick(callback)
  }

  override _createStream(channel: string): OpStream {
    this.#pace.hurry(channel)
    const stream = new Outlet(this.nextStreamId++, outlet => this._removeStream(channel, outlet))
    this.streamsCount++
    this.streams[channel] ??= {}
    this.streams[channel][stream.id] = stream
    return stream
  }

  override _publish(channels: readonly string[], data: object, callback: Done): void {
    if (isAnnouncement(data)) {
      for (const channel of channels) this.#presence.add(channel, data, callback)
      return
    }
    for (const channel of channels) {
      this.#sendOn(channel, data)
      this.#tell(channel, data)
    }
    process.nextTick(callback)
  }

  #sendOn(channel: string, data: object): void {
    const { bus } = this.#parts
    if (bus && !this.#closed && isShared(channel)) this.#send(bus, channel, data)
  }

  // ---- channels ----

  async #follow(channel: string): Promise<void> {
    if (!this.#heals || !isShared(channel)) return
    const key = docOf(channel)
    const follower = key && this.#openFollower(channel, key)
    try {
      await this.#parts.bus?.follow(this.#prefix + channel)
      if (follower) follower.start(await this.#heads.of(key))
    } catch (error) {
      this.#unfollow(channel)
      throw error
    }
  }

  #openFollower(channel: string, key: DocKey): Follower {
    const { store, report } = this.#parts
    const follower = new Follower({
      tell: op => this._emit(channel, op),
      read: async (from, to) => (await opsOf(store, key, from, to)).map(op => ({ ...op, ...wireKey(key) })),
      filled: count => {
        this.#counts.gapsHealed++
        this.#counts.opsFetched += count
      },
      failed: error => report('missed edits could not be read; it is tried again', error),
    })
    this.#followed.set(channel, { key, follower })
    return follower
  }

  #unfollow(channel: string): void {
    this.#followed.get(channel)?.follower.close()
    this.#followed.delete(channel)
    this.#others?.drop(channel)
    if (this.#heals && isShared(channel)) this.#parts.bus?.unfollow(this.#prefix + channel)
  }

  /** Tells the subscribers here. */
  #tell(channel: string, data: unknown): void {
    const followed = this.#followed.get(channel)
    if (followed && hasVersion(data as object)) followed.follower.hear(data as SharedbOp & { v: number })
    else this._emit(channel, data)
  }

  /** Soon, see pace.ts. */
  override _emit(channel: string, data: unknown): void {
    if (this.streams[channel]) this.#pace.add(channel, data)
  }

  /** Tells one subscriber of a document at once; what it is told again with the others, it knows (`OpStream.told`). */
  hurry(collection: string, id: string, stream: OpStream): void {
    const waiting = this.#pace.waiting(docChannel(collection, id)) as readonly SharedbOp[]
    const left = waiting.filter(({ v }) => v! >= stream.told)
    if (left.length > 0) stream.pushData(new Published(left))
  }

  #tellAll(channel: string, all: readonly unknown[]): void {
    const data = docOf(channel) ? [new Published(all as SharedbOp[])] : all
    for (const stream of Object.values(this.streams[channel] ?? {}))
      for (const each of data) stream.pushData(each)
  }

  #send(bus: Bus, channel: string, data: unknown): void {
    const isOp = docOf(channel) !== null && hasVersion(data as object)
    const text = isOp ? opMessageOf(this.#self, data as SharedbOp) : messageOf(this.#self, data)
    this.#counts.published++
    bus.publish(this.#prefix + channel, text).catch(() => {
      // The bus says itself that it is down.
      this.#counts.publishErrors++
      if (!isOp) return
      this.#unsaid.set(channel, Math.max((data as SharedbOp).v!, this.#unsaid.get(channel) ?? 0))
      if (this.#unsaid.size > UNSAID) this.#unsaid.delete(this.#unsaid.keys().next().value!)
    })
  }

  /** Others, whose line was not cut, have no reason to look. */
  #sayAgain(): void {
    const { bus } = this.#parts
    const all = [...this.#unsaid]
    this.#unsaid.clear()
    if (bus && !this.#closed) for (const [channel, v] of all) this.#send(bus, channel, { v })
  }

  #heard(channel: string, text: string): void {
    const message = readMessage(text, this.#self)
    if (message === null || this.#closed) return
    const { sender, data } = message
    if (channel !== SERVERS) this.#counts.heard++
    const followed = this.#followed.get(channel)
    if (docOf(channel) === null) this.#others?.hear(sender, channel, data)
    else if (followed && hasVersion(data)) followed.follower.hear(Object.assign(data, wireKey(followed.key)))
  }

  // ---- comparing ----

  #checkLater(): void {
    const { clock, checkMs } = this.#parts
    // Servers that were started together do not ask together.
    const ms = checkMs * (0.9 + 0.1 * Math.random())
    this.#cancelCheck = clock.after(ms, () => {
      void this.recheck().then(() => {
        if (!this.#closed) this.#checkLater()
      })
    })
  }

  async #compare(): Promise<void> {
    this.#counts.rechecks++
    const all = [...this.#followed.values()]
    try {
      await this.#heads.each(all, ({ follower }, head) => follower.reach(head))
    } catch (error) {
      if (!this.#closed) this.#parts.report('open documents could not be compared with the store', error)
    }
  }
}

/** Where the history was trimmed, what is left of it: the gap tells a client to catch up. */
async function opsOf(store: Store, key: DocKey, from: number, to: number): Promise<SharedbOp[]> {
  const { horizon } = await store.head(key)
  const ops = await store.receipted(key, Math.max(from, horizon), Math.max(to, horizon + 1))
  return ops.map(({ at: _at, meta: _meta, ...op }) => op)
}

const wireKey = ({ collection, id }: DocKey) => ({ c: collection, d: id })
