/** Ops that are sent in one turn go to the server in one message: a batch over several documents is one request. */

/** Characters of one message of several ops; well within any limit on frames. */
const MESSAGE_CHARS = 128 * 1024

export class Requests {
  readonly #send: (text: string) => void
  #ops: string[] = []
  #chars = 0
  /** Frames that the server takes in one message. */
  most = 1

  constructor(send: (text: string) => void) {
    this.#send = send
  }

  /** Goes with the other ops of this turn. */
  op(text: string): void {
    if (this.most === 1) {
      this.#send(text)
      return
    }
    if (this.#ops.length === 0) queueMicrotask(() => this.flush())
    else if (this.#ops.length === this.most || this.#chars + text.length > MESSAGE_CHARS) this.flush()
    this.#ops.push(text)
    this.#chars += text.length
  }

  /** Goes now, behind what was sent before it. */
  other(text: string): void {
    this.flush()
    this.#send(text)
  }

  flush(): void {
    const ops = this.#ops
    this.#ops = []
    this.#chars = 0
    if (ops.length > 0) this.#send(ops.length === 1 ? ops[0]! : `[${ops.join()}]`)
  }

  /** The connection is gone, and the next server may be another one. */
  reset(): void {
    this.#ops = []
    this.#chars = 0
    this.most = 1
  }
}
