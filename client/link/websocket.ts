/**
 * The link over a WebSocket: dials, greets, keeps the line honest, and backs off with full jitter when it breaks.
 *
 *   waiting -> dialing -> greeting -> up -> waiting -> ...            (closed from anywhere)
 *
 * An open socket that carries nothing must be noticed: every frame that expects a reply has a deadline, and a line that
 * was silent for `heartbeatMs` is asked. A missed deadline cuts the socket, whatever it says of itself.
 */

import { type ErrorCode, entryOf, HoldfastError } from '../../ops/errors.ts'
import {
  type Address,
  type ClientFrame,
  HOLDFAST_PROTOCOL,
  type ServerFrame,
  SHAREDB_PROTOCOL,
} from '../../ops/protocol.ts'
import type { Clock } from '../clock.ts'
import { type Dial, isOpen, type Link, type LinkEvents, type Phase, type Socket } from './link.ts'

/** All in milliseconds. */
export interface Timings {
  /** From dialing to the server's greeting. */
  readonly connectMs: number
  /** From a request to its reply. */
  readonly replyMs: number
  /** Silence after which the line is asked. */
  readonly heartbeatMs: number
  /** Back-off: uniform in [0, min(maxMs, baseMs * 2^tries)). Source: "Exponential Backoff And Jitter", AWS 2015. */
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
}

export const defaultTimings: Timings = {
  connectMs: 10_000,
  replyMs: 10_000,
  heartbeatMs: 15_000,
  backoffBaseMs: 500,
  backoffMaxMs: 30_000,
}

export interface LinkOptions {
  readonly url: string
  /** The hub's incarnation, told in the greeting. */
  readonly src: string
  readonly dial: Dial
  readonly clock: Clock
  readonly timings?: Partial<Timings>
}

/** Dials at once and goes on until `close`. */
export function openLink(options: LinkOptions, events: LinkEvents): Link {
  return new WebSocketLink(options, events)
}

export const backoff = (tries: number, clock: Clock, timings: Timings): number =>
  clock.random() * Math.min(timings.backoffMaxMs, timings.backoffBaseMs * 2 ** tries)

