/**
 * The two sub-types inside json documents: `es` edits a string, `ena` adds to a number. They stand in for the library's
 * own under the same names: its text counts code points from the start of the string at every op and takes deletes
 * beyond the end, its number adds to anything.
 *
 * `ena` adds whole numbers to whole numbers: sums of fractions depend on their order, so devices would come apart.
 */

import { text } from './text.ts'
import { lengthOf, type TextComponent, type TextOp } from './textop.ts'

export const textEdits = {
  name: 'text-unicode',
  uri: text.uri,
  apply: (value: unknown, op: TextOp): string => text.apply(must(value, 'string') as string, op),
  compose: text.compose,
  transform: text.transform,
  isNoop: text.isNoop,
  /** The library inverts in two steps; the first writes the deleted text into the op. */
  makeInvertible: (op: TextOp, value: string): TextOp => withDeleted(op, text.invert(op, value)),
  invert: (op: TextOp): TextOp => op.map(flip),
}

/** Set by `ena` when a sum or its ground is no safe integer; the library gives no way to hand it back. */
export const sums = { unsafe: false }

export const numberEdits = {
  name: 'number',
  apply(value: unknown, n: number): number {
    const before = must(value, 'number') as number
    if (!Number.isSafeInteger(before) || !Number.isSafeInteger(before + n)) sums.unsafe = true
    return before + n
  },
  compose: (a: number, b: number): number => a + b,
  transform: (n: number): number => n,
  invert: (n: number): number => -n,
}

/** `back` undoes `op`, so it inserts, in the same order, what `op` deletes. */
function withDeleted(op: TextOp, back: TextOp): TextOp {
  const deleted = back.filter(part => typeof part === 'string')
  let next = 0
  return op.map(part => (typeof part === 'object' ? { d: deleted[next++]! } : part))
}

const flip = (part: TextComponent): TextComponent => {
  if (typeof part === 'object') return part.d as string
  return typeof part === 'string' ? { d: lengthOf(part) } : part
}

function must(value: unknown, type: 'string' | 'number'): unknown {
  if (typeof value !== type) throw new Error(`The edit is for a ${type}.`)
  return value
}
