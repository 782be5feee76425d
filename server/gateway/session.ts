/**
 * One connection of one client: what it may say in which phase, and what it is told.
 *
 *   greeting  ->  open  ->  closed        the handshake opens it, either side closes it
 *                  |
 *                  +---->  draining -> closed        the server shuts down: running edits are still answered
 *
 * Where access is not open to all, `identifying` comes between greeting and open, and what was sent in the same flight waits
 * for its end; from then on a sentry stands between session and client (access/sentry.ts).
 *
 * A refused frame is answered to the sender as the reply of its request, so the rest of the connection goes on; where
 * there is no telling which request it was, the connection ends, since a client would wait for ever for its answer.
 */

import type { ErrorCode } from '../../ops/errors.ts'
import { errors, HoldfastError } from '../../ops/errors.ts'
import type { CatchUpAnswer, CatchUpRefusal, Submit, WireError } from '../../ops/protocol.ts'
import { HOLDFAST_PROTOCOL, SHAREDB_PROTOCOL } from '../../ops/protocol.ts'
import type { Access } from '../access/access.ts'
import { type Gate, openGate } from '../access/gate.ts'
import { Sentry, type SentryParts } from '../access/sentry.ts'
import { identifyNew } from '../access/tokens.ts'
import type { Reviewed } from '../access/watch.ts'
import { answerCatchUp, carryAlong } from '../catchup.ts'
import { meetDevice } from '../devices.ts'
import { whoseLimits } from '../limits.ts'
import { nobody, type Peer } from '../peer.ts'
import type { Report } from '../report.ts'
import type { Agent } from '../sharedb.ts'
import { type Address, addressOf } from './address.ts'
import { Allowance } from './allowance.ts'
import { type Announcement, Carets } from './carets.ts'
import { BATCH_FRAMES, type FrameFault, type FrameRead, readFrames } from './frames.ts'
import type { Gateway } from './gateway.ts'
import { Pipe } from './pipe.ts'
import type { CatchUp, Device, Frame, Hello } from './schemas.ts'
import { codedError, type Parcel, parcelOf, wireError } from './wire.ts'

/** A socket as a session needs it: a WebSocket in life, a seeded network in the simulation. */
export interface Socket {
  send(parcel: Parcel): void
  /** After it the session says nothing more; `reason` is an error code. */
  close(code: number, reason: string): void
  /** Bytes that were sent and that the network has not taken yet. */
  bufferedBytes(): number
}

export type Phase =
  | { readonly name: 'greeting' }
  | { readonly name: 'identifying'; readonly waiting: Frame[] }
  | { readonly name: 'open'; readonly src: string; readonly holdfast: boolean }
  | { readonly name: 'draining' }
  | { readonly name: 'closed'; readonly code: ErrorCode | null }

export interface Session extends Reviewed {
  readonly phase: Phase
  /** A WebSocket message came; anything but text is refused. */
  receive(data: string | Uint8Array): void
  /** The socket was asked whether it lives, with so many bytes, and has answered. */
  pinged(bytes: number): void
  /** The socket is gone. */
  closed(): void
  /** From now on new requests are passed over; what is running is still answered. */
  drain(): void
  /** Drains, and closes with SERVER_DRAINING once the ops that are running are answered. */
  leave(): Promise<void>
  /** Ends the connection with the code's close code. */
  close(code: ErrorCode): void
}

/** `token`: the one of the cookie with which the socket was opened, if that may be believed. */
export function openSession(
  gateway: Gateway,
  socket: Socket,
  token: string | null = null,
  peer: Peer = nobody(),
): Session {
  const session = new GatewaySession(gateway, socket, token, peer)
  gateway.sessions.add(session)
  gateway.meter.opened()
  if (gateway.draining) session.close('SERVER_DRAINING')
  else if (gateway.lost) session.close('STORE_FAILED')
  else if (gateway.pressure === 'connections') session.close('SERVER_FULL')
  else if (!session.enter('CONNECTIONS_PER_ADDRESS', peer.address)) session.close('TOO_MANY')
  return session
}

/** Frames that may come in the flight of the greeting; each is limited in its size. */
const WAITING = 10_000

class GatewaySession implements Session {
  phase: Phase = { name: 'greeting' }
  readonly #gateway: Gateway
  readonly #socket: Socket
  readonly #cookie: string | null
  /** ShareDB's side of the connection: made before the client has said a word, while it has nothing to wait for. */
  readonly #pipe: Pipe
  readonly #agent: Agent
  /** What waits for the handshake to be answered, as before that nothing else is; null: it is, or the session is over. */
  #greeted: (() => void)[] | null = []
  /** Null on an open server, and before it is known who speaks. */
  #sentry: Sentry | null = null
  readonly #peer: Peer
  readonly #report: Report
  /** Null before the first is announced. */
  #carets: Carets | null = null
  readonly #allowance: Allowance
  /** Ops that ShareDB has not answered. */
  #running = 0
  #quiet: (() => void) | null = null

