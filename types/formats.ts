/** What rich text may carry: formats, links and embeds. Everything that a browser could run stays out. */

import type { Fault } from './type.ts'

/** The allowed formats, by Quill's names; null takes a format away. Bind an editor with the same list. */
export const formats: readonly string[] = [
  'bold',
  'italic',
  'underline',
  'strike',
  'code',
  'link',
  'color',
  'background',
  'font',
  'size',
  'header',
  'list',
  'blockquote',
  'code-block',
  'indent',
  'align',
  'direction',
  'script',
  'alt',
  'width',
  'height',
]

/** The allowed kinds of embed. No video and no formula: Quill runs what stands in them (CVE-2025-15056). */
export const embeds: readonly string[] = ['image']

/** UTF-16 units of a format's value, and of an address. An image may be inline, so the frame limit is its limit. */
const VALUE_LENGTH = 256
const LINK_LENGTH = 8192

const allowed = new Set(formats)
const LINK_SCHEMES = new Set(['http:', 'https:', 'mailto:', 'tel:'])
const IMAGE_SCHEMES = new Set(['http:', 'https:'])
const INLINE_IMAGE = /^data:image\/(?:png|jpeg|gif|webp|avif)[;,]/i

/** `attributes` of a run; an insert has nothing to take away, so it holds no null. */
export function checkAttributes(attributes: unknown, onInsert: boolean): Fault | null {
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
    return refused('Attributes are an object of formats.')
  }
  const entries = Object.entries(attributes)
  if (entries.length === 0) return refused('Empty attributes must be left out.')
  for (const [name, value] of entries) {
    if (!allowed.has(name)) return refused('A format is not on the allowed list (types/formats.ts).')
    const fault = checkValue(name, value, onInsert)
    if (fault) return fault
  }
  return null
}

function checkValue(name: string, value: unknown, onInsert: boolean): Fault | null {
  if (value === null)
    return onInsert ? refused('An insert has no format to take away: leave the null out.') : null
  if (name === 'link') {
    const sound = typeof value === 'string' && value.length <= LINK_LENGTH && hasScheme(value, LINK_SCHEMES)
    return sound ? null : refused('A link is http, https, mailto, tel or relative.')
  }
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return null
  if (typeof value === 'string' && value.length <= VALUE_LENGTH) return null
  return refused('The value of a format is a short string, a number, a boolean or null.')
}

/** An insert that is not text. */
export function checkEmbed(embed: unknown): Fault | null {
  if (typeof embed !== 'object' || embed === null || Array.isArray(embed)) {
    return { code: 'OP_MALFORMED', message: 'An insert is a string or an embed.' }
  }
  const keys = Object.keys(embed)
  if (keys.length !== 1 || !embeds.includes(keys[0]!)) return refused('An embed is {image: address}.')
  const address = (embed as Record<string, unknown>)[keys[0]!]
  if (typeof address !== 'string' || address === '') return refused('The address of an image is a string.')
  return INLINE_IMAGE.test(address) || (address.length <= LINK_LENGTH && hasScheme(address, IMAGE_SCHEMES))
    ? null
    : refused('An image is http, https, relative or inline (png, jpeg, gif, webp, avif).')
}

/** Whether an address is relative or of one of the schemes, read as a browser does: without blanks and controls. */
function hasScheme(address: string, schemes: ReadonlySet<string>): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: browsers drop them, so `java\nscript:` runs
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(address.replace(/[\u0000-\u0020]/g, ''))
  return scheme === null || schemes.has(scheme[0].toLowerCase())
}

const refused = (message: string): Fault => ({ code: 'OP_ATTRIBUTE', message })
