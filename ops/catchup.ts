/** From a stretch of the op log to the few segments that a catch-up answers with, and an op carried over them. Pure. */

import { typeOf } from '../types/index.ts'
import type { Type } from '../types/type.ts'
import { composeAll } from './compose.ts'
import {
  type Segment,
  toWireCommitted,
  type WireChange,
  type WireCommitted,
  type WireName,
} from './protocol.ts'

/** `n`: how many versions it stands for, where they were composed before; default 1. */
export type LoggedOp = WireChange & { src?: string; seq?: number; seal?: string; n?: number }

/**
 * Law: applying the segments in order gives what applying the ops in order gives; every op named in `own` stands in a
 * segment of its own, as the server has it; a create or a delete is never composed with anything.
 * `uri` is the type of the document before the first op, null if it did not exist.
 */
export function segmentsOf(
  ops: readonly LoggedOp[],
  uri: string | null,
  own: readonly WireName[],
): Segment[] {
  const mine = new Set(own.map(([src, seq]) => `${seq}:${src}`))
  const segments: Segment[] = []
  let run: unknown[] = []
  let n = 0
  let type = uri
  const flush = () => {
    if (run.length > 0) segments.push({ n, op: composeAll(typeOf(type!), run) })
    run = []
    n = 0
  }
  for (const op of ops) {
    const name: WireCommitted | null =
      op.src !== undefined && op.seq !== undefined && mine.has(`${op.seq}:${op.src}`)
        ? toWireCommitted({ src: op.src, seq: op.seq, seal: op.seal })
        : null
    if (op.create === undefined && !op.del && name === null) {
      run.push(op.op)
      n += op.n ?? 1
      continue
    }
    flush()
    if (op.create) type = op.create.type
    if (op.del) type = null
    const change = op.create ? { create: op.create } : op.del ? { del: true as const } : { op: op.op }
    segments.push({ n: 1, ...change, ...(name && { own: name }) })
  }
  flush()
  return segments
}

/**
 * `op`, the oldest pending one of a client, as the client has it after these segments; null if it is among them, or if
 * one of them creates or deletes the document.
 *
 * Law: it is what the client itself makes of the op when it takes the segments (`carry` in rebase.ts).
 */
export function carryOver(
  type: Type,
  op: unknown,
  [src, seq]: WireName,
  segments: readonly Segment[],
): { readonly op: unknown } | null {
  let carried = op
  for (const segment of segments) {
    const isIt = segment.own?.[0] === src && segment.own[1] === seq
    if (isIt || segment.create || segment.del) return null
    carried = type.transform(carried, segment.op, 'left')
  }
  return { op: carried }
}
