/**
 * The two ends of a connection to ShareDB's agent: frames go in by `push`, and what the agent says comes out. It has as much of a
 * stream as an agent uses: one of Node's own weighs some 3 kB, and costs a µs for every message that passes.
 */

import type { AgentStream } from '../sharedb.ts'

export interface PipeEvents {
  /** The agent says something to the client. It may say the same object to others: nobody changes it. */
  message(message: Record<string, unknown>): void
  /** The agent wants the connection to end. */
  end(): void
}

/** For `Backend.listen`; `destroy` it when the client has gone. */
export class Pipe implements AgentStream {
  readonly #events: PipeEvents
  #heard: ((frame: never) => void) | null = null
  #closed: (() => void) | null = null
  #open = true

  constructor(events: PipeEvents) {
    this.#events = events
  }

  /** `end` never comes: there is no more to a connection than its being closed. */
  on(event: 'data' | 'end' | 'close', listener: (frame: never) => void): void {
    if (event === 'data') this.#heard = listener
    if (event === 'close') this.#closed = listener as () => void
  }

  /** To the agent. */
  push(frame: object): void {
    if (this.#open) this.#heard?.(frame as never)
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
    this.#closed?.()
  }
}
