/**
 * What goes out to WebSockets. A text becomes a frame once, however many sockets it goes to; and what a socket is told in one turn
 * of the event loop is handed to the system in one go, since that costs more than all else about a message: of 100 readers who are
 * told the same ten edits, each costs one call, and all have the same bytes.
 */

import type { Duplex } from 'node:stream'
import type { Line, Parcel } from './wire.ts'

export interface Outbox {
  /** For a connection; `stream` is what its WebSocket speaks over. */
  open(stream: Duplex): Out
}

export interface Out {
  send(parcel: Parcel): void
  /** Bytes that the network has not taken yet. */
  readonly bytes: number
  /** Hands over what waits for the end of the turn. */
  flush(): void
}

export function openOutbox(): Outbox {
  let told: Told[] = []
  /** What several are told. */
  let last: { readonly parcels: readonly Parcel[]; readonly bytes: Buffer } | null = null

  const flushAll = () => {
    const all = told
    told = []
    for (const each of all) each.flush()
    last = null
  }
  const join = (parcels: readonly Parcel[]): Buffer => {
    if (parcels.length === 1) return framesOf(parcels[0]!)
    if (!last || !isSame(last.parcels, parcels))
      last = { parcels, bytes: Buffer.concat(parcels.map(framesOf)) }
    return last.bytes
  }
  const begin = (first: Told) => {
    if (told.push(first) === 1) process.nextTick(flushAll)
  }
  return { open: stream => new Told(stream, begin, join) }
}

const isSame = (a: readonly Parcel[], b: readonly Parcel[]): boolean =>
  a.length === b.length && a.every((parcel, i) => parcel === b[i])

class Told implements Out {
  readonly #stream: Duplex
  readonly #begin: (told: Told) => void
  readonly #join: (parcels: readonly Parcel[]) => Buffer
  #parcels: Parcel[] | null = null
  #bytes = 0

  constructor(stream: Duplex, begin: (told: Told) => void, join: (parcels: readonly Parcel[]) => Buffer) {
    this.#stream = stream
    this.#begin = begin
    this.#join = join
  }

  get bytes(): number {
    return this.#bytes + this.#stream.writableLength
  }

  send(parcel: Parcel): void {
    this.#bytes += parcel.bytes
    if (this.#parcels) this.#parcels.push(parcel)
    else {
      this.#parcels = [parcel]
      this.#begin(this)
    }
  }

  flush(): void {
    const parcels = this.#parcels
    this.#parcels = null
    this.#bytes = 0
    if (parcels && this.#stream.writable) this.#stream.write(this.#join(parcels))
  }
}

function framesOf(parcel: Parcel): Buffer {
  const [first] = parcel.lines
  parcel.frames ??= parcel.lines.length === 1 ? frameOf(first!) : Buffer.concat(parcel.lines.map(frameOf))
  return parcel.frames
}

/** A text message of a server in one frame, not masked (RFC 6455, 5.2). */
function frameOf(line: Line): Buffer {
  line.frame ??= framed(line)
  return line.frame
}

function framed({ text, bytes }: Line): Buffer {
  const head = bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(head + bytes)
  frame[0] = 0x81
  frame[1] = bytes < 126 ? bytes : bytes < 65_536 ? 126 : 127
  if (head === 4) frame.writeUInt16BE(bytes, 2)
  if (head === 10) frame.writeBigUInt64BE(BigInt(bytes), 2)
  frame.write(text, head)
  return frame
}
