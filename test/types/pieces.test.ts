/** Long texts: what is cut and joined in pieces is what the library makes of the whole string. */

import assert from 'node:assert/strict'
import { type TextOp as LibraryOp, type as library } from 'ot-text-unicode'
import { text } from '../../types/index.ts'
import { joined, PIECE, PieceReader, PieceWriter, piecesOf } from '../../types/pieces.ts'
import { countPoints } from '../../types/points.ts'
import { type TextOp, TextWriter } from '../../types/textop.ts'
import { Random } from '../random.ts'
import { randomText } from './randomtext.ts'

const SEEDS = 12
const OPS = 25
const LONG = 4 * PIECE

/** Few components, of a letter or of more than a piece, at places all over the text. */
function randomLongOp(points: number, rng: Random): TextOp {
  const out = new TextWriter()
  const length = () => 1 + rng.int(rng.chance(0.2) ? 2 * PIECE : 20)
  let left = points
  for (let turn = 1 + rng.int(4); turn > 0; turn--) {
    const kept = Math.min(left, rng.int(points))
    if (kept > 0) out.keep(kept)
    left -= kept
    const gone = Math.min(left, length())
    if (rng.chance(0.5)) out.insert(randomText(rng, length()))
    else if (gone > 0) {
      out.delete(gone)
      left -= gone
    }
  }
  return out.op()
}

describe('a long text', () => {
  it('[T33] becomes by ops what the library makes of it', () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const rng = new Random(seed)
      let document = randomText(rng, LONG)
      for (let turn = 0; turn < OPS; turn++) {
        const op = randomLongOp(countPoints(document), rng)
        const after = text.apply(document, op)
        assert.equal(after, library.apply(document, op as LibraryOp), `seed ${seed}, op ${turn}`)
        assert.equal(text.apply(after, text.invert(op, document)), document, `seed ${seed}, op ${turn}, back`)
        document = after
      }
    }
  })

  it('[T33] is cut into few pieces, none of them within a pair', () => {
    for (const odd of ['', 'a', '\u{1d4b3}a']) {
      const document = odd + '\u{1f600}'.repeat(LONG)
      const pieces = piecesOf(document)
      assert.equal(joined(pieces), document)
      assert.ok(pieces.length <= (2 * document.length) / PIECE + 1)
      for (const piece of pieces) {
        assert.ok(piece.text.isWellFormed() && piece.text.length <= PIECE)
        assert.equal(piece.points, countPoints(piece.text))
      }
    }
  })

  it('[T33] keeps all pieces but those that an op touches, and they stay few', () => {
    const rng = new Random(33)
    let pieces = piecesOf(randomText(rng, LONG))
    for (let turn = 0; turn < 500; turn++) {
      const reader = new PieceReader(pieces)
      const out = new PieceWriter()
      assert.ok(reader.take(rng.int(LONG), out))
      out.insert('x')
      assert.ok(reader.take(1, null))
      reader.drain(out)
      const before = new Set(pieces)
      pieces = out.pieces()
      // What is left of the piece on both sides of the edit, and a neighbour that one of them joins.
      assert.ok(pieces.filter(piece => !before.has(piece)).length <= 3)
      const units = pieces.reduce((sum, piece) => sum + piece.text.length, 0)
      assert.ok(pieces.length <= (2 * units) / PIECE + 1)
    }
  })

  it('[T33] ends where it ends', () => {
    const document = 'ab\u{1f600}'.repeat(PIECE)
    const points = countPoints(document)
    assert.equal(text.check([points - 1, { d: 1 }], document), null)
    assert.equal(text.check([points, { d: 1 }], document)?.code, 'OP_MISFIT')
    assert.throws(() => text.apply(document, [points, { d: 1 }]), /beyond the end/)
    assert.equal(text.apply(document, [{ d: points }]), '')
  })
})
