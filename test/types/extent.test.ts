/** How much an op is said to change, by example; the laws of extents are in laws.ts. */

import assert from 'node:assert/strict'
import { insertOp, moveOp, removeOp, replaceOp } from 'ot-json1'
import { absent, type Content, extentOfChange } from '../../ops/change.ts'
import { type TypeName, typeOf } from '../../types/index.ts'

type Scene = readonly [what: string, op: unknown, added: number, removed: number]

const picture = { insert: { image: '/x.png' } }
const scenes: Readonly<Record<TypeName, readonly Scene[]>> = {
  text: [
    ['nothing', [], 0, 0],
    ['a character of two units', [3, '😀'], 1, 0],
    ['a deletion by length or by text', [{ d: 3 }, 2, { d: 'a😀' }], 0, 5],
    ['a replacement', ['new', { d: 4 }], 3, 4],
  ],
  rich: [
    ['nothing', { ops: [] }, 0, 0],
    ['formats alone', { ops: [{ retain: 9, attributes: { bold: true } }] }, 0, 0],
    ['a character of two units', { ops: [{ insert: '😀', attributes: { bold: true } }] }, 2, 0],
    ['a picture and a deletion', { ops: [picture, { retain: 2 }, { delete: 5 }] }, 1, 5],
  ],
  json: [
    ['nothing', null, 0, 0],
    ['a value, whatever it holds', insertOp(['a'], { b: [1, 2, 'long text'] }), 1, 0],
    ['a removal, whatever it took', removeOp(['a']), 0, 1],
    ['a replacement', replaceOp(['a', 0], true, 'x'), 1, 1],
    ['a move and a sum', [...moveOp(['a'], ['b'])!, ['c', { ena: 5 }]], 0, 0],
    ['text typed into a string', ['a', 0, { es: [2, '😀a', { d: 3 }] }], 2, 3],
    ['an insert that was edited before it was sent', ['a', { i: { b: 'x' } }, 'b', { es: ['yy'] }], 1, 0],
    [
      'a removal that what it holds is moved out of',
      [
        ['a', { r: true }, 'b', { p: 0 }],
        ['c', { d: 0 }],
      ],
      0,
      1,
    ],
    [
      'a value that is moved into a new one and edited',
      [
        ['a', { p: 0 }],
        ['b', { i: [] }, 0, { d: 0, es: ['z'] }],
      ],
      2,
      0,
    ],
  ],
}

describe('extents', () => {
  for (const [name, list] of Object.entries(scenes)) {
    for (const [what, op, added, removed] of list) {
      it(`[T32] ${name}: ${what}`, () => {
        const type = typeOf(name)
        assert.equal(type.checkOp(op), null)
        assert.deepEqual(type.extent({ op }), { added, removed })
      })
    }
  }
  it('[T32] a creation adds its content, and a deletion removes what is there', () => {
    const contents: readonly (readonly [Content & { type: TypeName }, number])[] = [
      [{ type: 'text', data: 'a😀' }, 2],
      [{ type: 'text', data: '' }, 0],
      [{ type: 'rich', data: { ops: [{ insert: 'ab' }, picture] } }, 3],
      [{ type: 'json', data: { a: [1, 2] } }, 1],
    ]
    for (const [content, length] of contents) {
      assert.deepEqual(extentOfChange({ create: content }, absent), { added: length, removed: 0 })
      assert.deepEqual(extentOfChange({ del: true }, content), { added: 0, removed: length })
    }
    assert.deepEqual(extentOfChange({ op: ['ab'] }, contents[0]![0]), { added: 2, removed: 0 })
    assert.deepEqual(extentOfChange({ del: true }, absent), { added: 0, removed: 0 })
    assert.throws(() => extentOfChange({ op: ['ab'] }, absent))
  })
})
