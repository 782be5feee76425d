/** A two-way line between a tab and a hub: plain data, in order, each message once, for as long as both ends live. */

export interface Port<In, Out> {
  post(message: Out): void
  /** Sets who hears the messages; those that came before wait for it. */
  listen(listener: (message: In) => void): void
  /** Nothing is heard and nothing is sent after it. */
  close(): void
}

/** Both ends of a line within one program. Like a platform's, it delivers later than it is told to. */
export function pipe<A, B>(): [Port<A, B>, Port<B, A>] {
  const left = new End<A, B>()
  const right = new End<B, A>()
  left.other = right
  right.other = left
  return [left, right]
}

class End<In, Out> implements Port<In, Out> {
  other!: End<Out, In>
  #listener: ((message: In) => void) | null = null
  #waiting: In[] = []
  #closed = false

  post(message: Out): void {
    if (this.#closed) return
    const { other } = this
    queueMicrotask(() => other.#hear(message))
  }

  listen(listener: (message: In) => void): void {
    this.#listener = listener
    for (const message of this.#waiting.splice(0)) listener(message)
  }

  close(): void {
    this.#closed = true
  }

  #hear(message: In): void {
    if (this.#closed) return
    if (this.#listener) this.#listener(message)
    else this.#waiting.push(message)
  }
}
