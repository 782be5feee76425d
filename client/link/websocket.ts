/**
 * The link over a WebSocket: asks for a token, dials, greets, keeps the line honest, and backs off when it breaks.
 *
 *   waiting -> dialing -> greeting -> up -> waiting -> ...            (closed from anywhere)
 *
 * An open socket that carries nothing must be noticed: every frame that expects a reply has a deadline (replies.ts), and a
 * line that was silent for `heartbeatMs` is asked. A missed deadline cuts the socket, whatever it says of itself.
 * How it goes on after an end is decided by what the server said (ending.ts) and by the endpoint's circuit (circuit.ts).
 */

import { type ErrorCode, isErrorCode } from '../../ops/errors.ts'
import {
  type ClientFrame,
  HOLDFAST_PROTOCOL,
  type ServerFrame,
  SHAREDB_PROTOCOL,
  type Welcome,
  type WireError,
} from '../../ops/protocol.ts'
import type { Clock } from '../clock.ts'
import { type Circuit, circuitOf, type Trial } from './circuit.ts'
import { codeOfClose, type Ending, endingOfClose, endingOfRefusal } from './ending.ts'
import { type Dial, isOpen, type Link, type LinkEvents, type Phase, type Socket } from './link.ts'
import { type Connection, type Network, NetworkWatch, type Pace, platformConnection } from './network.ts'
import { Replies, replyKey, submitKey } from './replies.ts'
import { Requests } from './request.ts'
import { atLeastHalf, backoff, defaultTimings, type Timings } from './timings.ts'

export { backoff, defaultTimings, type Timings } from './timings.ts'

export interface LinkOptions {
  readonly url: string
  /** The hub's incarnation, told in the greeting. */
  readonly src: string
  readonly dial: Dial
  readonly clock: Clock
  readonly timings?: Partial<Timings>
  /** Called anew for every attempt, and when a token has expired; null greets without one. */
  readonly token?: () => Promise<string | null>
  /** The platform's hints about the network; `navigator.connection` if not given. */
  readonly connection?: Connection
}

/** Dials at once and goes on until `close`. */
export function openLink(options: LinkOptions, events: LinkEvents): Link {
  return new WebSocketLink(options, events)
}

