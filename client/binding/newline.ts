/**
 * The newline at the end. Quill's document always ends with one; a stored document need not (a new one is empty).
 *
 * The editor shows `shown(stored)`: the stored document, and a newline after it where it lacks one. Opening sends
 * nothing. The first edit made on such a document brings the newline along, so that from then on what is stored is a
 * proper Quill document. Pure.
 */

import { Delta, lengthOfOp } from './delta.ts'

/** Whether a document ends with the newline that Quill needs. */
export function isComplete(stored: Delta): boolean {
  const last = stored.ops.at(-1)
  return typeof last?.insert === 'string' && last.insert.endsWith('\n')
}

export const shown = (stored: Delta): Delta =>
  isComplete(stored) ? stored : stored.concat(new Delta().insert('\n'))

/** The stored document's length in UTF-16 units. */
export const lengthOf = (delta: Delta): number => delta.ops.reduce((length, op) => length + lengthOfOp(op), 0)

/** A local edit of `shown(stored)` as an op on `stored`: apply(stored, toStored(e)) = apply(shown(stored), e). */
export const toStored = (edit: Delta, stored: Delta): Delta =>
  isComplete(stored) ? edit : new Delta().retain(lengthOf(stored)).insert('\n').compose(edit)

/** An op that took `before` to `after`, as one that takes shown(before) to shown(after). */
export function toShown(op: Delta, before: Delta, after: Delta): Delta {
  if (isComplete(before) && isComplete(after)) return op
  const leading = isComplete(before) ? new Delta() : new Delta().retain(lengthOf(before)).delete(1)
  const trailing = isComplete(after) ? new Delta() : new Delta().retain(lengthOf(after)).insert('\n')
  const throughout = isComplete(before) || isComplete(after)
  // A newline that is imagined before and after must not be deleted and put back: that would move a caret at it.
  return throughout ? leading.compose(op).compose(trailing) : op
}
