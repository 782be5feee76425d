/**
 * Seeded randomness: xoroshiro64** (Blackman and Vigna, 64 bits of state in two words), so that a failure replays from
 * its seed on any machine. Seeds are spread by splitmix64 first: neighbouring seeds give unlike sequences.
 */

export class Random {
  #a: number
  #b: number

  constructor(seed: bigint | number) {
    const state = spread(BigInt.asUintN(64, BigInt(seed)))
    this.#a = Number(state & 0xffffffffn) | 0
    this.#b = Number(state >> 32n) | 0
    // The one state that never changes.
    if (this.#a === 0 && this.#b === 0) this.#a = 1
  }

  /** In [0, 1), by 32 bits. */
  next(): number {
    return this.word() / 0x1_0000_0000
  }

  /** A whole number in [0, n). */
  int(n: number): number {
    return Math.floor(this.next() * n)
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to pick from')
    return list[this.int(list.length)]!
  }

  /** True in a share `p` of the calls. */
  chance(p: number): boolean {
    return this.next() < p
  }

  /** A sequence of its own, so that what one part draws does not shift what another draws. */
  fork(): Random {
    return new Random((BigInt(this.word()) << 32n) | BigInt(this.word()))
  }

  /** 32 random bits. */
  word(): number {
    const result = Math.imul(rotate(Math.imul(this.#a, 0x9e3779bb), 5), 5)
    const mixed = this.#b ^ this.#a
    this.#a = rotate(this.#a, 26) ^ mixed ^ (mixed << 9)
    this.#b = rotate(mixed, 13)
    return result >>> 0
  }
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by))

function spread(seed: bigint): bigint {
  let z = BigInt.asUintN(64, seed + 0x9e3779b97f4a7c15n)
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
  return z ^ (z >> 31n)
}
