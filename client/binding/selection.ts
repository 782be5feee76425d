/**
 * Where a selection goes when somebody else edits, or an undo. Positions are UTF-16 units. Pure.
 *
 * A caret stays before what is inserted at it, so that two people typing at one place do not push each other along.
 * A selected stretch never grows: what is inserted at its edges stays outside, or typing over the selection would
 * delete words that its owner never selected.
 */

import { type Delta, lengthOfOp } from './delta.ts'

export interface Span {
  readonly index: number
  readonly length: number
}

export function carry(span: Span, delta: Delta): Span {
  if (span.length === 0) return { index: delta.transformPosition(span.index, true), length: 0 }
  const start = delta.transformPosition(span.index, false)
  const end = delta.transformPosition(span.index + span.length, true)
  return { index: start, length: Math.max(0, end - start) }
}

/** Where a change ends in what it leads to: behind the last thing that it puts in, takes out or formats. */
export function endOf(delta: Delta): number {
  let at = 0
  let end = 0
  for (const op of delta.ops) {
    if (op.delete === undefined) at += lengthOfOp(op)
    if (op.retain === undefined || op.attributes) end = at
  }
  return end
}
