/** What becomes of two json edits that cannot both stand. The library's default transform throws on some of these. */

import assert from 'node:assert/strict'
import { insertOp, moveOp, removeOp, replaceOp } from 'ot-json1'
import { type JsonOp, type JsonValue, json } from '../../types/index.ts'

type Scene = readonly [what: string, doc: JsonValue, left: unknown, right: unknown, end: JsonValue]

const scenes: readonly Scene[] = [
  ['two values for a new key: the left one', {}, insertOp(['k'], 'L'), insertOp(['k'], 'R'), { k: 'L' }],
  [
    'two new values for a key: the left one',
    { k: 0 },
    replaceOp(['k'], 0, 'L'),
    replaceOp(['k'], 0, 'R'),
    { k: 'L' },
  ],
  ['two new documents: the left one', {}, replaceOp([], true, 'L'), replaceOp([], true, 'R'), 'L'],
  [
    'two inserts at a place of a list: both, the left one first',
    [],
    insertOp([0], 'L'),
    insertOp([0], 'R'),
    ['L', 'R'],
  ],
  ['a removal and a write inside: gone', { k: {} }, removeOp(['k']), insertOp(['k', 'x'], 1), {}],
  ['a write inside and a removal: gone', { k: {} }, insertOp(['k', 'x'], 1), removeOp(['k']), {}],
  ['a move and a removal: gone', { k: 1 }, moveOp(['k'], ['l']), removeOp(['k']), {}],
  [
    'a move and a write inside: both',
    { k: {} },
    moveOp(['k'], ['l']),
    insertOp(['k', 'x'], 1),
    { l: { x: 1 } },
  ],
  ['two moves of one thing: the left one', { k: 1 }, moveOp(['k'], ['l']), moveOp(['k'], ['r']), { l: 1 }],
  [
    'two moves to one key: the left one',
    { a: 1, b: 2 },
    moveOp(['a'], ['x']),
    moveOp(['b'], ['x']),
    { x: 1 },
  ],
  [
    'two moves into each other: both gone',
    { a: {}, b: {} },
    moveOp(['a'], ['b', 'a']),
    moveOp(['b'], ['a', 'b']),
    {},
  ],
]

describe('json edits in conflict', () => {
  for (const [what, doc, left, right, end] of scenes) {
    it(`[T29] ${what}`, () => {
      const [l, r] = [left as JsonOp, right as JsonOp]
      assert.deepEqual(json.apply(json.apply(doc, l), json.transform(r, l, 'right')), end)
      assert.deepEqual(json.apply(json.apply(doc, r), json.transform(l, r, 'left')), end)
    })
  }
  it('[T30] sums of fractions never come to pass, as they would depend on their order', () => {
    assert.notEqual(0.1 + 0.2 + 0.3, 0.1 + (0.2 + 0.3))
    assert.equal(json.check(['n', { ena: 0.2 }], { n: 1 })?.code, 'OP_MALFORMED')
    assert.equal(json.check(['n', { ena: 1 }], { n: 0.1 })?.code, 'OP_MISFIT')
  })
})
