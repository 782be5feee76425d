/**
 * The receipt of a commit: a hash chained over all ops of the document, so that two histories that agree at a version
 * agree in everything before it. A client that keeps the last one can tell a server that went back and took another way.
 *
 *   hash(0) = 32 zeros        hash(v + 1) = sha256(hash(v) name(v) body(v)), its first 128 bits in hexadecimal
 */

import { hash, randomBytes } from 'node:crypto'

/** The document has this hash at version `v`. */
export interface Receipt {
  readonly v: number
  readonly hash: string
}

const HASH_CHARS = 32

/** Before the first op. */
export const START: string = '0'.repeat(HASH_CHARS)

/** The hash one op later; `body` is the op as JSON text, as it is stored. */
export const chained = (before: string, src: string | null, seq: number | null, body: string): string =>
  hash('sha256', `${before} ${JSON.stringify([src, seq])} ${body}`, 'hex').slice(0, HASH_CHARS)

/** A name for the history of a database: 128 random bits in hexadecimal. */
export const newEpoch = (): string => randomBytes(16).toString('hex')
