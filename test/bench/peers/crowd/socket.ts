/**
 * A WebSocket with as little to it as can be, lest the load cost more than what is measured: reads go into one buffer that all
 * sockets share, a frame is handed on where it lies, and what is sent is masked with zeros, which changes nothing.
 */

import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'

export interface Ears {
  open(): void
  /** A message lies in `bytes` from `start` to `end`, until this returns. */
  heard(bytes: Buffer, start: number, end: number): void
  /** The connection ended, or speaks no WebSocket. */
  failed(error: Error): void
}

const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const MASKED = 128
const KEY = 'aG9sZGZhc3QtYmVuY2gtMQ=='
/** RFC 6455, 1.3. */
const ACCEPT = createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
const shared = Buffer.allocUnsafeSlow(1024 * 1024)

export class RawSocket {
  readonly #socket: Socket
  readonly #ears: Ears
  /** What was read of a message whose end is still to come. */
  #rest: Buffer | null = null
  #open = false

  constructor(url: string, ears: Ears) {
    const { hostname, port, pathname } = new URL(url)
    this.#ears = ears
    const onread = { buffer: shared, callback: (length: number) => this.#read(shared.subarray(0, length)) }
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true, onread })
    this.#socket.on('error', error => ears.failed(error))
    this.#socket.on('close', () => ears.failed(new Error('the connection ended')))
    const lines = [`GET ${pathname} HTTP/1.1`, `Host: ${hostname}:${port}`, 'Upgrade: websocket']
    lines.push('Connection: Upgrade', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${KEY}`)
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  }

  /** A string goes as a text message, bytes as a binary one. */
  send(message: string | Buffer): void {
    const opcode = typeof message === 'string' ? opcodes.text : opcodes.binary
    this.#socket.write(framed(opcode, typeof message === 'string' ? Buffer.from(message) : message))
  }

  close(): void {
    this.#socket.removeAllListeners('close').destroy()
  }

  #read(bytes: Buffer): boolean {
    let at = 0
    const all = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes
    this.#rest = null
    if (!this.#open) {
      const end = all.indexOf('\r\n\r\n')
      if (end >= 0) at = this.#opened(all.toString('latin1', 0, end), end + 4)
    }
    if (this.#open) at = this.#takeFrames(all, at)
    if (at < all.length) this.#rest = Buffer.from(all.subarray(at))
    return true
  }

  #opened(head: string, length: number): number {
    if (!head.startsWith('HTTP/1.1 101') || !head.includes(ACCEPT)) {
      this.#ears.failed(new Error(`no WebSocket: ${head.split('\r\n')[0]}`))
      return 0
    }
    this.#open = true
    this.#ears.open()
    return length
  }

  /** Answers where the first frame begins that is not whole. */
  #takeFrames(bytes: Buffer, from: number): number {
    let at = from
    while (at + 2 <= bytes.length) {
      const short = bytes[at + 1]!
      const head = short < 126 ? 2 : short === 126 ? 4 : 10
      if (at + head > bytes.length) break
      const length =
        short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUIntBE(at + 4, 6)
      const end = at + head + length
      if (end > bytes.length) break
      this.#take(bytes[at]! & 15, bytes, at + head, end)
      at = end
    }
    return at
  }

  #take(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === opcodes.ping)
      this.#socket.write(framed(opcodes.pong, Buffer.from(bytes.subarray(start, end))))
    else if (opcode === opcodes.close) {
      const [code, reason] = [bytes.readUInt16BE(start), bytes.toString('utf8', start + 2, end)]
      this.#ears.failed(new Error(`closed with ${code} ${reason}`))
    } else this.#ears.heard(bytes, start, end)
  }
}

function framed(opcode: number, message: Buffer): Buffer {
  const { length } = message
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.alloc(head + 4 + length)
  frame[0] = 128 | opcode
  frame[1] = MASKED | (length < 126 ? length : length < 65_536 ? 126 : 127)
  if (head === 4) frame.writeUInt16BE(length, 2)
  if (head === 10) frame.writeUIntBE(length, 4, 6)
  message.copy(frame, head + 4)
  return frame
}
