/**
 * What servers on one bus tell each other beside the edits of documents: that they live, where people are, and that something
 * changed in a collection in which somebody waits for changes. All of it may be missed: what rests on it looks for itself every
 * so often, or is told anew.
 */

import type { Clock } from '../clock.ts'
import type { Bus } from './bus.ts'
import { collectionChannel, collectionOf, SERVERS } from './channels.ts'
import { FarPresence } from './far.ts'
import { messageOf } from './message.ts'
import { Roll } from './roll.ts'

export interface OthersParts {
  /** The name of this server. */
  readonly self: string
  readonly bus: Bus
  /** What the names of channels begin with on the bus. */
  readonly prefix: string
  readonly clock: Clock
  readonly beatMs: number
  /** Tells the subscribers here. */
  emit(channel: string, data: object): void
  /** The channels that somebody here subscribes to. */
  subscribed(): readonly string[]
}

/** What ShareDB's channels of presence begin with. */
const PRESENCE = '$presence.'

export class Others {
  readonly #parts: OthersParts
  readonly #roll: Roll
  readonly #far = new FarPresence()
  /** By collection. */
  readonly #watchers = new Map<string, () => void>()
  /** Collections that the others are told of at the end of this turn of the event loop. */
  readonly #changed = new Set<string>()

  constructor(parts: OthersParts) {
    this.#parts = parts
    this.#roll = new Roll({
      clock: parts.clock,
      beatMs: parts.beatMs,
      say: what => this.#say(SERVERS, what),
      gone: server => {
        for (const [channel, goodbye] of this.#far.end(server)) parts.emit(channel, goodbye)
      },
      // Its people were taken off the screens here.
      returned: () => this.#askWhere((channel, request) => this.#say(channel, request)),
    })
    void parts.bus.follow(parts.prefix + SERVERS).then(() => this.#roll.say())
  }

  /** The bus carries again: what was said before may not have been heard. */
  restored(): void {
    this.#roll.say()
    this.#askWhere((channel, request) => this.#parts.emit(channel, request))
  }

  /** `server` said something that is of no document. */
  hear(server: string, channel: string, said: object): void {
    const collection = collectionOf(channel)
    if (channel === SERVERS) this.#roll.hear(server, said)
    else if (collection !== null) this.#watchers.get(collection)?.()
    else {
      if (channel.startsWith(PRESENCE)) this.#far.hear(server, channel, said)
      this.#parts.emit(channel, said)
    }
  }

  /** Somebody here has said it. */
  said(channel: string, data: object): void {
    this.#far.hear(null, channel, data)
  }

  /** Nobody here subscribes to it any more. */
  drop(channel: string): void {
    this.#far.drop(channel)
  }

  /** Calls `changed` when another server has changed something in the collection; one for each collection. */
  watch(collection: string, changed: () => void): () => void {
    const { bus, prefix } = this.#parts
    const channel = prefix + collectionChannel(collection)
    this.#watchers.set(collection, changed)
    void bus.follow(channel).then(() => this.#watchers.has(collection) && this.#roll.want(collection))
    return () => {
      this.#watchers.delete(collection)
      this.#roll.unwant(collection)
      bus.unfollow(channel)
    }
  }

  /** Tells those who watch the collection. */
  tellOf(collection: string): void {
    if (!this.#roll.isWanted(collection)) return
    if (this.#changed.size === 0) setImmediate(() => this.#tellChanged())
    this.#changed.add(collection)
  }

  close(): void {
    this.#roll.close()
  }

  #tellChanged(): void {
    for (const collection of this.#changed) this.#say(collectionChannel(collection), {})
    this.#changed.clear()
  }

  /** People are asked to say again where they are: those here when the others may not have heard it, or the other way round. */
  #askWhere(ask: (channel: string, request: object) => void): void {
    for (const channel of this.#parts.subscribed())
      if (channel.startsWith(PRESENCE))
        ask(channel, { ch: channel.slice(PRESENCE.length), r: true, src: this.#parts.self })
  }

  #say(channel: string, what: object): void {
    const { bus, prefix, self } = this.#parts
    bus.publish(prefix + channel, messageOf(self, what)).catch(() => {})
  }
}
