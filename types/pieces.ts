/**
 * A text in pieces, so that an edit of a long document copies the piece that it touches and nothing else.
 *
 * To the engine a sum of strings is a tree until somebody looks into it; then it is copied into one string, which takes
 * 1 ms for a megabyte, a hundred times the edit. So the next edit must not look into the sum: it is cut from the
 * pieces that were summed, and the document stays a tree until it is written down or shown.
 *
 * Pieces are joined to the text, none is empty, none ends within a surrogate pair, and two neighbours are longer than
 * PIECE together: there are at most 2n / PIECE + 1 of n units.
 */

import { countPoints, forward, splitsPair } from './points.ts'

export interface Piece {
  readonly text: string
  readonly points: number
}

/** UTF-16 units that a piece has at most. */
export const PIECE = 8192

export function piecesOf(text: string): readonly Piece[] {
  const out = new PieceWriter()
  out.insert(text)
  return out.pieces()
}

export const joined = (pieces: readonly Piece[]): string => pieces.reduce((all, { text }) => all + text, '')

/** Reads pieces from the first to the last, by code points. */
export class PieceReader {
  readonly #pieces: readonly Piece[]
  #index = 0
  /** Where we are in the present piece. */
  #unit = 0
  #point = 0

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces
  }

  /** Goes on by `n` code points and gives them to `out`; false if there are not so many. */
  take(n: number, out: PieceWriter | null): boolean {
    for (let left = n; left > 0; ) {
      const piece = this.#pieces[this.#index]
      if (piece === undefined) return false
      const rest = piece.points - this.#point
      if (left < rest) {
        this.#within(piece, left, out)
        return true
      }
      out?.add(this.#point === 0 ? piece : { text: piece.text.slice(this.#unit), points: rest })
      this.#index++
      this.#unit = 0
      this.#point = 0
      left -= rest
    }
    return true
  }

  /** Gives all that was not taken. */
  drain(out: PieceWriter): void {
    this.take(Number.POSITIVE_INFINITY, out)
  }

  #within({ text, points }: Piece, n: number, out: PieceWriter | null): void {
    const end = points === text.length ? this.#unit + n : forward(text, this.#unit, n)
    out?.add({ text: text.slice(this.#unit, end), points: n })
    this.#unit = end
    this.#point += n
  }
}

export class PieceWriter {
  readonly #pieces: Piece[] = []
  /** The last one, which still grows. */
  #last: Piece | null = null

  add(piece: Piece): void {
    const last = this.#last
    if (last === null) this.#last = piece
    else if (last.text.length + piece.text.length <= PIECE)
      this.#last = { text: last.text + piece.text, points: last.points + piece.points }
    else {
      this.#pieces.push(last)
      this.#last = piece
    }
  }

  insert(text: string): void {
    for (let from = 0; from < text.length; ) {
      let to = Math.min(from + PIECE, text.length)
      if (splitsPair(text, to)) to--
      const part = text.slice(from, to)
      this.add({ text: part, points: countPoints(part) })
      from = to
    }
  }

  pieces(): readonly Piece[] {
    if (this.#last !== null) this.#pieces.push(this.#last)
    this.#last = null
    return this.#pieces
  }
}
