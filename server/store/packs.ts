/**
 * Packs: older ops, many to a row. An op alone costs a database some 60 bytes beside its content; in a pack, columns of
 * like things compress to a tenth of that.
 *
 *   pack = deflate(line*)      line 1    {"n", "src": [name...], "writer": [index | -1...], "seq": [...], "at": [...], "meta": {i: text}}
 *                              line 2..  the bodies, one each, as they were hashed
 *
 *   what is left of one that was trimmed = deflate(line 1 without `meta`, with "receipts": the first digits of the chain's
 *                              hashes after each op, without anything between them)
 *
 * `at` and, for each writer, `seq` are differences to the one before. Bodies are JSON, which has no line breaks.
 */

import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { HoldfastError } from '../../ops/errors.ts'
import { chained } from './chain.ts'
import type { KeptName, KeptOp } from './engine.ts'

/** Ops of a pack. So many latest ones stay in rows of their own, and at most twice as many. */
export const PACK_OPS = 256

interface Head {
  n: number
  src: string[]
  writer: number[]
  seq: number[]
  at: number[]
  meta: Record<string, string>
}

export function encodePack(ops: readonly KeptOp[]): Uint8Array {
  const head: Head = { n: ops.length, src: [], writer: [], seq: [], at: [], meta: {} }
  const lastSeqs: number[] = []
  let before = 0
  for (const [i, { src, seq, at, meta }] of ops.entries()) {
    const writer = src === null ? -1 : indexIn(head.src, src)
    head.writer.push(writer)
    if (writer >= 0) {
      head.seq.push(seq! - (lastSeqs[writer] ?? 0))
      lastSeqs[writer] = seq!
    }
    head.at.push(at - before)
    before = at
    if (meta !== null) head.meta[i] = meta
  }
  return deflateRawSync([JSON.stringify(head), ...ops.map(({ body }) => body)].join('\n'))
}

/** The ops of a pack that begins at version `v`. */
export function decodePack(pack: Uint8Array, v: number): KeptOp[] {
  const [head, bodies] = linesOf(pack)
  return namesIn(head, v).map((name, i) => ({ ...name, body: bodies[i]!, meta: head.meta[i] ?? null }))
}

/** Only the bodies. */
export const bodiesOf = (pack: Uint8Array): string[] => linesOf(pack)[1]

/** Digits of a receipt that stay: 32 bits, so that of 4 billion clients with another history one would go unnoticed. */
export const RECEIPT_DIGITS = 8

/**
 * What stays of a pack when its ops are trimmed, so that a name is known for ever, and a client that has another history is
 * found out. `before`: the chain's hash where the pack begins.
 */
export function namesOf(pack: Uint8Array, before: string): Uint8Array {
  const [{ meta: _, ...names }, bodies] = linesOf(pack)
  let hash = before
  const receipts = namesIn(names, 0).map(({ v, src, seq }) => {
    hash = chained(hash, src, seq, bodies[v]!)
    return hash.slice(0, RECEIPT_DIGITS)
  })
  return deflateRawSync(JSON.stringify({ ...names, receipts: receipts.join('') }))
}

/** The first digits of the receipt after the `n`th op, from 1; null where they were not kept when it was trimmed. */
export function receiptIn(names: Uint8Array, n: number): string | null {
  const { receipts } = readable(() => JSON.parse(inflateRawSync(names).toString()))
  return receipts?.slice((n - 1) * RECEIPT_DIGITS, n * RECEIPT_DIGITS) ?? null
}

/** The names and times of what was a pack that begins at version `v`. */
export const decodeNames = (names: Uint8Array, v: number): KeptName[] =>
  readable(() => namesIn(JSON.parse(inflateRawSync(names).toString()), v))

function namesIn({ src, writer, seq, at }: Omit<Head, 'meta'>, v: number): KeptName[] {
  const lastSeqs: number[] = []
  let [time, named] = [0, 0]
  return writer.map((index, i) => {
    time += at[i]!
    if (index >= 0) lastSeqs[index] = (lastSeqs[index] ?? 0) + seq[named++]!
    const name = index < 0 ? { src: null, seq: null } : { src: src[index]!, seq: lastSeqs[index]! }
    return { v: v + i, ...name, at: time }
  })
}

function linesOf(pack: Uint8Array): [Head, string[]] {
  return readable(() => {
    const [first, ...bodies] = inflateRawSync(pack).toString().split('\n')
    const head: Head = JSON.parse(first!)
    if (bodies.length !== head.n) throw new Error('it is cut short')
    return [head, bodies]
  })
}

function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new HoldfastError(
      'STORE_FAILED',
      `A pack of the op log cannot be read: ${(error as Error).message}`,
    )
  }
}

function indexIn(list: string[], item: string): number {
  const index = list.indexOf(item)
  return index < 0 ? list.push(item) - 1 : index
}
