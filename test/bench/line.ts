/**
 * A client's way to the server that can be cut and that counts what it carries.
 *
 * Bytes are those of the WebSocket payloads, as UTF-8, both ways; they are counted when they are asked for, so that
 * counting takes no time from what is being measured.
 */

import type { Dial, Socket } from '../../client/link/link.ts'
import { dialWebSocket } from '../../client/link/websocket.ts'

export type Payload = string | ArrayBuffer | ArrayBufferView<ArrayBuffer>

export interface Traffic {
  /** Payload bytes from the client to the server. */
  readonly out: number
  /** Payload bytes from the server to the client. */
  readonly in: number
}

/** Why a socket of a line that is cut was closed: "abnormal closure", as a browser reports a lost network. */
const LOST = 1006

export class Line {
  #mended = true
  #outgoing: Payload[] = []
  #incoming: Payload[] = []
  readonly #cutters = new Set<() => void>()

  /** For the Holdfast client: the platform's dial, behind this line. */
  readonly dial: Dial = (url, events) => {
    if (!this.#mended) return refused(() => events.close(LOST, 'the line is cut'))
    const socket = dialWebSocket(url, {
      ...events,
      text: text => {
        this.#incoming.push(text)
        events.text(text)
      },
      close: (code, reason) => {
        this.#cutters.delete(cut)
        events.close(code, reason)
      },
    })
    const cut = () => {
      socket.close()
      events.close(LOST, 'the line was cut')
    }
    this.#cutters.add(cut)
    return {
      send: text => {
        this.#outgoing.push(text)
        socket.send(text)
      },
      close: (code, reason) => {
        this.#cutters.delete(cut)
        socket.close(code, reason)
      },
    }
  }

  /** For other clients: a WebSocket behind this line. They stop it themselves. */
  open(url: string): WebSocket {
    const socket = new WebSocket(url)
    const send = socket.send.bind(socket)
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('message', ({ data }) => this.#incoming.push(data))
    socket.send = (data: Payload) => {
      this.#outgoing.push(data)
      send(data)
    }
    return socket
  }

  /** Closes what is open and refuses to dial until `mend`. */
  cut(): void {
    this.#mended = false
    for (const cut of this.#cutters) cut()
    this.#cutters.clear()
  }

  mend(): void {
    this.#mended = true
  }

  /** What went over the line since it was made or last asked. */
  takeTraffic(): Traffic {
    const traffic = { out: bytes(this.#outgoing), in: bytes(this.#incoming) }
    this.#outgoing = []
    this.#incoming = []
    return traffic
  }
}

const bytes = (payloads: readonly Payload[]) => payloads.reduce((sum, payload) => sum + sizeOf(payload), 0)

const sizeOf = (payload: Payload) =>
  typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength

/** A socket that never opens; it says so after `dial` has returned, as a real one does. */
function refused(tell: () => void): Socket {
  let open = true
  queueMicrotask(() => open && tell())
  return {
    send: () => {},
    close: () => {
      open = false
    },
  }
}
