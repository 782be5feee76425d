/** Work in the order in which it was handed in, though some of it has to wait for an answer first. */
export class Line {
  #last: Promise<unknown> | null = null

  /** Goes at once where there is nothing to wait for. `go` does not throw, and `ready` does not reject. */
  add<T>(ready: T | Promise<T>, go: (value: T) => void): void {
    if (this.#last === null && !(ready instanceof Promise)) {
      go(ready)
      return
    }
    const mine = Promise.all([ready, this.#last]).then(([value]) => {
      if (this.#last === mine) this.#last = null
      go(value)
    })
    this.#last = mine
  }
}
