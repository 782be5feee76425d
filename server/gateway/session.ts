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

import type { Duplex } from 'node:stream'
import type { ErrorCode } from '../../ops/errors.ts'
import { errors, HoldfastError } from '../../ops/errors.ts'
import type { CatchUpAnswer, CatchUpRefusal, Submit, WireError } from '../../ops/protocol.ts'
import { HOLDFAST_PROTOCOL, SHAREDB_PROTOCOL } from '../../ops/protocol.ts'
import type { Access } from '../access/access.ts'
import { type Gate, openGate } from '../access/gate.ts'
import { Sentry, type SentryParts } from '../access/sentry.ts'
import { identify } from '../access/tokens.ts'
import type { Reviewed } from '../access/watch.ts'
import { answerCatchUp, carryAlong } from '../catchup.ts'
import type { Agent } from '../sharedb.ts'
import { type Address, addressOf } from './address.ts'
import { type FrameRead, readFrame } from './frames.ts'
import type { Gateway } from './gateway.ts'
import { openPipe } from './pipe.ts'
import type { CatchUp, Frame, Hello } from './schemas.ts'
import { codedError, toText, wireError } from './wire.ts'

/** A socket as a session needs it: a WebSocket in life, a seeded network in the simulation. */
export interface Socket {
  send(text: string): void
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
  /** The socket is gone. */
  closed(): void
  /** From now on new requests are refused; what is running is still answered. */
  drain(): void
  /** Ends the connection with the code's close code. */
  close(code: ErrorCode): void
}

/** `token`: the one of the cookie with which the socket was opened, if that may be believed. */
export function openSession(gateway: Gateway, socket: Socket, token: string | null = null): Session {
  const session = new GatewaySession(gateway, socket, token)
  gateway.sessions.add(session)
  if (gateway.draining) session.close('SERVER_DRAINING')
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
  readonly #pipe: Duplex
  readonly #agent: Agent
  /** The handshake is answered, and before that nothing else is; or the session is over. */
  readonly #greeted = Promise.withResolvers<void>()
  /** Null on an open server, and before it is known who speaks. */
  #sentry: Sentry | null = null

  constructor(gateway: Gateway, socket: Socket, cookie: string | null) {
    this.#gateway = gateway
    this.#socket = socket
    this.#cookie = cookie
    this.#pipe = openPipe({ message: message => this.#tell(message), end: () => this.close('INTERNAL') })
    this.#agent = gateway.backend.share.listen(this.#pipe)
  }

  get principal(): string | null {
    return this.#sentry?.principal ?? null
  }

  receive(data: string | Uint8Array): void {
    if (this.phase.name === 'closed') return
    const read = typeof data === 'string' ? readFrame(data, this.#gateway.settings) : binary
    if (read.fault) this.#refuse(read.fault.address, codedError(read.fault.code, read.fault.message))
    else this.#handle(read.frame)
  }

  closed(): void {
    this.#end(null)
  }

  drain(): void {
    if (this.phase.name !== 'closed') this.phase = { name: 'draining' }
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
    this.#gateway.sessions.delete(this)
    this.#greeted.resolve()
    this.#sentry?.close()
    this.#pipe.destroy()
  }

  #handle(frame: Frame): void {
    const { phase } = this
    if (phase.name === 'draining') this.#refuse(addressOf(frame), codedError('SERVER_DRAINING'))
    else if (phase.name === 'identifying') this.#wait(frame, phase.waiting)
    else if (frame.a === 'hs') this.#greet(frame)
    else if (phase.name !== 'open')
      this.#refuse(addressOf(frame), codedError('FRAME_MALFORMED', 'Say hs first.'))
    else if (this.#sentry) this.#sentry.admit(frame, admitted => this.#go(admitted))
    else this.#go(frame)
  }

  #go(frame: Frame): void {
    const { phase } = this
    try {
      if (phase.name === 'draining') this.#refuse(addressOf(frame), codedError('SERVER_DRAINING'))
      else if (phase.name !== 'open') return
      else if (frame.a === 'op') this.#pipe.push(withSeal(frame))
      else if (frame.a === 'h.token') this.#send({ a: 'h.token' })
      else if (frame.a !== 'h.catchup') this.#pipe.push(frame)
      else if (phase.holdfast) void this.#catchUp(frame)
      else this.#refuse(addressOf(frame), codedError('PROTOCOL_VERSION', 'Say holdfast: 1 in hs first.'))
    } catch (error) {
      this.#refuse(addressOf(frame), wireError(error, this.#gateway.report))
    }
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
    const parts = { ...this.#gateway, access }
    try {
      const principal = await identify(access, hello.token ?? this.#cookie, parts.clock)
      const gate = await openGate(parts, principal, hello.id ?? this.#agent.clientId, this.#agent)
      if (this.phase === phase) this.#sentry = this.#post(parts, gate, hello)
      else gate.close()
    } catch (error) {
      this.#turnAway(wireError(error, parts.report))
    }
    if (this.phase !== phase) return
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
    if (this.phase.name !== 'open') this.#refuse({ a: 'hs' }, codedError('SERVER_DRAINING'))
    else {
      const ours = { holdfast: HOLDFAST_PROTOCOL, epoch: this.#gateway.store.epoch }
      this.#send({ ...message, ...(this.phase.holdfast && ours) })
    }
    this.#greeted.resolve()
  }

  // ---- catching up ----

  /** A client may ask in the same flight as it greets, and hears the answers in that order. */
  async #catchUp(request: CatchUp): Promise<void> {
    const { store, report } = this.#gateway
    const { c, d, v: from } = request
    try {
      const answer = await answerCatchUp(store, request)
      const along = await carryAlong(store, request, answer)
      if (this.#sentry && !(await this.#sentry.mayHear(c, d))) throw new HoldfastError('FORBIDDEN')
      await this.#greeted.promise
      this.#answer(answer, this.phase.name === 'open' ? along : null)
    } catch (error) {
      await this.#greeted.promise
      const refusal: CatchUpRefusal = { a: 'h.catchup', c, d, from, error: wireError(error, report) }
      this.#send({ ...refusal })
    }
  }

  /** What came along goes on as if its sender had heard the answer, followed the document from there and sent it. */
  #answer(answer: CatchUpAnswer, along: Submit | null): void {
    this.#send({ ...answer, ...(along && { submitted: [along.src, along.seq] }) })
    if (!along || this.phase.name !== 'open') return
    this.#pipe.push({ a: 's', c: along.c, d: along.d, v: along.v })
    this.#pipe.push(withSeal(along))
  }

  // ---- to the client ----

  /** Something that ShareDB's agent says. */
  #tell(message: Record<string, unknown>): void {
    // A greeting for clients of ShareDB before 1.1; the others would only answer it with a second handshake.
    if (message.a === 'init') return
    if (message.error !== undefined) {
      this.#send({ ...addressOf(message), error: wireError(message.error, this.#gateway.report) })
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
    this.#socket.send(toText(message))
    if (this.#socket.bufferedBytes() > this.#gateway.settings.SOCKET_BUFFER_BYTES)
      this.close('READER_TOO_SLOW')
  }
}

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