  constructor(gateway: Gateway, socket: Socket, cookie: string | null, peer: Peer) {
    this.#gateway = gateway
    this.#peer = peer
    this.#report = (what, error) => gateway.report(what, error, { session: peer.id })
    this.#allowance = new Allowance(gateway.limits, () => whoseLimits(this.principal, peer.address))
    this.#socket = socket
    this.#cookie = cookie
    this.#pipe = new Pipe({ message: message => this.#tell(message), end: () => this.close('INTERNAL') })
    this.#agent = gateway.backend.share.listen(this.#pipe)
  }

  get principal(): string | null {
    return this.#sentry?.principal ?? null
  }

  receive(data: string | Uint8Array): void {
    if (this.phase.name === 'closed') return
    const bytes = Buffer.byteLength(data)
    this.#gateway.meter.heard(bytes)
    const reads = typeof data === 'string' ? readFrames(data, this.#gateway.settings) : [binary]
    for (const read of reads) {
      this.#allowance.spend(read.fault ? null : read.frame, bytes / reads.length)
      if (read.fault) this.#reject(read.fault)
      else this.#handle(read.frame)
    }
  }

  pinged(bytes: number): void {
    if (this.phase.name === 'closed') return
    this.#gateway.meter.heard(bytes)
    this.#allowance.spend(null, bytes)
    if (this.#isStuck()) this.close('READER_TOO_SLOW')
    else this.#bear(null)
  }

  closed(): void {
    this.#end(null)
  }

  drain(): void {
    if (this.phase.name !== 'closed') this.phase = { name: 'draining' }
  }

  async leave(): Promise<void> {
    this.drain()
    if (this.#running > 0)
      await new Promise<void>(resolve => {
        this.#quiet = resolve
      })
    this.close('SERVER_DRAINING')
  }

  /** Takes a place until the end; answers false if there is none left. */
  enter(...place: Parameters<Allowance['enter']>): boolean {
    return this.#allowance.enter(...place)
  }

  close(code: ErrorCode): void {
    if (this.phase.name === 'closed') return
    this.#end(code)
    const entry: { close?: number } = errors[code]
    this.#socket.close(entry.close ?? 1011, code)
  }

  async review(): Promise<void> {
    await this.#sentry?.review()
  }

  #end(code: ErrorCode | null): void {
    if (this.phase.name === 'closed') return
    this.phase = { name: 'closed', code }
    this.#gateway.meter.closed(code)
    this.#gateway.log.info('a session ended', { session: this.#peer.id, code: code ?? 'CLIENT' })
    this.#carets?.close()
    this.#quiet?.()
    this.#allowance.leave()
    this.#gateway.sessions.delete(this)
    this.#begin()
    this.#sentry?.close()
    this.#pipe.destroy()
  }

  #handle(frame: Frame): void {
    const { phase } = this
    if (phase.name === 'draining') this.#leaveOver(frame)
    else if (phase.name === 'identifying') this.#wait(frame, phase.waiting)
    else if (frame.a === 'hs') this.#greet(frame)
    else if (phase.name !== 'open')
      this.#refuse(addressOf(frame), codedError('FRAME_MALFORMED', 'Say hs first.'))
    else if (this.#allowance.followed.isRepeated(frame) || this.#isTooMuch(frame)) return
    else if (this.#sentry) this.#sentry.admit(frame, admitted => this.#go(admitted))
    else this.#go(frame)
  }

  #go(frame: Frame): void {
    const { phase } = this
    try {
      if (phase.name !== 'open') return
      else if (frame.a === 'op') this.#submit(withSeal(frame))
      else if (frame.a === 'p') this.#announce(frame)
      else if (frame.a === 'h.token') this.#send({ a: 'h.token' })
      else if (frame.a === 'h.device') void this.#answerDevice(frame)
      else if (frame.a !== 'h.catchup') this.#pipe.push(frame)
      else if (phase.holdfast) void this.#catchUp(frame)
      else this.#refuse(addressOf(frame), codedError('PROTOCOL_VERSION', 'Say holdfast: 1 in hs first.'))
    } catch (error) {
      this.#refuse(addressOf(frame), wireError(error, this.#report))
    }
  }

  /**
   * What comes while the session ends is left for the next connection: an edit without an answer is sent again there, while
   * a refusal would be shown to a person, and ShareDB's own client would throw the edit away.
   */
  #leaveOver(frame: Frame): void {
    if (frame.a === 'hs') this.#refuse({ a: 'hs' }, codedError('SERVER_DRAINING'))
  }

  #submit(op: object): void {
    this.#running++
    this.#pipe.push(op)
  }

  // ---- limits ----

