/**
 * The answer to "I have this document at version v; these ops of mine may be in it": few segments instead of every op.
 * A stateless read. What is committed meanwhile comes after the head that the answer names, by subscription.
 */

import { carryOver, type LoggedOp, segmentsOf } from '../ops/catchup.ts'
import { HoldfastError } from '../ops/errors.ts'
import type { Committed, DocKey } from '../ops/identity.ts'
import {
  type CatchUpAnswer,
  type CatchUpRequest,
  fromWireName,
  type Submit,
  toWireCommitted,
  type WireName,
} from '../ops/protocol.ts'
import { findType } from '../types/index.ts'
import type { Store } from './store/store.ts'

/**
 * Law: applying the segments to the document at `v` gives the document at the head that the answer names.
 * Where the history from `v` on was trimmed, the answer is the whole document.
 * Rejects with `SERVER_BEHIND` if the store does not reach `v`, with `SERVER_DIVERGED` if it got there another way than the
 * client, and with `STORE_FAILED`.
 */
export async function answerCatchUp(
  store: Store,
  { c, d, v, own, hash }: CatchUpRequest,
): Promise<CatchUpAnswer> {
  const key = { collection: c, id: d }
  if (v === null) return { a: 'h.catchup', c, d, from: null, ...(await wholeOf(store, key, own)) }
  const head = await store.head(key)
  if (v > head.v) {
    throw new HoldfastError(
      'SERVER_BEHIND',
      `The document stands at version ${head.v} here, not at ${v} or later.`,
    )
  }
  if (hash !== undefined && !(await store.agrees(key, { v, hash })))
    throw new HoldfastError('SERVER_DIVERGED')
  if (v < head.horizon) return { a: 'h.catchup', c, d, from: v, ...(await wholeOf(store, key, own)) }
  const [ops, uri] = await Promise.all([opsOf(store, key, v, head.v, own), store.typeAt(key, v)])
  return { a: 'h.catchup', c, d, from: v, v: head.v, hash: head.hash, segments: segmentsOf(ops, uri, own) }
}

/**
 * The op that came along with the question, ready to be submitted at the version of the answer. Null where that is not
 * plain: it is in the log already, has lost its ground, or was never right. Then its sender sends it, and is told.
 */
export async function carryAlong(
  store: Store,
  { c, d, v, submit }: CatchUpRequest,
  { v: head, segments }: CatchUpAnswer,
): Promise<Submit | null> {
  if (!submit || v === null || !segments) return null
  const { op, ...name } = submit
  const { src, seq } = name
  const type = findType(await store.typeAt({ collection: c, id: d }, v))
  if (!type || type.checkOp(op) !== null) return null
  try {
    const carried = carryOver(type, op, [src, seq], segments)
    return carried && { a: 'op', c, d, v: head, ...name, op: carried.op }
  } catch {
    // It is well-formed, but does not fit the version that it names.
    return null
  }
}

/** What happened in `from <= v < to`, the ops named in `own` apart. */
async function opsOf(store: Store, key: DocKey, from: number, to: number, own: readonly WireName[]) {
  const names = new Map<number, Committed>()
  for (const { v, ...name } of await committedOf(store, key, own)) if (v >= from && v < to) names.set(v, name)
  let v = from
  return (await store.changes(key, from, to, [...names.keys()])).map((piece): LoggedOp => {
    const name = names.get(v)
    v += piece.n
    return { ...piece, ...name }
  })
}

/** Those of `names` that are in the log. */
async function committedOf(
  store: Store,
  key: DocKey,
  names: readonly WireName[],
): Promise<(Committed & { v: number })[]> {
  const found = await Promise.all(
    names.map(async wire => {
      const name = fromWireName(wire)
      const place = await store.committed(key, name)
      return place && { ...name, ...place }
    }),
  )
  return found.filter(each => each !== null)
}

/** The document at its head, and which of the asked names are in it. */
async function wholeOf(store: Store, key: DocKey, own: readonly WireName[]) {
  const { v, type, data } = await store.snapshot(key)
  const receipt = await store.receiptAt(key, v)
  // What was committed after the snapshot was read is not in it.
  const inside = (await committedOf(store, key, own)).filter(name => name.v < v).map(toWireCommitted)
  const snapshot = type === null ? { type } : { type, data }
  return { v, ...(receipt && { hash: receipt.hash }), snapshot, own: inside }
}
