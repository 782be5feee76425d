/** Who is here: what a person's client announces about them, and how much of what others announce is believed. Pure. */

import type { Peer } from '../api.ts'
import type { Span } from './selection.ts'

export interface Person {
  readonly name: string
  /** `#rrggbb`. */
  readonly color: string
}

/** What one client announces to the others; `range` is null while the person's caret is elsewhere. */
export interface Presence extends Person {
  readonly range: Span | null
}

export const nameLength = 40

/** Dark enough for white letters on them (contrast 4.5 and more). */
const colors = [
  '#b42318',
  '#b54708',
  '#8a6100',
  '#3d7317',
  '#067647',
  '#0e7090',
  '#175cd3',
  '#5925dc',
  '#9f1ab1',
  '#c11574',
] as const

/** Always the same colour for one name. */
export function colorOf(name: string): string {
  let sum = 0
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003
  return colors[sum % colors.length] ?? colors[0]
}

/** A peer's announcement as far as it makes sense: it came from somebody else's machine. */
export function presenceOf(peer: Peer): Presence {
  const said = (typeof peer.state === 'object' && peer.state !== null ? peer.state : {}) as Record<
    string,
    unknown
  >
  const name =
    typeof said.name === 'string' && said.name.trim() ? said.name.trim().slice(0, nameLength) : 'Somebody'
  const color =
    typeof said.color === 'string' && /^#[0-9a-f]{6}$/i.test(said.color) ? said.color : colorOf(name)
  return { name, color, range: spanOf(said.range) }
}

function spanOf(value: unknown): Span | null {
  if (typeof value !== 'object' || value === null) return null
  const { index, length } = value as Record<string, unknown>
  return isCount(index) && isCount(length) ? { index, length } : null
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
