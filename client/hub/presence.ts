/** Who else has a document open: ShareDB's presence on one channel a document. Volatile by nature; nothing is stored. */

import type { ClientFrame, PresenceNotice } from '../../ops/protocol.ts'
import type { Peer } from '../api.ts'

export class Presence {
  readonly #channel: string
  readonly #send: (frame: ClientFrame) => boolean
  readonly #changed: (peers: readonly Peer[]) => void
  readonly #peers = new Map<string, Peer>()
  #mine: unknown = null
  #version = 0
  #subscriptions = 0
  #listening = false

  constructor(
    channel: string,
    send: (frame: ClientFrame) => boolean,
    changed: (peers: readonly Peer[]) => void,
  ) {
    this.#channel = channel
    this.#send = send
    this.#changed = changed
  }

  /** The link is up and somebody looks; saying so again does nothing, as several handles open at once. */
  up(): void {
    if (this.#listening) return
    this.#listening = true
    this.#send({ a: 'ps', ch: this.#channel, seq: ++this.#subscriptions })
    if (this.#mine !== null) this.#say()
  }

  down(): void {
    this.#listening = false
    if (this.#peers.size === 0) return
    this.#peers.clear()
    this.#changed([])
  }

  announce(state: unknown): void {
    this.#mine = state
    this.#say()
  }

  /** Somebody new asks who is here. */
  asked(): void {
    if (this.#mine !== null) this.#say()
  }

  heard(notice: PresenceNotice): void {
    const id = `${notice.src}/${notice.id}`
    const gone = notice.p === null || notice.p === undefined
    if (gone && !this.#peers.delete(id)) return
    if (!gone) this.#peers.set(id, { id, state: notice.p })
    this.#changed([...this.#peers.values()])
  }

  leave(): void {
    this.#listening = false
    if (this.#mine !== null) this.announce(null)
    this.#send({ a: 'pu', ch: this.#channel, seq: ++this.#subscriptions })
  }

  #say(): void {
    this.#send({ a: 'p', ch: this.#channel, id: 'me', p: this.#mine, pv: ++this.#version })
  }
}
