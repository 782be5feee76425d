/** What a collection and a document may be called, on both sides of the wire. Pure. */

/** The longest name where nothing else is set (UTF-16 units); a server may have another limit. */
export const NAME_CHARS = 255

/**
 * Reserved because somewhere a name is a key of an object: `__proto__`, `constructor` and what else every object has.
 */
const reserved: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype))

/** Code points below U+0020 and U+007F: invisible in a list, a log or an address. */
const isControl = (code: number) => code < 0x20 || code === 0x7f

/** What is wrong with a name, in words for a developer; null when it may be used. */
export function nameFault(name: string, limit: number = NAME_CHARS): string | null {
  if (name.length === 0) return 'A name must not be empty.'
  if (name.length > limit)
    return `A name must not be longer than ${limit} characters; this one has ${name.length}.`
  if (reserved.has(name)) return `"${name}" is reserved; choose another name.`
  if (!name.isWellFormed())
    return 'A name must be well-formed Unicode; this one has half of a surrogate pair.'
  for (let i = 0; i < name.length; i++) {
    if (isControl(name.charCodeAt(i))) return 'A name must not contain control characters.'
  }
  return null
}
