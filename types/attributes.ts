/** The formats on a stretch of rich text: a flat map; in an op, null takes a format away. As in quill-delta. */

export type AttributeValue = string | number | boolean | null
export type Attributes = Readonly<Record<string, AttributeValue>>

export function equalAttributes(a: Attributes | undefined, b: Attributes | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key])
}

/** `b` after `a`; nulls stay only where there may be something to take away (on a retain). */
export function composeAttributes(
  a: Attributes | undefined,
  b: Attributes | undefined,
  keepNull: boolean,
): Attributes | undefined {
  if (b === undefined) return a
  const all: Record<string, AttributeValue> = {}
  for (const key of Object.keys(b)) if (keepNull || b[key] !== null) all[key] = b[key]!
  if (a) for (const key of Object.keys(a)) if (b[key] === undefined) all[key] = a[key]!
  return orNone(all)
}

/** What is left of `attributes` when `other` happened to the same stretch, and wins if `otherWins`. */
export function transformAttributes(
  attributes: Attributes | undefined,
  other: Attributes | undefined,
  otherWins: boolean,
): Attributes | undefined {
  if (attributes === undefined || other === undefined || !otherWins) return attributes
  return pick(attributes, key => other[key] === undefined)
}

/** What takes `compose(base, attributes)` back to `base`. */
export function invertAttributes(attributes: Attributes, base: Attributes = {}): Attributes | undefined {
  const back: Record<string, AttributeValue> = {}
  for (const key of Object.keys(attributes)) if (attributes[key] !== base[key]) back[key] = base[key] ?? null
  return orNone(back)
}

/** What takes `a` to `b`. */
export function diffAttributes(a: Attributes = {}, b: Attributes = {}): Attributes | undefined {
  const change: Record<string, AttributeValue> = {}
  for (const key of Object.keys({ ...a, ...b })) if (a[key] !== b[key]) change[key] = b[key] ?? null
  return orNone(change)
}

function pick(attributes: Attributes, wanted: (key: string) => boolean): Attributes | undefined {
  const some: Record<string, AttributeValue> = {}
  for (const key of Object.keys(attributes)) if (wanted(key)) some[key] = attributes[key]!
  return orNone(some)
}

const orNone = (attributes: Attributes): Attributes | undefined =>
  Object.keys(attributes).length > 0 ? attributes : undefined
