/**
 * Code points in JavaScript strings, which count UTF-16 units. A string without surrogates has one unit a code point,
 * and then no counting is needed; most documents are such. All strings here are well formed: no surrogate stands alone.
 */

/** V8 compiles this apart for one-byte strings, where it cannot match: no scan at all for Latin text. */
const SURROGATE = /[\ud800-\udfff]/

/** Whether `text` holds a character of two units. */
const hasPairs = (text: string): boolean => SURROGATE.test(text)

const isHigh = (unit: number): boolean => (unit & 0xfc00) === 0xd800
const isLow = (unit: number): boolean => (unit & 0xfc00) === 0xdc00

/** Number of code points of `text`. */
export function countPoints(text: string): number {
  if (!hasPairs(text)) return text.length
  let points = 0
  for (let unit = 0; unit < text.length; unit++) if (!isLow(text.charCodeAt(unit))) points++
  return points
}

/** The unit index `points` code points after index `unit`; beyond the end of `text` when there are not so many. */
export function forward(text: string, unit: number, points: number): number {
  let at = unit
  for (let left = points; left > 0 && at <= text.length; left--) at += isHigh(text.charCodeAt(at)) ? 2 : 1
  return at
}

/** Whether a cut at index `unit` would part the two halves of a pair. */
export const splitsPair = (text: string, unit: number): boolean =>
  unit > 0 && unit < text.length && isLow(text.charCodeAt(unit)) && isHigh(text.charCodeAt(unit - 1))
