/**
 * Two people, one document, two long branches: what every system under test has to merge.
 *
 * Two recorded authors write alternate paragraphs of one document, and it is nearly done: the last N edits of
 * automerge-paper are what the client does offline, the last N of seph-blog1 what the server commits meanwhile. (The ends
 * of the recordings are revisions all over the text, hundreds of places; their beginnings are little but typing at one.)
 *
 * The base deals out PIECES equal pieces of what each text was before: paper, blog, paper, blog, and so on, some 160,000
 * characters. Each author's edits keep their own order, places and text, only moved over the other's pieces as these
 * stand in the base: so both branches are valid on the base, and each reaches over the whole document.
 *
 *   - An insert where a foreign piece begins goes before it: what one author appends stays with the author's own piece.
 *   - An edit that deletes across a foreign piece becomes one splice for each part: 10,001 and 50,011 on the server.
 *   - In a rich document each FORMATTED-th insertion of an author is bold.
 *
 * All systems get the very same splices, in code points that are UTF-16 units too (see `traces/splice.ts`).
 */

import type { Sequential } from '../traces/files.ts'
import { type Splice, spliceString } from '../traces/splice.ts'
import type { Kind } from './content.ts'

export interface Branches {
  readonly base: string
  /** What the client does offline, of automerge-paper. */
  readonly client: readonly Splice[]
  /** What the server commits meanwhile, of seph-blog1. */
  readonly server: readonly Splice[]
}

const PIECES = 32
const FORMATTED = 50

/** The last `count` edits of each author, as a document of `kind` has them. */
export function makeBranches(paper: Sequential, blog: Sequential, count: number, kind: Kind): Branches {
  const paperPieces = cut(textBefore(paper, count))
  const blogPieces = cut(textBefore(blog, count))
  const base = paperPieces.map((piece, index) => piece + blogPieces[index]).join('')
  return {
    base,
    client: branchOf(lastEdits(paper, count, kind), ends(paperPieces), lengths(blogPieces)),
    server: branchOf(
      lastEdits(blog, count, kind),
      [0, ...ends(blogPieces).slice(0, -1)],
      lengths(paperPieces),
    ),
  }
}

/** What a text was before its last `count` edits. */
const textBefore = ({ start, splices }: Sequential, count: number) =>
  splices.slice(0, -count).reduce(spliceString, start)

function cut(text: string): string[] {
  const size = Math.ceil(text.length / PIECES)
  return Array.from({ length: PIECES }, (_, index) => text.slice(index * size, (index + 1) * size))
}

const lengths = (pieces: readonly string[]) => pieces.map(piece => piece.length)

function ends(pieces: readonly string[]): number[] {
  let end = 0
  return pieces.map(piece => (end += piece.length))
}

/** Only a rich document has bold text: for a text, Yjs would store and send what the others do not know. */
function lastEdits({ splices }: Sequential, count: number, kind: Kind): Splice[] {
  let insertions = 0
  return splices.slice(-count).map(splice => {
    const bold = splice.inserted !== '' && ++insertions % FORMATTED === 0
    return kind === 'rich' && bold ? { ...splice, bold } : splice
  })
}

/** An author's edits in the dealt document; `anchors[i]` is where foreign piece i stands in the author's own text. */
function branchOf(
  edits: readonly Splice[],
  anchors: readonly number[],
  foreign: readonly number[],
): Splice[] {
  const places = [...anchors]
  return edits.flatMap(edit => dealOut(edit, places, foreign))
}

/** One splice of an author's own text, moved over the foreign pieces; moves `places` along. */
function dealOut(
  { at, deleted, inserted, bold }: Splice,
  places: number[],
  foreign: readonly number[],
): Splice[] {
  const moved = (place: number, passes: (anchor: number) => boolean) =>
    places.reduce((sum, anchor, index) => (passes(anchor) ? sum + foreign[index]! : sum), place)
  const out: Splice[] = []
  const bounds = [at, ...places.filter(anchor => anchor > at && anchor < at + deleted), at + deleted]
  // From the last part to the first, so that no part moves the others.
  for (let part = bounds.length - 1; part > 0; part--) {
    const from = bounds[part - 1]!
    const length = bounds[part]! - from
    if (length > 0) out.push({ at: moved(from, anchor => anchor <= from), deleted: length, inserted: '' })
  }
  if (inserted !== '')
    out.push({ at: moved(at, anchor => anchor < at), deleted: 0, inserted, ...(bold && { bold }) })
  places.forEach((anchor, index) => {
    if (anchor >= at) places[index] = Math.max(at, anchor - deleted) + inserted.length
  })
  return join(out)
}

/** A delete and an insert at the same place are one splice, as they were recorded. */
function join(parts: readonly Splice[]): Splice[] {
  const [first, second] = parts
  if (parts.length !== 2 || first!.inserted !== '' || second!.deleted > 0 || first!.at !== second!.at)
    return [...parts]
  return [{ ...second!, deleted: first!.deleted }]
}
