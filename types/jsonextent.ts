/**
 * How much a json op changes: one for each value that it inserts or removes, whatever that holds (an op need not say what
 * it removes, and the two sides should be counted alike), and each code point that `es` puts in or takes out. A move and
 * an `ena` add and remove nothing. A whole document is one value.
 */

import type { JsonEdit, JsonOp, JsonPart } from './json.ts'
import { text } from './text.ts'
import type { TextOp } from './textop.ts'
import type { Extent } from './type.ts'

export function extentOfJson(op: JsonOp): Extent {
  const sum = { added: 0, removed: 0 }
  if (op !== null) addList(sum, op, false, false)
  return sum
}

/**
 * `gone` and `fresh`: the list stands inside a value that the op removes, or inserts, which is counted already. What was
 * picked from the one, or is dropped into the other, is a value of its own.
 */
function addList(
  sum: { added: number; removed: number },
  list: readonly JsonPart[],
  gone: boolean,
  fresh: boolean,
): void {
  for (const part of list) {
    if (Array.isArray(part)) addList(sum, part, gone, fresh)
    if (!isEdit(part)) continue
    if (part.p !== undefined) gone = false
    if (part.d !== undefined) fresh = false
    if (part.r !== undefined) {
      if (!gone) sum.removed++
      gone = true
    }
    if (part.i !== undefined) {
      if (!fresh) sum.added++
      fresh = true
    }
    if (part.es && !fresh) {
      const { added, removed } = text.extent({ op: part.es as TextOp })
      sum.added += added
      sum.removed += removed
    }
  }
}

const isEdit = (part: JsonPart): part is JsonEdit => typeof part === 'object' && !Array.isArray(part)