class WebSocketLink implements Link {
  readonly #options: LinkOptions
  readonly #timings: Timings
  readonly #events: LinkEvents
  readonly #deadlines = new Map<string, () => void>()
  #phase: Phase = { name: 'waiting', until: 0, tries: 0 }
  #socket: Socket | null = null
  #cancelTimer: () => void = () => {}
  #heard = 0

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options
    this.#timings = { ...defaultTimings, ...options.timings }
    this.#events = events
    this.#dial(0)
  }

  get phase(): Phase {
    return this.#phase
  }

  send(frame: ClientFrame): boolean {
    if (!isOpen(this.#phase)) return false
    this.#write(frame)
    return true
  }

  retry(): void {
    if (this.#phase.name === 'closed') return
    this.#hangUp()
    this.#dial(0)
  }

  wake(): void {
    if (this.#phase.name === 'waiting') this.retry()
    else if (this.#phase.name === 'up' && !this.#deadlines.has('pp')) this.#write({ a: 'pp' })
  }

  close(): void {
    this.#end(null)
  }

  #enter(phase: Phase): void {
    this.#phase = phase
    this.#events.phase(phase)
  }

  #dial(tries: number): void {
    const { url, dial, clock } = this.#options
    this.#cancelTimer = clock.after(this.#timings.connectMs, () => this.#broken())
    this.#phase = { name: 'dialing', tries }
    const socket = dial(url, {
      open: () => this.#socket === socket && this.#greet(tries),
      text: text => this.#socket === socket && this.#receive(text),
      close: () => this.#socket === socket && this.#broken(),
    })
    this.#socket = socket
    this.#events.phase(this.#phase)
  }

  /** The hub is told when the greeting is on its way: what it sends now follows in the same flight. */
  #greet(tries: number): void {
    this.#write({ a: 'hs', ...SHAREDB_PROTOCOL, id: this.#options.src, holdfast: HOLDFAST_PROTOCOL })
    this.#enter({ name: 'greeting', tries })
  }

  #receive(text: string): void {
    this.#heard = this.#options.clock.now()
    const frame = JSON.parse(text) as ServerFrame
    const key = replyKey(frame)
    if (key !== null) this.#settle(key)
    if (frame.a === 'h.catchup' && frame.error === undefined && frame.submitted)
      this.#expect(submitKey(frame, ...frame.submitted))
    if (frame.a === 'hs') this.#greeted(frame)
    else if (this.#phase.name === 'up') this.#events.frame(frame)
  }

  #greeted({ error, holdfast }: { holdfast?: number; error?: { code: string } }): void {
    if (this.#phase.name !== 'greeting') return
    if (error && entryOf(error.code).fate === 'retry') {
      this.#broken()
      return
    }
    if (error || holdfast !== HOLDFAST_PROTOCOL) {
      this.#end('PROTOCOL_VERSION')
      return
    }
    this.#cancelTimer()
    this.#watch()
    this.#enter({ name: 'up' })
  }

  /** Asks a silent line; one timer, re-armed for what is left of the silence rather than at every frame. */
  #watch(): void {
    const { clock } = this.#options
    const left = this.#heard + this.#timings.heartbeatMs - clock.now()
    if (left <= 0) this.wake()
    this.#cancelTimer = clock.after(left > 0 ? left : this.#timings.heartbeatMs, () => this.#watch())
  }

  #write(frame: ClientFrame): void {
    const key = replyKey(frame)
    if (key !== null) this.#expect(key)
    this.#socket?.send(JSON.stringify(frame))
  }

  #expect(key: string): void {
    if (this.#deadlines.has(key)) return
    this.#deadlines.set(
      key,
      this.#options.clock.after(this.#timings.replyMs, () => this.#broken()),
    )
  }

  #settle(key: string): void {
    this.#deadlines.get(key)?.()
    this.#deadlines.delete(key)
  }

  /** The line is gone, or as good as gone: wait, then dial again. */
  #broken(): void {
    const tries = 'tries' in this.#phase ? this.#phase.tries : 0
    this.#hangUp()
    const { clock } = this.#options
    const ms = backoff(tries, clock, this.#timings)
    this.#cancelTimer = clock.after(ms, () => this.#dial(tries + 1))
    this.#enter({ name: 'waiting', until: clock.now() + ms, tries: tries + 1 })
  }

  #hangUp(): void {
    this.#cancelTimer()
    for (const cancel of this.#deadlines.values()) cancel()
    this.#deadlines.clear()
    const socket = this.#socket
    this.#socket = null
    socket?.close(1000, 'bye')
  }

  #end(code: ErrorCode | null): void {
    if (this.#phase.name === 'closed') return
    this.#hangUp()
    this.#enter({ name: 'closed', code })
  }
}

/** What pairs a request with its reply; null for frames that are not part of a pair. */
function replyKey(frame: ClientFrame | ServerFrame): string | null {
  switch (frame.a) {
    case 'pp':
      return 'pp'
    case 's':
    case 'h.catchup':
      return JSON.stringify([frame.a, frame.c, frame.d])
    case 'op':
      return submitKey(frame, frame.src, frame.seq)
    default:
      return null
  }
}

const submitKey = ({ c, d }: Address, src: string, seq: number): string =>
  JSON.stringify(['op', c, d, src, seq])

/** Dials with the platform's WebSocket (browsers, Node 22 and later). */
export const dialWebSocket: Dial = (url, events) => {
  const socket = new WebSocket(url)
  socket.onopen = () => events.open()
  socket.onmessage = message => events.text(message.data)
  socket.onclose = event => events.close(event.code, event.reason)
  return {
    send: text => socket.send(text),
    close: (code, reason) => {
      socket.onopen = socket.onmessage = socket.onclose = null
      socket.close(code, reason)
    },
  }
}

/** The WebSocket address of a server named by any of its URLs. Throws `SETTING_INVALID`. */
export function socketUrl(server: string): string {
  const url = URL.canParse(server) ? new URL(server) : null
  if (!url || !/^(https?|wss?):$/.test(url.protocol)) {
    throw new HoldfastError('SETTING_INVALID', `server: "${server}" is not an http, https, ws or wss URL.`)
  }
  url.protocol = url.protocol.replace('http', 'ws')
  if (url.pathname === '/' || url.pathname === '') url.pathname = '/ws'
  return url.href
}
