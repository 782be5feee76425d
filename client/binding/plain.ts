/**
 * Plain text between a text field, which counts UTF-16 units and tells only its new value, and the type `text`,
 * whose ops count code points. Everything here is a Delta in UTF-16 units until it meets the document. Pure.
 */

import { countPoints, forward, splitsPair } from '../../types/points.ts'
import type { TextComponent, TextOp } from '../../types/text.ts'
import { Delta } from './delta.ts'

/**
 * The one replacement that takes `before` to `after`. `caret` is where the field's caret stands now: of the places
 * where "aa" may have become "aaa", the one that ends there.
 */
export function replacement(before: string, after: string, caret: number): Delta {
  const shortest = Math.min(before.length, after.length)
  let tail = 0
  const longestTail = Math.min(shortest, after.length - caret)
  while (tail < longestTail && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  let head = 0
  while (head < shortest - tail && before[head] === after[head]) head++
  if (splitsPair(before, head) || splitsPair(after, head)) head--
  if (splitsPair(before, before.length - tail) || splitsPair(after, after.length - tail)) tail--
  return new Delta()
    .retain(head)
    .insert(after.slice(head, after.length - tail))
    .delete(before.length - tail - head)
    .chop()
}

/** `delta`, which applies to `text`, as an op of the type `text`. */
export function toTextOp(delta: Delta, text: string): TextOp {
  const op: TextComponent[] = []
  let at = 0
  for (const { retain, insert, delete: count } of delta.ops) {
    if (typeof insert === 'string') op.push(insert)
    const length = typeof retain === 'number' ? retain : (count ?? 0)
    const points = countPoints(text.slice(at, at + length))
    if (points > 0) op.push(count === undefined ? points : { d: points })
    at += length
  }
  return op
}

/** An op of the type `text`, which applies to `text`, in UTF-16 units. */
export function fromTextOp(op: TextOp, text: string): Delta {
  const delta = new Delta()
  let at = 0
  for (const part of op) {
    if (typeof part === 'string') {
      delta.insert(part)
      continue
    }
    const gone = typeof part === 'object'
    const points = gone ? part.d : part
    const end = typeof points === 'string' ? at + points.length : forward(text, at, points)
    if (gone) delta.delete(end - at)
    else delta.retain(end - at)
    at = end
  }
  return delta.chop()
}

/** `text` after `delta`. */
export function applyTo(text: string, delta: Delta): string {
  let result = ''
  let at = 0
  for (const { retain, insert, delete: count } of delta.ops) {
    if (typeof insert === 'string') result += insert
    if (typeof retain === 'number') result += text.slice(at, at + retain)
    at += typeof retain === 'number' ? retain : (count ?? 0)
  }
  return result + text.slice(at)
}
