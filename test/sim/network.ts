/**
 * A seeded network of WebSocket-like connections: each keeps its order, and each can lag, stall for good (what a lost
 * packet becomes once the path is gone), be cut, say a frame twice, or refuse to open.
 */

import type { Socket as ClientSocket, Dial, SocketEvents } from '../../client/link/link.ts'
import type { Socket as ServerSocket, Session } from '../../server/gateway/session.ts'
import type { Random } from '../random.ts'
import type { VirtualClock } from './clock.ts'
import type { Program } from './program.ts'

export type Mode = 'pass' | 'blackhole' | 'refuse'

export interface Weather {
  /** Milliseconds that a frame takes: uniform in [min, max). */
  readonly lag: readonly [min: number, max: number]
  /** Share of frames with which a direction of a connection goes silent for good. */
  readonly loss: number
  /** Share of frames that arrive twice. */
  readonly doubling: number
}

export const fair: Weather = { lag: [1, 20], loss: 0, doubling: 0 }

export interface Traffic {
  frames: number
  lost: number
  doubled: number
  cuts: number
}

/** Opens the server's side of a connection; null while there is no server. */
export type Accept = (socket: ServerSocket) => Pick<Session, 'receive' | 'closed'> | null

export class Network {
  weather: Weather = fair
  readonly traffic: Traffic = { frames: 0, lost: 0, doubled: 0, cuts: 0 }
  readonly #clock: VirtualClock
  readonly #random: Random
  readonly #accept: Accept
  readonly #wires = new Set<Wire>()
  readonly #modes = new Map<string, Mode>()

  constructor(clock: VirtualClock, random: Random, accept: Accept) {
    this.#clock = clock
    this.#random = random
    this.#accept = accept
  }

  setMode(device: string, mode: Mode): void {
    this.#modes.set(device, mode)
    if (mode === 'refuse') this.cut(device)
  }

  mode(device: string): Mode {
    return this.#modes.get(device) ?? 'pass'
  }

  /** Ends the connections of a device, or all; both sides hear of it, the server unless it is gone. */
  cut(device?: string): void {
    for (const wire of [...this.#wires]) {
      if (device !== undefined && wire.device !== device) continue
      this.traffic.cuts++
      wire.end(1006)
    }
  }

  /** How a program of a device dials; when it dies, the server sides of its connections end. */
  dialFor(device: string, program: Program): Dial {
    program.onEnd(() => {
      for (const wire of [...this.#wires]) if (wire.program === program) wire.abandon()
    })
    return (_url, events) => {
      const wire: Wire = new Wire(device, program, events, this.#clock, this, () => this.#wires.delete(wire))
      this.#wires.add(wire)
      this.#clock.after(this.lag(), () => wire.open(this.mode(device), this.#accept))
      return wire.client
    }
  }

  lag(): number {
    const [min, max] = this.weather.lag
    return min + this.#random.next() * (max - min)
  }

  /** What becomes of one frame. */
  fate(device: string): 'pass' | 'double' | 'lose' {
    this.traffic.frames++
    if (this.mode(device) === 'blackhole' || this.#random.chance(this.weather.loss)) {
      this.traffic.lost++
      return 'lose'
    }
    if (!this.#random.chance(this.weather.doubling)) return 'pass'
    this.traffic.doubled++
    return 'double'
  }
}

/** One direction of a connection: in order, until it goes silent. */
class Pipe {
  #silent = false
  /** When the last frame arrives. */
  #last = 0
  readonly #wire: Wire
  readonly #deliver: (text: string) => void

  constructor(wire: Wire, deliver: (text: string) => void) {
    this.#wire = wire
    this.#deliver = deliver
  }

  send(text: string): void {
    const { network, clock, device } = this.#wire
    const fate = network.fate(device)
    this.#silent ||= fate === 'lose'
    if (this.#silent) return
    this.#last = Math.max(this.#last, clock.now + network.lag())
    const copies = fate === 'double' ? [this.#last, this.#last + network.lag()] : [this.#last]
    for (const at of copies) clock.after(at - clock.now, () => this.#deliver(text))
  }

  /** When all that is on its way has arrived. */
  get empty(): number {
    return this.#last
  }
}

class Wire {
  readonly device: string
  readonly program: Program
  readonly clock: VirtualClock
  readonly network: Network
  readonly client: ClientSocket
  alive = true
  readonly #events: SocketEvents
  readonly #gone: () => void
  readonly #up: Pipe
  readonly #down: Pipe
  #session: ReturnType<Accept> = null

  constructor(
    device: string,
    program: Program,
    events: SocketEvents,
    clock: VirtualClock,
    network: Network,
    gone: () => void,
  ) {
    this.device = device
    this.program = program
    this.clock = clock
    this.network = network
    this.#events = events
    this.#gone = gone
    this.#up = new Pipe(this, text => this.#session?.receive(text))
    this.#down = new Pipe(this, text => program.run(() => this.alive && this.#events.text(text)))
    this.client = { send: text => program.alive && this.#up.send(text), close: () => this.abandon() }
  }

  open(mode: Mode, accept: Accept): void {
    if (!this.alive || mode === 'blackhole') return
    const socket: ServerSocket = {
      send: ({ lines }) => {
        for (const { text } of lines) this.#down.send(text)
      },
      close: code => clockwise(this, () => this.end(code)),
      bufferedBytes: () => 0,
    }
    this.#session = mode === 'refuse' ? null : accept(socket)
    if (this.#session) this.program.run(() => this.alive && this.#events.open())
    else this.end(1006)
  }

  /** Both sides hear that it is over. */
  end(code: number): void {
    if (!this.alive) return
    this.#over()
    this.#hangUp()
    this.program.run(() => this.#events.close(code, ''))
  }

  /** The client's side is gone without a word; what it had sent arrives all the same. */
  abandon(): void {
    if (!this.alive) return
    this.#over()
    this.clock.after(Math.max(0, this.#up.empty - this.clock.now), () => this.#hangUp())
  }

  #over(): void {
    this.alive = false
    this.#gone()
  }

  #hangUp(): void {
    this.#session?.closed()
    this.#session = null
  }
}

/** What the server closes, the client hears of after what was sent before. */
const clockwise = (wire: Wire, end: () => void) => wire.clock.after(wire.network.lag() * 2, end)
