/**
 * One connection of one client: what it may say in which phase, and what it is told.
 *
 *   greeting  ->  open  ->  closed        the handshake opens it, either side closes it
 *                  |
 *                  +---->  draining -> closed        the server shuts down: running edits are still answered
 *
 * A refused frame is answered to the sender as the reply of its request, so the rest of the connection goes on; where
 * there is no telling which request it was, the connection ends, since a client would wait for ever for its answer.
 */

import type { Duplex } from 'node:stream'
import type { ErrorCode } from '../../ops/errors.ts'
import { errors } from '../../ops/errors.ts'
import type { CatchUpRefusal, WireError } from '../../ops/protocol.ts'
import { HOLDFAST_PROTOCOL, SHAREDB_PROTOCOL } from '../../ops/protocol.ts'
import { answerCatchUp } from '../catchup.ts'
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
  | {
      readonly name: 'open'
      readonly pipe: Duplex
      readonly src: string
      readonly holdfast: boolean
      /** The handshake is answered: until then nothing else is. */
      readonly greeted: PromiseWithResolvers<void>
    }
  | { readonly name: 'draining'; readonly pipe: Duplex | null }
  | { readonly name: 'closed'; readonly code: ErrorCode | null }

export interface Session {
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

export function openSession(gateway: Gateway, socket: Socket): Session {
  const session = new GatewaySession(gateway, socket)
  gateway.sessions.add(session)
  if (gateway.draining) session.close('SERVER_DRAINING')
  return session
}

class GatewaySession implements Session {
  phase: Phase = { name: 'greeting' }
  readonly #gateway: Gateway
  readonly #socket: Socket

  constructor(gateway: Gateway, socket: Socket) {
    this.#gateway = gateway
    this.#socket = socket
  }

  receive(data: string | Uint8Array): void {
    if (this.phase.name === 'closed') return
    const read = typeof data === 'string' ? readFrame(data, this.#gateway.settings) : binary
    if (read.fault) {
      this.#refuse(read.fault.address, codedError(read.fault.code, read.fault.message))
      return
    }
    try {
      this.#handle(read.frame)
    } catch (error) {
      this.#refuse(addressOf(read.frame), wireError(error, this.#gateway.report))
    }
  }

  closed(): void {
    this.#end(null)
  }

  drain(): void {
    const pipe = this.phase.name === 'open' ? this.phase.pipe : null
    if (this.phase.name !== 'closed') this.phase = { name: 'draining', pipe }
  }

  close(code: ErrorCode): void {
    if (this.phase.name === 'closed') return
    this.#end(code)
    const entry: { close?: number } = errors[code]
    this.#socket.close(entry.close ?? 1011, code)
  }

  #end(code: ErrorCode | null): void {
    const { phase } = this
    if (phase.name === 'closed') return
    this.phase = { name: 'closed', code }
    this.#gateway.sessions.delete(this)
    if (phase.name !== 'greeting') phase.pipe?.destroy()
  }

  #handle(frame: Frame): void {
    const { phase } = this
    if (phase.name === 'draining') this.#refuse(addressOf(frame), codedError('SERVER_DRAINING'))
    else if (frame.a === 'hs') this.#greet(frame)
    else if (phase.name !== 'open')
      this.#refuse(addressOf(frame), codedError('FRAME_MALFORMED', 'Say hs first.'))
    else if (frame.a === 'op') phase.pipe.push(withSeal(frame))
    else if (frame.a !== 'h.catchup') phase.pipe.push(frame)
    else if (phase.holdfast) void this.#catchUp(frame, phase.greeted.promise)
    else this.#refuse(addressOf(frame), codedError('PROTOCOL_VERSION', 'Say holdfast: 1 in hs first.'))
  }

  /** ShareDB's client says hs twice; only the first can name its src. */
  #greet(hello: Hello): void {
    const fault = helloFault(hello, this.phase)
    if (fault) {
      this.#send({ a: 'hs', error: fault })
      this.close(fault.code as ErrorCode)
      return
    }
    if (this.phase.name !== 'open') this.#open(hello)
    if (this.phase.name === 'open') this.phase.pipe.push(hello)
  }

  #open(hello: Hello): void {
    const pipe = openPipe({ message: message => this.#tell(message), end: () => this.close('INTERNAL') })
    const agent = this.#gateway.backend.share.listen(pipe)
    this.phase = {
      name: 'open',
      pipe,
      src: hello.id ?? agent.clientId,
      holdfast: hello.holdfast !== undefined,
      greeted: Promise.withResolvers(),
    }
  }

  /** A client may ask in the same flight as it greets, and hears the answers in that order. */
  async #catchUp(request: CatchUp, greeted: Promise<void>): Promise<void> {
    const { c, d, v } = request
    const answer = await answerCatchUp(this.#gateway.store, request).catch(
      (error): CatchUpRefusal => ({
        a: 'h.catchup',
        c,
        d,
        from: v,
        error: wireError(error, this.#gateway.report),
      }),
    )
    await greeted
    this.#send({ ...answer })
  }

  /** Something that ShareDB's agent says. */
  #tell(message: Record<string, unknown>): void {
    // A greeting for clients of ShareDB before 1.1; the others would only answer it with a second handshake.
    if (message.a === 'init') return
    if (message.error !== undefined) {
      this.#send({ ...addressOf(message), error: wireError(message.error, this.#gateway.report) })
    } else if (message.a === 'hs' && this.phase.name === 'open') {
      const ours = { holdfast: HOLDFAST_PROTOCOL, epoch: this.#gateway.store.epoch }
      this.#send({ ...message, ...(this.phase.holdfast && ours) })
      this.phase.greeted.resolve()
    } else {
      this.#send(message)
    }
  }

  #refuse(address: Address | null, error: WireError): void {
    this.#send({ ...(address ?? { a: 'h.error' }), error })
    if (!address) this.close(error.code as ErrorCode)
  }

  #send(message: Record<string, unknown>): void {
    if (this.phase.name === 'closed') return
    this.#socket.send(toText(message))
    if (this.#socket.bufferedBytes() > this.#gateway.settings.SOCKET_BUFFER_BYTES)
      this.close('READER_TOO_SLOW')
  }
}

/** ShareDB carries what stands in `x` along with an op. */
const withSeal = ({ seal, ...frame }: Extract<Frame, { a: 'op' }>) =>
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
