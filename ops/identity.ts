/** The name of an op: `(src, seq)`, given once, before it is first written, and kept for ever. Pure. */

export interface Name {
  /** The hub incarnation that wrote the op: random, never used again after a restart of the hub. */
  readonly src: string
  /** Counts from 1 in each `src`, per document. */
  readonly seq: number
}

/** The name of an op that is in the server's log, and the seal that it came with (seal.ts) where that is known. */
export interface Committed extends Name {
  readonly seal?: string | undefined
}

export interface DocKey {
  readonly collection: string
  readonly id: string
}

export const sameName = (a: Name, b: Name): boolean => a.seq === b.seq && a.src === b.src

/** A text form of a key or a name, unique because JSON quotes its parts. */
export const keyText = (key: DocKey): string => JSON.stringify([key.collection, key.id])
export const nameText = (name: Name): string => `${name.src}:${name.seq}`

/** A new `src` of 128 random bits; `random` fills the array that it is given (`crypto.getRandomValues`). */
export function newSrc(random: (bytes: Uint8Array<ArrayBuffer>) => unknown): string {
  const bytes = new Uint8Array(16)
  random(bytes)
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