  /** A request over a limit is answered so. */
  #isTooMuch(frame: Frame): boolean {
    const setting = this.#allowance.beyond(frame)
    if (setting !== null)
      this.#refuse(addressOf(frame), codedError('TOO_MANY', `This is more than HOLDFAST_${setting} allows.`))
    this.#bear(frame)
    return setting !== null || this.phase.name === 'closed'
  }

  #reject({ code, message, address }: FrameFault): void {
    this.#refuse(address, codedError(code, message))
    this.#bear(null)
  }

  /** Who goes on over a rate is not borne for ever. */
  #bear(frame: Frame | null): void {
    if (!this.#allowance.isBorne(frame)) this.close('TOO_MANY')
  }

  #announce(frame: Announcement): void {
    this.#carets ??= this.#openCarets()
    if (this.#gateway.pressure !== 'none' && frame.p !== null) {
      this.#gateway.meter.shed()
      this.#answerCaret(frame)
    } else if (!this.#carets.take(frame)) {
      const message = 'This is more than HOLDFAST_PRESENCE_PER_CONNECTION allows.'
      this.#refuse(addressOf(frame), codedError('TOO_MANY', message))
    }
  }

  #openCarets(): Carets {
    return new Carets({
      clock: this.#gateway.clock,
      limits: this.#gateway.limits,
      go: announcement => this.#pipe.push(announcement),
      passed: announcement => this.#answerCaret(announcement),
    })
  }

  /** As ShareDB answers, though nobody else hears of it: its sender need not know. */
  #answerCaret(frame: Announcement): void {
    this.#send({ ...frame, src: this.#agent.clientId })
  }

  // ---- the greeting ----

  /** ShareDB's client says hs twice; only the first can name its src and bring a token. */
  #greet(hello: Hello): void {
    const fault = helloFault(hello, this.phase)
    const { access } = this.#gateway
    if (fault) this.#turnAway(fault)
    else if (this.phase.name === 'open' || access === null) this.#admit(hello)
    else void this.#identify(hello, access)
  }

  #admit({ token: _, ...hello }: Hello): void {
    if (this.phase.name !== 'open') {
      const { id, holdfast } = hello
      this.phase = { name: 'open', src: id ?? this.#agent.clientId, holdfast: holdfast !== undefined }
    }
    this.#pipe.push(hello)
  }

  async #identify(hello: Hello, access: Access): Promise<void> {
    const phase: Phase = { name: 'identifying', waiting: [] }
    this.phase = phase
    const parts = { ...this.#gateway, report: this.#report, access }
    try {
      const principal = await identifyNew(parts, hello.token ?? this.#cookie, this.#peer.address)
      const gate = await openGate(parts, principal, hello.id ?? this.#agent.clientId, this.#agent)
      if (this.phase !== phase) gate.close()
      else {
        this.#sentry = this.#post(parts, gate, hello)
        if (!this.enter('CONNECTIONS_PER_PRINCIPAL', principal.id))
          throw new HoldfastError(
            'TOO_MANY',
            'There are more connections than HOLDFAST_CONNECTIONS_PER_PRINCIPAL allows.',
          )
      }
    } catch (error) {
      this.#turnAway(wireError(error, this.#report))
    }
    if (this.phase !== phase) {
      // The server drains, or the client has gone.
      this.#refuse({ a: 'hs' }, codedError('SERVER_DRAINING'))
      return
    }
    this.#admit(hello)
    for (const frame of phase.waiting) this.#handle(frame)
  }

  #post(parts: SentryParts, gate: Gate, { holdfast }: Hello): Sentry {
    return new Sentry(parts, gate, {
      holdfast: holdfast !== undefined,
      say: message => this.#say(message),
      close: code => this.close(code),
    })
  }

  #wait(frame: Frame, waiting: Frame[]): void {
    if (waiting.length < WAITING) waiting.push(frame)
    else this.close('FRAME_TOO_LARGE')
  }

  #turnAway(error: WireError): void {
    this.#send({ a: 'hs', error })
    this.close(error.code as ErrorCode)
  }

  #welcome(message: Record<string, unknown>): void {
    const ours = {
      holdfast: HOLDFAST_PROTOCOL,
      batch: BATCH_FRAMES,
      epoch: this.#gateway.store.epoch,
      ...(this.#peer.browser && { devices: true }),
    }
    this.#send({ ...message, ...(this.phase.name === 'open' && this.phase.holdfast && ours) })
    this.#begin()
  }

  #begin(): void {
    const waiting = this.#greeted ?? []
    this.#greeted = null
    for (const go of waiting) go()
  }

  #beginning(): Promise<void> | void {
    const waiting = this.#greeted
    if (waiting) return new Promise(resolve => waiting.push(resolve))
  }

  // ---- catching up ----

  /** A client may ask in the same flight as it greets, and hears the answers in that order. */
  async #catchUp(request: CatchUp): Promise<void> {
    const { store } = this.#gateway
    const { c, d, v: from } = request
    try {
      const answer = await answerCatchUp(store, request)
      const along = await carryAlong(store, request, answer)
      if (this.#sentry && !(await this.#sentry.mayHear(c, d))) throw new HoldfastError('FORBIDDEN')
      await this.#beginning()
      this.#answer(answer, this.phase.name === 'open' ? along : null)
    } catch (error) {
      await this.#beginning()
      this.#allowance.followed.drop(c, d)
      const refusal: CatchUpRefusal = { a: 'h.catchup', c, d, from, error: wireError(error, this.#report) }
      this.#send({ ...refusal })
    }
  }

  /** What came along goes on as if its sender had heard the answer, followed the document from there and sent it. */
  #answer(answer: CatchUpAnswer, along: Submit | null): void {
    this.#send({ ...answer, ...(along && { submitted: [along.src, along.seq] }) })
    if (!along || this.phase.name !== 'open') return
    this.#pipe.push({ a: 's', c: along.c, d: along.d, v: along.v })
    this.#submit(withSeal(along))
  }

  // ---- the manifest of devices ----

  async #answerDevice(frame: Device): Promise<void> {
    const { store, clock } = this.#gateway
    const { browser } = this.#peer
    try {
      const place = browser ? { who: this.principal, browser, log: frame.log } : null
      const known = place ? await meetDevice(store, place, frame, clock.now()) : { edits: 0, lost: null }
      this.#send({ a: 'h.device', ...known })
    } catch (error) {
      this.#refuse({ a: 'h.device' }, wireError(error, this.#report))
    }
  }

  // ---- to the client ----

  /** Something that ShareDB's agent says. */
  #tell(message: Record<string, unknown>): void {
    // A greeting for clients of ShareDB before 1.1; the others would only answer it with a second handshake.
    if (message.a === 'init') return
    if (message.a === 'ops') {
      this.#send(message)
      return
    }
    if (message.a === 'op' && isReply(message) && --this.#running === 0) this.#quiet?.()
    if (message.error !== undefined) {
      if (message.a === 's') this.#allowance.followed.drop(message.c, message.d)
      this.#send({ ...addressOf(message), error: wireError(message.error, this.#report) })
    } else if (message.a === 'hs') {
      this.#welcome(message)
    } else {
      this.#send(message)
    }
  }

  #refuse(address: Address | null, error: WireError): void {
    this.#say({ ...(address ?? { a: 'h.error' }), error })
    if (!address) this.close(error.code as ErrorCode)
  }

  #send(message: Record<string, unknown>): void {
    if (this.#sentry === null || this.#sentry.lets(message)) this.#say(message)
  }

  #say(message: Record<string, unknown>): void {
    if (this.phase.name === 'closed') return
    const { meter } = this.#gateway
    const isTold = message.a === 'ops' || (message.a === 'op' && !isReply(message))
    const parcel = parcelOf(message)
    meter.told(parcel.lines.length, parcel.bytes, isTold)
    this.#socket.send(parcel)
    if (message.error !== undefined) meter.refused((message.error as WireError).code as ErrorCode)
    if (this.#isStuck()) this.close('READER_TOO_SLOW')
  }

  #isStuck(): boolean {
    return this.#socket.bufferedBytes() > this.#gateway.settings.SOCKET_BUFFER_BYTES
  }
}

