/** Where a document is in this page, and what to call it. Pure. */

import { isTypeName } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'

export interface Address {
  readonly collection: string
  readonly id: string
  readonly type: TypeName
}

/** The document that a location names; null for the list. */
export function addressOf(location: { pathname: string; search: string }): Address | null {
  const [, d, collection, id] = location.pathname.split('/')
  if (d !== 'd' || !collection || !id) return null
  const type = new URLSearchParams(location.search).get('type')
  return { collection: decoded(collection), id: decoded(id), type: isTypeName(type) ? type : 'rich' }
}

export function pathOf({ collection, id, type }: Address): string {
  const path = `/d/${encodeURIComponent(collection)}/${encodeURIComponent(id)}`
  return type === 'rich' ? path : `${path}?type=${type}`
}

const suffixLength = 6
/** Of a slug, so that an address stays readable. */
const slugLength = 60

/** A document's id from its title: readable, and apart from every other by a random end. */
export function idFor(title: string, random: string): string {
  const slug = title
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
  const short = [...slug].slice(0, slugLength).join('')
  return `${short || 'note'}-${random.slice(0, suffixLength)}`
}

/** What an id says about its title; other programs' ids stay as they are. */
export function titleOf(id: string): string {
  const slug = /^(.+)-[a-z0-9]{6}$/.exec(id)?.[1]
  if (!slug) return id
  const words = slug.replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
