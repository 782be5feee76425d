/**
 * What goes out to WebSockets. A text becomes a frame once, however many sockets it goes to; and what a socket is told in one turn
 * of the event loop is handed to the system in one go: that call costs more than all else about a message.
 */

import type { Duplex } from 'node:stream'
import type { Line } from './wire.ts'

export interface Outbox {
  /** `stream` is what the WebSocket speaks over; it is open, and so is the WebSocket. */
  send(stream: Duplex, line: Line): void
}

export function openOutbox(): Outbox {
  let told: Duplex[] = []
  const flush = () => {
    const all = told
    told = []
    for (const stream of all) stream.uncork()
  }
  return {
    send(stream, line) {
      if (stream.writableCorked === 0) {
        if (told.push(stream) === 1) setImmediate(flush)
        stream.cork()
      }
      line.frame ??= frameOf(line)
      stream.write(line.frame)
    },
  }
}

/** A text message of a server in one frame, not masked (RFC 6455, 5.2). */
function frameOf({ text, bytes }: Line): Buffer {
  const head = bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(head + bytes)
  frame[0] = 0x81
  frame[1] = bytes < 126 ? bytes : bytes < 65_536 ? 126 : 127
  if (head === 4) frame.writeUInt16BE(bytes, 2)
  if (head === 10) frame.writeBigUInt64BE(BigInt(bytes), 2)
  frame.write(text, head)
  return frame
}