/** An ack or a refusal of the session's own op; somebody else's has something in it. */
const isReply = (message: Record<string, unknown>): boolean =>
  message.error !== undefined || !('op' in message || 'create' in message || 'del' in message)

/** ShareDB carries what stands in `x` along with an op. */
const withSeal = ({ seal, ...frame }: Extract<Frame, { a: 'op' }> | Submit) =>
  seal === undefined ? frame : { ...frame, x: { seal } }

const binary: FrameRead = {
  fault: { code: 'FRAME_MALFORMED', message: 'Frames are text, not binary.', address: null },
}

function helloFault(hello: Hello, phase: Phase): WireError | null {
  if (hello.holdfast !== undefined && hello.holdfast !== HOLDFAST_PROTOCOL) {
    return codedError('PROTOCOL_VERSION', `This server speaks holdfast ${HOLDFAST_PROTOCOL}.`)
  }
  if (Number(hello.protocol) !== SHAREDB_PROTOCOL.protocol) {
    return codedError(
      'PROTOCOL_VERSION',
      `This server speaks protocol ${SHAREDB_PROTOCOL.protocol} of ShareDB.`,
    )
  }
  if (phase.name === 'open' && hello.id && hello.id !== phase.src) {
    return codedError('FRAME_MALFORMED', 'The src of a connection cannot change.')
  }
  return null
}
