/** The two ends of a connection to ShareDB's agent: frames go in by `push`, and what the agent says comes out. */

import { Duplex } from 'node:stream'

export interface PipeEvents {
  /** The agent says something to the client. */
  message(message: Record<string, unknown>): void
  /** The agent wants the connection to end. */
  end(): void
}

/** An object-mode stream for `Backend.listen`; `destroy` it when the client has gone. */
export function openPipe(events: PipeEvents): Duplex {
  return new Duplex({
    objectMode: true,
    // Frames are pushed as they come: there is nothing to pull.
    read() {},
    write(message, _encoding, done) {
      events.message(message)
      done()
    },
    final(done) {
      events.end()
      done()
    },
  })
}
