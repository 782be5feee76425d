/**
 * Where a selection goes when somebody else edits. Positions are UTF-16 units. Pure.
 *
 * A caret stays before what is inserted at it, so that two people typing at one place do not push each other along.
 * A selected stretch never grows: what is inserted at its edges stays outside, or typing over the selection would
 * delete words that its owner never selected.
 */

import type { Delta } from './delta.ts'

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
