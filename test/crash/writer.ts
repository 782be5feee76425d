/**
 * One person who types tokens into a document of a server that keeps dying, over the wire and by hand: one edit at a time,
 * sent again under its name, on the base it was made on, until it is answered. What was acknowledged is written down.
 */

import { sealOf } from '../../ops/seal.ts'
import { text } from '../../types/index.ts'

export const COLLECTION = 'crash'

interface Answer {
  a: string
  src?: string
  seq?: number
  v?: number
  again?: true
  error?: { code: string }
}

/** A refusal that says "later": everything else is a failure of the test. */
const LATER = new Set(['STORE_FAILED', 'SERVER_DRAINING', 'INTERNAL'])

/** Between two tries to connect, ms. */
const PAUSE_MS = 20

export class TokenWriter {
  readonly acked: string[] = []
  /** Acks that said that the log had the name already. */
  again = 0
  refused = 0
  fault: Error | null = null
  readonly #doc: string
  readonly #src: string
  readonly #origin: () => string
  readonly #heard: () => void
  #seq = 1
  #v = 0
  #socket: WebSocket | null = null
  #timer: NodeJS.Timeout | undefined
  #stopped: (() => void) | null = null

  /** `heard` is told of every answer. */
  constructor(doc: string, src: string, origin: () => string, heard: () => void) {
    this.#doc = doc
    this.#src = src
    this.#origin = origin
    this.#heard = heard
  }

  start(): void {
    const socket = new WebSocket(`${this.#origin().replace('http', 'ws')}/ws`)
    this.#socket = socket
    socket.onopen = () => this.#say({ a: 'hs', protocol: 1, protocolMinor: 2, id: this.#src, holdfast: 1 })
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(String(data)))
    socket.onclose = () => {
      this.#timer = this.#stopped ? undefined : setTimeout(() => this.start(), PAUSE_MS)
    }
  }

  /** Ends after the edit that is on its way was acknowledged. */
  async stop(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#stopped = resolve
      if (this.fault) resolve()
    })
    clearTimeout(this.#timer)
    this.#socket?.close()
  }

  /** Ends now, whatever is on its way. */
  drop(): void {
    this.#stopped ??= () => {}
    clearTimeout(this.#timer)
    this.#socket?.close()
  }

  #say(frame: object): void {
    this.#socket?.send(JSON.stringify(frame))
  }

  #hear(answer: Answer): void {
    if (answer.a === 'hs') this.#send()
    else if (answer.a === 'op' && answer.src === this.#src && answer.seq === this.#seq) this.#answered(answer)
  }

  #answered({ v, again, error }: Answer): void {
    if (error && !LATER.has(error.code)) this.#fail(new Error(`${this.token} was refused: ${error.code}`))
    else if (error) {
      this.refused++
      this.#heard()
      this.#timer = setTimeout(() => this.#send(), PAUSE_MS)
    } else this.#took(v!, again === true)
  }

  #took(v: number, again: boolean): void {
    this.acked.push(this.token)
    if (again) this.again++
    this.#v = v + 1
    this.#seq++
    this.#heard()
    if (this.#stopped) this.#stopped()
    else this.#send()
  }

  #fail(fault: Error): void {
    this.fault = fault
    this.#stopped?.()
    this.#heard()
  }

  get token(): string {
    return `<${this.#src}:${this.#seq}>`
  }

  #send(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return
    // The first one of a document creates it; everybody else's first edit is on that.
    const first = this.#src.endsWith('0') && this.#seq === 1
    const change = first ? { create: { type: text.uri, data: this.token } } : { op: [this.token] }
    const name = { src: this.#src, seq: this.#seq, seal: sealOf({ op: [this.token] }, 1) }
    this.#say({
      a: 'op',
      c: COLLECTION,
      d: this.#doc,
      v: first ? 0 : Math.max(1, this.#v),
      ...name,
      ...change,
    })
  }
}
