/**
 * A document as HTML: a fragment to put into a page. Everything is escaped, and only what types/formats.ts allows is
 * rendered, checked here again: what stands in a document was written by others. Classes are Quill's.
 */

import { checkAttributes, checkEmbed } from '../../types/formats.ts'
import type { RichDoc } from '../../types/index.ts'
import type { Insert } from '../../types/runs.ts'

type Formats = Readonly<Record<string, unknown>>
/** A line, already rendered, with the formats that stand on its end. */
interface Line {
  readonly html: string
  readonly formats: Formats
}

export const htmlOfText = (text: string): string => htmlOfRich({ ops: [{ insert: `${text}\n` }] })

export function htmlOfRich({ ops }: RichDoc): string {
  const lines = linesOf(ops)
  const parts: string[] = []
  for (let i = 0; i < lines.length; ) {
    const wrap = wrapperOf(lines[i]!.formats)
    let end = i + 1
    if (wrap) while (end < lines.length && wrapperOf(lines[end]!.formats) === wrap) end++
    const inner = lines.slice(i, end).map(line => (wrap === 'pre' ? line.html : blockOf(line)))
    parts.push(wrap ? `<${wrap}>${inner.join(wrap === 'pre' ? '\n' : '')}</${wrap}>` : inner.join(''))
    i = end
  }
  return parts.join('\n')
}

function linesOf(ops: readonly Insert[]): Line[] {
  const lines: Line[] = []
  let html = ''
  for (const { insert, attributes = {} } of ops) {
    const formats = allowed(attributes)
    if (typeof insert !== 'string') {
      html += imageOf(insert, formats)
      continue
    }
    for (const [i, piece] of insert.split('\n').entries()) {
      if (i > 0) {
        lines.push({ html, formats })
        html = ''
      }
      html += spanOf(piece, formats)
    }
  }
  if (html !== '') lines.push({ html, formats: {} })
  return lines
}

/** What neighbouring lines of a kind stand in together. */
function wrapperOf({ list, 'code-block': code }: Formats): 'ol' | 'ul' | 'pre' | null {
  if (code) return 'pre'
  if (list === 'ordered') return 'ol'
  return list ? 'ul' : null
}

function blockOf({ html, formats }: Line): string {
  const { header, list, blockquote } = formats
  const level = typeof header === 'number' && header >= 1 && header <= 6 ? Math.trunc(header) : null
  const tag = list ? 'li' : level !== null ? `h${level}` : blockquote ? 'blockquote' : 'p'
  const checked = list === 'checked' || list === 'unchecked' ? ` data-list="${list}"` : ''
  return `<${tag}${checked}${classesOf(formats, ['align', 'direction', 'indent'])}>${html || '<br>'}</${tag}>`
}

/** From the inside out. */
const tags: readonly (readonly [format: string, tag: string])[] = [
  ['code', 'code'],
  ['bold', 'strong'],
  ['italic', 'em'],
  ['underline', 'u'],
  ['strike', 's'],
]

function spanOf(text: string, formats: Formats): string {
  if (text === '') return ''
  let html = escaped(text)
  for (const [format, tag] of tags) if (formats[format]) html = `<${tag}>${html}</${tag}>`
  const { script, link } = formats
  if (script === 'sub' || script === 'super') html = `<${script.slice(0, 3)}>${html}</${script.slice(0, 3)}>`
  const style = styleOf(formats)
  const classes = classesOf(formats, ['font', 'size'])
  if (style || classes) html = `<span${classes}${style}>${html}</span>`
  return typeof link === 'string'
    ? `<a href="${escaped(link)}" rel="noopener noreferrer nofollow">${html}</a>`
    : html
}

function imageOf(embed: object, { alt, width, height }: Formats): string {
  if (checkEmbed(embed)) return ''
  const { image } = embed as { image: string }
  const size = (name: string, value: unknown) =>
    /^\d{1,5}$/.test(String(value)) ? ` ${name}="${value}"` : ''
  return `<img src="${escaped(image)}" alt="${escaped(String(alt ?? ''))}"${size('width', width)}${size('height', height)}>`
}

/** Names of colours, or numbers: nothing that would load or run. */
const COLOUR = /^(#[0-9a-f]{3,8}|[a-z]{1,32}|rgba?\([\d\s.,%]{1,64}\))$/i

function styleOf(formats: Formats): string {
  const styles = [
    ['color', formats.color],
    ['background-color', formats.background],
  ].flatMap(([name, value]) => (typeof value === 'string' && COLOUR.test(value) ? `${name}:${value}` : []))
  return styles.length > 0 ? ` style="${styles.join(';')}"` : ''
}

function classesOf(formats: Formats, names: readonly string[]): string {
  const classes = names.flatMap(name => {
    const value = formats[name]
    return value !== undefined && /^[\w-]{1,64}$/.test(String(value)) ? `ql-${name}-${value}` : []
  })
  return classes.length > 0 ? ` class="${classes.join(' ')}"` : ''
}

const allowed = (formats: object): Formats =>
  Object.fromEntries(
    Object.entries(formats).filter(entry => !checkAttributes(Object.fromEntries([entry]), true)),
  )

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string): string => text.replace(/[&<>"']/g, character => escapes[character]!)
