/**
 * A history of several authors that can be typed again by real clients, whatever they have received so far.
 *
 * Every character that was ever inserted has a rank: its place in the final order of all characters, deleted ones
 * included. Rank r is typed as one code point of its own, so a document tells by itself which characters it holds, and
 * a doubled or lost one is seen at once. An insert goes before the first character of a greater code point; a delete
 * removes the character of its rank.
 */

import { readJson } from './files.ts'

export interface HistoryEdit {
  readonly author: number
  readonly inserted: readonly number[]
  readonly deleted: readonly number[]
  /** This author reads the other's edits just before this one. */
  readonly reads: boolean
  /** This author's edits up to and including this one are read by the other later. */
  readonly published: boolean
}

export interface History {
  readonly authors: number
  /** `chars[rank]` is the character that was typed in truth. */
  readonly chars: readonly string[]
  /** The document at the end of the recording. */
  readonly end: string
  readonly edits: readonly HistoryEdit[]
}

interface HistoryFile {
  agents: number
  chars: string
  end: string
  edits: [author: number, inserted: number[], deleted: number[], flags: number][]
}

const READS = 1
const PUBLISHED = 2

/** The first code point that stands for a rank: a plane of its own, where every rank takes two UTF-16 units. */
const FIRST = 0x20000
const LAST = 0x10ffff

/** Reads a file of the form that the traces' README describes; throws on another, saying what is wrong. */
export function readHistory(path: string): History {
  const file = readJson(path) as Partial<HistoryFile> | null
  if (
    typeof file?.agents !== 'number' ||
    typeof file.chars !== 'string' ||
    typeof file.end !== 'string' ||
    !Array.isArray(file.edits)
  ) {
    throw new Error(
      `${path} is not a replay file: it needs {agents, chars, end, edits: [[agent, [ranks], [ranks], flags], ...]}`,
    )
  }
  const chars = [...file.chars]
  if (FIRST + chars.length > LAST)
    throw new Error(`${path} has more characters than there are code points for them`)
  const edits = file.edits.map(([author, inserted, deleted, flags]) => {
    return { author, inserted, deleted, reads: (flags & READS) !== 0, published: (flags & PUBLISHED) !== 0 }
  })
  const history = { authors: file.agents, chars, end: file.end, edits }
  const fault = faultOf(history)
  if (fault) throw new Error(`${path} ${fault}`)
  return history
}

/** What a history must be for its replay to mean anything: each rank inserted once, deleted at most once and later. */
function faultOf({ authors, chars, end, edits }: History): string | null {
  const alive = new Map<number, boolean>()
  for (const [index, { author, inserted, deleted }] of edits.entries()) {
    if (!(author >= 0 && author < authors)) return `names author ${author} in edit ${index}, of ${authors}`
    for (const rank of inserted) {
      if (!(rank >= 0 && rank < chars.length) || alive.has(rank))
        return `inserts rank ${rank} wrongly in edit ${index}`
      alive.set(rank, true)
    }
    for (const rank of deleted) {
      if (!alive.has(rank)) return `deletes rank ${rank} in edit ${index} before it is inserted`
      alive.set(rank, false)
    }
  }
  const recorded = chars.filter((_, rank) => alive.get(rank)).join('')
  return recorded === end ? null : 'does not lead to its own end'
}

/** The history that its first `count` edits are, with ranks of its own. */
export function firstEdits(history: History, count: number): History {
  const edits = history.edits.slice(0, count)
  const ranks = edits.flatMap(edit => edit.inserted).sort((a, b) => a - b)
  const renamed = new Map(ranks.map((rank, index) => [rank, index]))
  const rename = (list: readonly number[]) => list.map(rank => renamed.get(rank)!)
  const gone = new Set(edits.flatMap(edit => edit.deleted))
  return {
    authors: history.authors,
    chars: ranks.map(rank => history.chars[rank]!),
    end: ranks
      .filter(rank => !gone.has(rank))
      .map(rank => history.chars[rank]!)
      .join(''),
    edits: edits.map(edit => ({ ...edit, inserted: rename(edit.inserted), deleted: rename(edit.deleted) })),
  }
}

/** The character that stands for `rank` in a replayed document. */
export const signOf = (rank: number): string => String.fromCodePoint(FIRST + rank)

/** The ranks of a replayed document in its order; a character that nobody typed is a rank that no history has. */
export const ranksOf = (document: string): number[] =>
  Array.from(document, sign => sign.codePointAt(0)! - FIRST)

/** Where an insert of `rank` goes, in code points: before the first greater character. O(document). */
export function placeFor(document: string, rank: number): number {
  const sign = signOf(rank)
  let at = 0
  // All signs take two units and order as their units do, so no code point has to be built.
  while (at < document.length && compareSigns(document, at, sign) < 0) at += 2
  return at / 2
}

/** Where `rank` stands, in code points; null when it is not there. */
export function placeOf(document: string, rank: number): number | null {
  const at = document.indexOf(signOf(rank))
  return at < 0 ? null : at / 2
}

function compareSigns(document: string, at: number, sign: string): number {
  const high = document.charCodeAt(at) - sign.charCodeAt(0)
  return high !== 0 ? high : document.charCodeAt(at + 1) - sign.charCodeAt(1)
}
