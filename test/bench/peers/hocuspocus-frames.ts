/**
 * The numbers and byte strings of Hocuspocus' messages, as lib0 writes them: a number in groups of seven bits, the lowest
 * first, with the eighth bit set on all but the last; bytes behind their length.
 */

export function sized(bytes: Uint8Array): Buffer {
  const head: number[] = []
  let length = bytes.length
  for (; length > 127; length >>>= 7) head.push((length & 127) | 128)
  return Buffer.concat([Buffer.of(...head, length), bytes])
}

/** Reads a message from its beginning. */
export class FrameReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  number(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++]!
      value |= (byte & 127) << shift
      if (byte < 128) return value
    }
  }

  sized(): Buffer {
    const length = this.number()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}
