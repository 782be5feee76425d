/** A link on sockets in the test's hand, in virtual time. */

import type { Clock } from '../../client/clock.ts'
import type { Dial, Link, Phase, SocketEvents } from '../../client/link/link.ts'
import type { Network } from '../../client/link/network.ts'
import { type LinkOptions, openLink } from '../../client/link/websocket.ts'
import type { ServerFrame } from '../../ops/protocol.ts'
import { Random } from '../random.ts'
import { VirtualClock } from '../sim/clock.ts'

/** Lets promises that are settled be heard of: tokens, and the verdicts on an endpoint. */
export const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Several lines on one time and clock are links of one process. */
export class Time {
  readonly virtual = new VirtualClock()
  /** How long the device was suspended: its clock went on, its timers did not. */
  slept = 0
  readonly clock: Clock = {
    ...this.virtual.of(new Random(1), () => true),
    now: () => this.virtual.now + this.slept,
  }

  pass(ms: number): void {
    const end = this.virtual.now + ms
    let due = false
    this.virtual.after(ms, () => {
      due = true
    })
    while (!due && this.virtual.now <= end) this.virtual.step()
  }

  /** As `pass`, with promises heard of whenever time moves on. */
  async live(ms: number): Promise<void> {
    const end = this.virtual.now + ms
    let due = false
    this.virtual.after(ms, () => {
      due = true
    })
    while (!due && this.virtual.now <= end) {
      await turn()
      this.virtual.step()
    }
    await turn()
  }
}

interface Wire {
  readonly events: SocketEvents
  readonly sent: ({ a: string } & Record<string, unknown>)[]
  readonly at: number
  closed: boolean
}

export class Line {
  readonly time: Time
  /** Every socket that was dialed, oldest first. */
  readonly sockets: Wire[] = []
  readonly phases: Phase[] = []
  readonly frames: ServerFrame[] = []
  readonly networks: Network[] = []
  readonly link: Link
  /** Does something when a phase is told. */
  heard: (phase: Phase) => unknown = () => {}
  readonly #dial: Dial = (_url, events) => {
    const socket: Wire = { events, sent: [], at: this.time.clock.now(), closed: false }
    this.sockets.push(socket)
    return {
      send: text => socket.sent.push(JSON.parse(text)),
      close: () => {
        socket.closed = true
      },
    }
  }

  constructor(options: Partial<LinkOptions> = {}, time = new Time()) {
    this.time = time
    this.link = openLink(
      { url: 'ws://x', src: 'me', dial: this.#dial, clock: time.clock, ...options },
      {
        phase: phase => {
          this.phases.push(phase)
          this.heard(phase)
        },
        frame: frame => this.frames.push(frame),
        network: network => this.networks.push(network),
      },
    )
  }

  get last(): Wire {
    return this.sockets.at(-1)!
  }

  get phase(): string {
    return this.link.phase.name
  }

  /** What the link says that it waits for: the tries, the code and the milliseconds left. */
  get wait(): { tries: number; code: string | undefined; ms: number } {
    const { phase } = this.link
    if (phase.name !== 'waiting') throw new Error(`the link is ${phase.name}`)
    return { tries: phase.tries, code: phase.code, ms: phase.until - this.time.clock.now() }
  }

  hear(frame: object): this {
    this.last.events.text(JSON.stringify(frame))
    return this
  }

  /** The greeting is answered after `ms`. */
  up(ms = 0): this {
    this.last.events.open()
    return this.pass(ms).hear({ a: 'hs', protocol: 1, protocolMinor: 2, id: 'me', holdfast: 1 })
  }

  /** The greeting is refused, or whatever `a` names. */
  refuse(code: string, a = 'hs'): this {
    return this.hear({ a, error: { code, message: '' } })
  }

  cut(code = 1006, reason = ''): this {
    this.last.events.close(code, reason)
    return this
  }

  untilDialed(): this {
    const { length } = this.sockets
    while (this.sockets.length === length) this.time.virtual.step()
    return this
  }

  /** As `untilDialed`, with promises heard of whenever time moves on. */
  async redialed(): Promise<this> {
    const { length } = this.sockets
    for (;;) {
      await turn()
      if (this.sockets.length > length) return this
      this.time.virtual.step()
    }
  }

  pass(ms: number): this {
    this.time.pass(ms)
    return this
  }
}
