/**
 * What an editor puts into a `rich` document: the formats of its toolbar, a part of what `types/formats.ts` allows.
 *
 * Quill can do more (video and formula run what they are given: CVE-2025-15056), and some of its key bindings write
 * attributes whose format is not even registered. So the list stands here once, and every delta on its way out of the
 * editor passes `withoutForeign`. What other programs put into a document stays there.
 */

import { type AttributeMap, Delta, type Op } from './delta.ts'

export const formats = [
  'bold',
  'italic',
  'underline',
  'strike',
  'code',
  'link',
  'header',
  'list',
  'blockquote',
  'code-block',
] as const

/** Schemes that a link may have; Quill shows any other as `about:blank`. */
export const linkSchemes: readonly string[] = ['http', 'https', 'mailto', 'tel']

const known = new Set<string>(formats)

/** Elements that carry code, media or frames: pasting them leaves nothing, not even their text. */
export const strippedElements =
  'img, script, style, noscript, template, iframe, object, embed, video, audio, canvas, svg, math, link, meta'

/** An address as a person types it ("example.org", "me@example.org") as an absolute one; null if it may not be a link. */
export function absoluteLink(typed: unknown): string | null {
  if (typeof typed !== 'string') return null
  if (URL.canParse(typed)) return linkSchemes.includes(new URL(typed).protocol.slice(0, -1)) ? typed : null
  if (/^\S+@[^\s/]+\.[^\s/]+$/.test(typed)) return `mailto:${typed}`
  return /^[^\s/.:]+(\.[^\s/.:]+)+([/?#:]\S*)?$/.test(typed) ? `https://${typed}` : null
}

/** `delta` with the listed formats only; lengths and embeds stay, so positions do not move. */
export const withoutForeign = (delta: Delta): Delta =>
  new Delta(
    delta.ops.map(op =>
      op.attributes ? withAttributes(op, ownAttributes(op.attributes, op.insert !== undefined)) : op,
    ),
  ).chop()

/** An insert has nothing to take away: it loses its nulls. */
function ownAttributes(attributes: AttributeMap, onInsert: boolean): AttributeMap {
  const own: AttributeMap = {}
  for (const [name, value] of Object.entries(attributes)) {
    const kept = name === 'link' ? absoluteLink(value) : value
    if (known.has(name) && (kept !== null || (value === null && !onInsert))) own[name] = kept
  }
  return own
}

function withAttributes(op: Op, attributes: AttributeMap): Op {
  const { attributes: _, ...bare } = op
  return Object.keys(attributes).length > 0 ? { ...bare, attributes } : bare
}
