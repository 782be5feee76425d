/** Rows as both engines read them, made into what they stand for. */

import type { Full } from './adapter.ts'
import type { OpRow } from './engine.ts'
import { inflated, parsedOrNull, unquoted } from './text.ts'

/** A row of `ops` with its src; as an array, because there may be thousands. */
export type OpArray = [
  v: number,
  src: string | null,
  seq: number | null,
  at: number,
  body: string,
  meta: string | null,
  hash: string,
]

/** A row of `snapshots` or, its data deflated, of `milestones`. */
export interface FullRow {
  readonly v: number
  readonly type: string | null
  readonly data: string | Uint8Array | null
  readonly meta: string | null
}

export const opRowOf = ([v, src, seq, at, body, meta, hash]: OpArray): OpRow => ({
  v,
  src: src === null ? null : unquoted(src),
  seq,
  at,
  body,
  meta,
  hash,
})

export function fullOf({ v, type, data, meta }: FullRow): Full {
  const text = data instanceof Uint8Array ? inflated(data) : data
  return { v, type, data: text === null ? undefined : JSON.parse(text), meta: parsedOrNull(meta) }
}
