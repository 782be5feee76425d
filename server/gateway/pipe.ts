/**
 * The two ends of a connection to ShareDB's agent: frames go in by `push`, and what the agent says comes out. It has as much of a
 * stream as an agent uses: one of Node's own weighs some 3 kB, and costs a µs for every message that passes.
 */

import { EventEmitter } from 'node:events'

export interface PipeEvents {
  /** The agent says something to the client. It may say the same object to others: nobody changes it. */
  message(message: Record<string, unknown>): void
  /** The agent wants the connection to end. */
  end(): void
}

/** For `Backend.listen`; `destroy` it when the client has gone. */
export class Pipe extends EventEmitter {
  readonly #events: PipeEvents
  #open = true

  constructor(events: PipeEvents) {
    super()
    this.#events = events
  }

  /** To the agent. */
  push(frame: object): void {
    if (this.#open) this.emit('data', frame)
  }

  /** From the agent. */
  write(message: Record<string, unknown>): void {
    if (this.#open) this.#events.message(message)
  }

  end(): void {
    this.#events.end()
  }

  destroy(): void {
    if (!this.#open) return
    this.#open = false
    this.emit('close')
  }
}
