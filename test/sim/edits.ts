/**
 * Random edits of each type in which every inserted thing is a token: one astral character that nobody else ever
 * writes, so that any state of a document, an op or a held edit tells which edits it holds.
 */

import type { Doc } from '../../client/api.ts'
import type { TypeName } from '../../types/type.ts'
import type { Random } from '../random.ts'

const FIRST = 0x20000

export const tokenOf = (n: number): string => String.fromCodePoint(FIRST + n)

/** The numbers of the tokens in a text, in order, doubled ones twice. */
export function tokensIn(text: string): number[] {
  const found: number[] = []
  for (const character of text) {
    const n = character.codePointAt(0)! - FIRST
    if (n >= 0 && n < 0x10000) found.push(n)
  }
  return found
}

/** The tokens of any JSON value. `JSON.stringify` leaves well-formed astral characters as they are. */
export const tokensOf = (value: unknown): number[] => tokensIn(JSON.stringify(value) ?? '')

/** The tokens that an op, or the content of a creation, puts in: what ops take away stands in them under `d` or `r`, if at all. */
export const tokensPutIn = (value: unknown): number[] =>
  tokensIn(JSON.stringify(value, (key, part) => (key === 'd' || key === 'r' ? undefined : part)) ?? '')

/** What a device may take away: tokens that it knows to be on the server. */
export type MayDelete = (token: number) => boolean

/** An op that inserts `token` somewhere. */
export function insertion(type: TypeName, doc: Doc, token: number, rng: Random): unknown {
  const character = tokenOf(token)
  if (type === 'text') {
    const at = rng.int([...(doc.data as string)].length + 1)
    return at > 0 ? [at, character] : [character]
  }
  if (type === 'rich') {
    const at = rng.int(lengthOf(doc.data) / 2 + 1) * 2
    const attributes = rng.chance(0.3) ? { bold: true } : undefined
    return {
      ops: [...(at > 0 ? [{ retain: at }] : []), { insert: character, ...(attributes && { attributes }) }],
    }
  }
  // A key of its own cannot meet another: every token of a json document lands.
  const key = `t${token}`
  const value = rng.chance(0.5) ? character : { text: character, n: token }
  return [key, { i: value }]
}

/** An op that changes something that is there and takes away at most a token that may go; null if there is nothing. */
export function change(
  type: TypeName,
  doc: Doc,
  may: MayDelete,
  rng: Random,
): { op: unknown; deleted: number | null } | null {
  const tokens = tokensOf(doc.data)
  if (tokens.length === 0) return null
  const index = rng.int(tokens.length)
  const token = tokens[index]!
  if (type === 'rich' && rng.chance(0.5)) return { op: format(index, rng), deleted: null }
  if (!may(token)) return null
  if (type === 'text') return { op: index > 0 ? [index, { d: 1 }] : [{ d: 1 }], deleted: token }
  if (type === 'rich')
    return { op: { ops: [...(index > 0 ? [{ retain: index * 2 }] : []), { delete: 2 }] }, deleted: token }
  return { op: [`t${token}`, { r: true }], deleted: token }
}

function format(index: number, rng: Random): unknown {
  const attributes = { [rng.pick(['bold', 'italic'])]: rng.chance(0.7) ? true : null }
  return { ops: [...(index > 0 ? [{ retain: index * 2 }] : []), { retain: 2, attributes }] }
}

const lengthOf = (data: unknown): number =>
  (data as { ops: { insert: string }[] }).ops.reduce((sum, op) => sum + op.insert.length, 0)
