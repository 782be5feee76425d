/** The npm package rich-text, which stock clients run (on an older quill-delta), ends where we end. */

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { type RichDoc, type RichOp, rich, type Side, type Type, text } from '../../types/index.ts'
import { caseOf } from './laws.ts'

/** The package has no types; this is what we use of it. */
interface StockType {
  readonly uri: string
  create(initial: unknown): RichDoc
  apply(doc: unknown, op: unknown): RichDoc
  transform(op: unknown, other: unknown, side: Side): RichOp
}
const stock = createRequire(import.meta.url)('rich-text').type as StockType

describe('a stock client of rich-text', () => {
  it('[T22] converges with us, whichever side transforms', () => {
    for (let seed = 30_000; seed < 32_000; seed++) {
      const drawn = caseOf(rich as Type, seed)
      const [doc, a, b] = [drawn.doc as RichDoc, drawn.a as RichOp, drawn.b as RichOp]
      const copy = <T>(value: T): T => structuredClone(value)
      const theirs = stock.apply(stock.apply(copy(doc), copy(a)), stock.transform(copy(b), copy(a), 'right'))
      const ours = rich.apply(rich.apply(doc, b), rich.transform(a, b, 'left'))
      assert(rich.equalDocs({ ops: theirs.ops }, ours), `seed ${seed}`)
    }
  })
  it('[T22] knows the types by our URIs', () => {
    const require = createRequire(import.meta.url)
    assert.equal(rich.uri, stock.uri)
    assert.equal(text.uri, require('ot-text-unicode').type.uri)
    assert.equal('http://sharejs.org/types/JSONv1', require('ot-json1').type.uri)
  })
})