class WebSocketLink implements Link {
  readonly #options: LinkOptions
  readonly #timings: Timings
  readonly #events: LinkEvents
  readonly #replies: Replies
  readonly #requests = new Requests(text => this.#socket?.send(text))
  readonly #watch: NetworkWatch
  readonly #circuit: Circuit
  readonly #forget: () => void
  #phase: Phase = { name: 'waiting', until: 0, tries: 0 }
  /** Counts connections and attempts at one: what an earlier one still has to say is not heard. */
  #attempt = 0
  #trial: Trial | null = null
  #socket: Socket | null = null
  #cancelTimer: () => void = () => {}
  /** Attempts since the link was last known to be good. */
  #tries = 0
  /** A person or the platform asked for the next attempt, so it need not wait for the circuit's time. */
  #asked = true
  /** The circuit, not a time of our own, is what the link waits for. */
  #standing = false
  /** A connection was given up for an expired token, and has not been good since. */
  #renewed = false
  /** The app is being asked for the token that the server wants. */
  #renewing = false
  #upSince = 0
  #heard = 0

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options
    this.#events = events
    const { url, clock, connection = platformConnection() } = options
    this.#timings = { ...defaultTimings, ...options.timings }
    this.#watch = new NetworkWatch(connection, network => events.network?.(network))
    this.#replies = new Replies(
      clock,
      this.#timings,
      () => this.#ended('broken'),
      roundTrip => this.#watch.measured(roundTrip),
    )
    this.#circuit = circuitOf(url, clock, this.#timings)
    this.#forget = this.#circuit.onTurn(() => this.#turned())
    this.#dial()
  }

  get phase(): Phase {
    return this.#phase
  }

  get roundTrip(): number | null {
    return this.#replies.roundTrip
  }

  get network(): Network {
    return this.#watch.network
  }

  get pace(): Pace {
    return this.#watch.pace
  }

  send(frame: ClientFrame): boolean {
    if (!isOpen(this.#phase)) return false
    this.#write(frame)
    return true
  }

  retry(): void {
    if (this.#phase.name === 'closed') return
    this.#hangUp()
    this.#tries = 0
    this.#asked = true
    this.#dial()
  }

  wake(): void {
    if (this.#phase.name === 'waiting') this.retry()
    if (this.#phase.name !== 'up') return
    this.#ask()
    this.#replies.hurry('pp', () => this.retry())
  }

  close(): void {
    this.#over(null)
  }

  #enter(phase: Phase): void {
    this.#phase = phase
    this.#events.phase(phase)
  }

  // ---- an attempt ----

  #dial(): void {
    if (!this.#trial && !this.#circuit.permits(this.#asked)) {
      this.#stand()
      return
    }
    const { token, clock } = this.#options
    const attempt = ++this.#attempt
    const mine = () => attempt === this.#attempt
    let code: ErrorCode | undefined = token && 'TOKEN_FAILED'
    this.#cancelTimer = clock.after(this.#timings.connectMs, () => this.#ended('broken', code))
    this.#enter({ name: 'dialing', tries: this.#tries })
    if (!mine()) return
    if (!token) {
      this.#connect(mine, null)
      return
    }
    call(token).then(
      given => {
        if (!mine()) return
        code = undefined
        this.#connect(mine, given)
      },
      () => mine() && this.#ended('broken', code),
    )
  }

  /** An attempt that the circuit counts. Another link may have begun a probe while we waited for the token. */
  #connect(mine: () => boolean, token: string | null): void {
    if (!this.#trial && !this.#circuit.permits(this.#asked)) {
      this.#hangUp()
      this.#stand()
      return
    }
    this.#trial ??= this.#circuit.begin(this.#asked)
    this.#asked = false
    this.#socket = this.#options.dial(this.#options.url, {
      open: () => mine() && this.#greet(token),
      text: text => mine() && this.#receive(text),
      close: (number, reason) => mine() && this.#hungUp(number, reason),
    })
  }

  /** The hub is told when the greeting is on its way: what it sends now follows in the same flight. */
  #greet(token: string | null): void {
    const hello = { ...SHAREDB_PROTOCOL, id: this.#options.src, holdfast: HOLDFAST_PROTOCOL }
    this.#write({ a: 'hs', ...hello, ...(token !== null && { token }) })
    this.#enter({ name: 'greeting', tries: this.#tries })
  }

  #greeted({ error, holdfast, batch = 1, devices }: Welcome): void {
    if (this.#phase.name !== 'greeting') return
    if (error) this.#refused(error)
    else if (holdfast !== HOLDFAST_PROTOCOL) this.#over('PROTOCOL_VERSION')
    else {
      this.#judge('passed')
      this.#cancelTimer()
      this.#upSince = this.#options.clock.now()
      this.#requests.most = batch
      this.#listen()
      this.#enter({ name: 'up', devices })
    }
  }

  #judge(verdict: keyof Trial): void {
    this.#trial?.[verdict]()
    this.#trial = null
  }

  // ---- frames ----

  #receive(text: string): void {
    this.#heard = this.#options.clock.now()
    const frame = JSON.parse(text) as ServerFrame
    const awaited = this.#replies.has('h.token')
    const key = replyKey(frame)
    if (key !== null) this.#replies.settle(key)
    if (frame.a === 'h.catchup' && frame.error === undefined && frame.submitted)
      this.#replies.expect('op', submitKey(frame, ...frame.submitted), 0)
    if (frame.a === 'hs') this.#greeted(frame)
    else if (frame.a !== 'h.token') {
      if (this.#phase.name === 'up') this.#events.frame(frame)
    } else if (frame.error && awaited) this.#refused(frame.error)
    else if (frame.error) this.#renew()
  }

  #write(frame: ClientFrame): void {
    const text = JSON.stringify(frame)
    const key = replyKey(frame)
    if (key !== null) this.#replies.expect(frame.a, key, text.length)
    if (frame.a === 'op') this.#requests.op(text)
    else this.#requests.other(text)
  }

  /** The server wants a new token. Where the app has none to give, the server ends the connection in its time. */
  #renew(): void {
    const { token } = this.#options
    if (!token || this.#renewing) return
    const attempt = this.#attempt
    this.#renewing = true
    call(token)
      .catch(() => null)
      .then(given => {
        if (attempt !== this.#attempt) return
        this.#renewing = false
        if (given !== null) this.#write({ a: 'h.token', token: given })
      })
  }

  /** Asks a silent line; one timer, re-armed for what is left of the silence rather than at every frame. */
  #listen(due: number = this.#options.clock.now()): void {
    const { clock } = this.#options
    const { heartbeatMs, meteredHeartbeatMs, wakeReplyMs } = this.#timings
    const silence = this.network.metered ? meteredHeartbeatMs : heartbeatMs
    const now = clock.now()
    const left = this.#heard + silence - now
    if (now - due > wakeReplyMs) this.wake()
    else if (left <= 0) this.#ask()
    const ms = left > 0 ? left : silence
    this.#cancelTimer = clock.after(ms, () => this.#listen(now + ms))
  }

  #ask(): void {
    if (!this.#replies.has('pp')) this.#write({ a: 'pp' })
  }

  // ---- the end, and what comes after it ----

  #hungUp(number: number, reason: string): void {
    const code = codeOfClose(number, reason)
    this.#ended(endingOfClose(number, code), code ?? undefined)
  }

  /** The server said why it will not have us; that it closes then is not waited for. */
  #refused({ code }: WireError): void {
    this.#ended(endingOfRefusal(code), isErrorCode(code) ? code : 'INTERNAL')
  }

  /** The line is gone, or as good as gone. For the circuit, a server that gave a reason is not one that fails. */
  #ended(ending: Ending, code?: ErrorCode): void {
    const { clock, token } = this.#options
    const { backoffMaxMs, restartMs } = this.#timings
    const wasUp = this.#phase.name === 'up'
    if (wasUp && (isMishap(ending) || clock.now() - this.#upSince >= backoffMaxMs)) this.#good()
    this.#judge(ending !== 'broken' ? 'passed' : code === 'TOKEN_FAILED' ? 'dropped' : 'failed')
    this.#hangUp()
    if (ending === 'over' || (ending === 'token' && !token)) this.#over(code ?? null)
    else if (ending === 'token' && code === 'TOKEN_EXPIRED' && !this.#renewed) {
      this.#renewed = true
      this.#dial()
    }
    // Over in a moment: nothing that a person would have to hear of.
    else if (ending === 'restarting' && wasUp) this.#wait(clock.random() * restartMs)
    else if (ending === 'throttled') this.#fail(atLeastHalf(2 * backoffMaxMs, clock), code)
    else this.#fail(backoff(this.#tries, clock, this.#timings), code)
  }

  #good(): void {
    this.#tries = 0
    this.#renewed = false
  }

  #fail(ms: number, code?: ErrorCode): void {
    this.#tries++
    this.#wait(ms, code)
  }

  #wait(ms: number, code?: ErrorCode): void {
    const { clock } = this.#options
    this.#standing = false
    this.#cancelTimer()
    this.#cancelTimer = clock.after(ms, () => this.#dial())
    this.#enter({ name: 'waiting', until: clock.now() + ms, tries: this.#tries, ...(code && { code }) })
  }

  /** Waits for the circuit: for its time, or for the verdict of the link that probes. */
  #stand(): void {
    const left = this.#circuit.isOpen
      ? this.#circuit.until - this.#options.clock.now()
      : this.#timings.connectMs
    this.#wait(left, 'code' in this.#phase ? (this.#phase.code ?? undefined) : undefined)
    this.#standing = true
  }

  #turned(): void {
    if (this.#phase.name !== 'waiting') return
    const { isOpen, isClosed, until } = this.#circuit
    if (isOpen && this.#asked) this.#dial()
    else if (isOpen && this.#phase.until < until) this.#stand()
    else if (isClosed && this.#standing) this.#wait(this.#options.clock.random() * this.#timings.restartMs)
  }

  #hangUp(): void {
    this.#attempt++
    this.#cancelTimer()
    this.#replies.clear()
    this.#requests.reset()
    this.#renewing = false
    const socket = this.#socket
    this.#socket = null
    socket?.close(1000, 'bye')
  }

  #over(code: ErrorCode | null): void {
    if (this.#phase.name === 'closed') return
    this.#judge('dropped')
    this.#hangUp()
    this.#forget()
    this.#watch.stop()
    this.#enter({ name: 'closed', code })
  }
}

/** It has nothing to do with this client, so a link that was up starts anew. */
const isMishap = (ending: Ending): boolean => ending === 'broken' || ending === 'restarting'

/** A function of the app that throws instead of rejecting rejects as well. */
const call = async <T>(given: () => Promise<T>): Promise<T> => given()

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
