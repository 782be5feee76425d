/**
 * Who else has a document open: ShareDB's presence on one channel a document. Volatile by nature; nothing is stored.
 * Each handle has a state of its own; the tabs of one hub see each other without the server.
 */

import type { ClientFrame, PresenceNotice } from '../../ops/protocol.ts'
import type { Peer } from '../api.ts'
import type { Seat } from './seat.ts'

interface Own {
  readonly seat: Seat
  readonly state: unknown
}

export class Presence {
  readonly #channel: string
  readonly #send: (frame: ClientFrame) => boolean
  readonly #seats: ReadonlySet<Seat>
  readonly #remote = new Map<string, Peer>()
  /** By handle. */
  readonly #own = new Map<string, Own>()
  #version = 0
  #subscriptions = 0
  #listening = false

  constructor(channel: string, send: (frame: ClientFrame) => boolean, seats: ReadonlySet<Seat>) {
    this.#channel = channel
    this.#send = send
    this.#seats = seats
  }

  /** The link is up and somebody looks; saying so again does nothing, as several handles open at once. */
  up(): void {
    if (this.#listening) return
    this.#listening = true
    this.#send({ a: 'ps', ch: this.#channel, seq: ++this.#subscriptions })
    this.asked()
  }

  down(): void {
    this.#listening = false
    if (this.#remote.size === 0) return
    this.#remote.clear()
    this.#tell()
  }

  /** A handle says who and where its person is; null says goodbye. */
  announce(seat: Seat, state: unknown): void {
    if (state === null && !this.#own.has(seat.handle)) return
    if (state === null) this.#own.delete(seat.handle)
    else this.#own.set(seat.handle, { seat, state })
    this.#say(seat.handle, state)
    this.#tell()
  }

  /** Somebody new asks who is here. */
  asked(): void {
    for (const [handle, { state }] of this.#own) this.#say(handle, state)
  }

  heard(notice: PresenceNotice): void {
    const id = `${notice.src}/${notice.id}`
    const gone = notice.p === null || notice.p === undefined
    if (gone && !this.#remote.delete(id)) return
    if (!gone) this.#remote.set(id, { id, state: notice.p, ...(notice.who && { who: notice.who }) })
    this.#tell()
  }

  /** Shows a new seat who is here. */
  show(seat: Seat): void {
    if (this.#remote.size + this.#own.size > 0) seat.tellPeers(this.#peersOf(seat))
  }

  leave(): void {
    for (const { seat } of [...this.#own.values()]) this.announce(seat, null)
    this.#listening = false
    this.#send({ a: 'pu', ch: this.#channel, seq: ++this.#subscriptions })
  }

  #tell(): void {
    for (const seat of this.#seats) seat.tellPeers(this.#peersOf(seat))
  }

  /** All but those of the same tab. */
  #peersOf(seat: Seat): Peer[] {
    const near = [...this.#own.values()].filter(own => own.seat.tab !== seat.tab)
    return [...this.#remote.values(), ...near.map(own => ({ id: own.seat.handle, state: own.state }))]
  }

  #say(handle: string, state: unknown): void {
    this.#send({ a: 'p', ch: this.#channel, id: handle, p: state, pv: ++this.#version })
  }
}
