/**
 * Carrying a change past a queue of pending ones: the one step by which remote work reaches an optimistic client. Pure.
 *
 *   X(a, b) = [transform(a, b, 'left'), transform(b, a, 'right')]        a is the client's, b the server's
 *
 * TP1 makes both orders meet: apply(apply(d, b), a') = apply(apply(d, a), b').
 */

import { typeOf } from '../types/index.ts'
import type { Type, TypeName } from '../types/type.ts'
import type { Change } from './change.ts'

/** `[a over b, b over a]`; `a` is the pending op of the client and wins ties. */
export function cross(type: Type, a: unknown, b: unknown): [unknown, unknown] {
  return [type.transform(a, b, 'left'), type.transform(b, a, 'right')]
}

export interface Carried {
  /** The queue on top of the change; the same length, null where an entry has lost its ground. */
  readonly queue: readonly (Change | null)[]
  /** What the change does to the view on top of the queue: nothing, one change, or a delete and a create. */
  readonly shown: readonly Change[]
  /** Whether a `null` was lost to a document of another type rather than to a delete. */
  readonly mismatch: boolean
}

/**
 * Carries `change`, which happened below `queue`, past it. The queue is valid on what was there before the change.
 *   - an op meets ops by transform, and stops at a delete (there is nothing left for it to do)
 *   - a delete takes the ground from every op before the queue's own delete; that delete is done already
 *   - a create meets the queue's create: both contents merge if the types agree, else the queue has lost its ground
 */
export function carry(queue: readonly Change[], change: Change, type: TypeName | null): Carried {
  if ('op' in change) return carryOp(queue, change.op, type!)
  return 'del' in change ? carryDelete(queue) : carryCreate(queue, change.create)
}

function carryOp(queue: readonly Change[], op: unknown, name: TypeName): Carried {
  const type = typeOf(name)
  const result: Change[] = []
  let delta = op
  for (const [i, entry] of queue.entries()) {
    if (!('op' in entry)) return { queue: [...result, ...queue.slice(i)], shown: [], mismatch: false }
    const [a, b] = cross(type, entry.op, delta)
    result.push({ op: a })
    delta = b
  }
  return { queue: result, shown: type.isNoop(delta) ? [] : [{ op: delta }], mismatch: false }
}

function carryDelete(queue: readonly Change[]): Carried {
  const del = queue.findIndex(entry => 'del' in entry)
  const lost = del < 0 ? queue.length : del + 1
  return {
    queue: queue.map((entry, i) => (i < lost ? null : entry)),
    shown: del < 0 ? [{ del: true }] : [],
    mismatch: false,
  }
}

function carryCreate(queue: readonly Change[], created: { type: TypeName; data: unknown }): Carried {
  const [first, ...rest] = queue
  if (first === undefined) return { queue: [], shown: [{ create: created }], mismatch: false }
  if (!('create' in first)) throw new Error('a queue on a document that does not exist starts with a create')
  if (first.create.type !== created.type) {
    const after = carryDelete(rest)
    if (after.shown.length === 0) return { queue: [null, ...after.queue], shown: [], mismatch: true }
    return { queue: [null, ...after.queue], shown: [{ del: true }, { create: created }], mismatch: true }
  }
  const type = typeOf(created.type)
  const [mine, theirs] = cross(type, contentAsOp(type, first.create.data), contentAsOp(type, created.data))
  const after = carryOp(rest, theirs, created.type)
  return { ...after, queue: [{ op: mine }, ...after.queue] }
}

/** A whole document as one op on the empty one: how two creations of the same document meet. */
const contentAsOp = (type: Type, data: unknown): unknown => type.diff(type.create(), type.create(data))
