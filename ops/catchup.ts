/** From a stretch of the op log to the few segments that a catch-up answers with. Pure. */

import { typeOf } from '../types/index.ts'
import { composeAll } from './compose.ts'
import type { Segment, WireChange, WireName } from './protocol.ts'

/** `n`: how many versions it stands for, where they were composed before; default 1. */
export type LoggedOp = WireChange & { src?: string; seq?: number; n?: number }

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
    const name: WireName | null =
      op.src !== undefined && op.seq !== undefined && mine.has(`${op.seq}:${op.src}`)
        ? [op.src, op.seq]
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
