/** Rows as both engines read them, made into what they stand for. */

import type { Full } from './adapter.ts'
import type { OpRow } from './engine.ts'
import type { ListRequest } from './store.ts'
import { inflated, parsedOrNull, quoted, unquoted } from './text.ts'

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

/** The values of the statement `listed`, in its order. A name begins with a prefix if its JSON form does, but for the last quote. */
export function listValues(
  collection: string,
  page: ListRequest,
): [string, number, number, string, number, number] {
  const {
    limit,
    before = Number.MAX_SAFE_INTEGER,
    prefix = '',
    since = 0,
    until = Number.MAX_SAFE_INTEGER,
  } = page
  return [quoted(collection), before, limit, prefix && quoted(prefix).slice(0, -1), since, until]
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
