/** Counting code points, and finding what changed between two strings. */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { difference } from '../../types/difference.ts'
import { text } from '../../types/index.ts'
import { countPoints, forward, splitsPair } from '../../types/points.ts'

const unicode = fc.string({ unit: 'binary', maxLength: 30 })
/** Emoji that share the first half of their pair: the ones that a careless diff cuts. */
const faces = fc.string({ unit: fc.constantFrom('a', '😀', '😁', '\u0301'), maxLength: 12 })

describe('code points', () => {
  it('[T23] are counted as the language counts them', () => {
    fc.assert(fc.property(unicode, value => assert.equal(countPoints(value), [...value].length)))
  })
  it('[T23] lead to the place after them', () => {
    fc.assert(
      fc.property(unicode, fc.nat(30), (value, n) => {
        const points = [...value].slice(0, n)
        const unit = forward(value, 0, points.length)
        assert.equal(unit, points.join('').length)
        assert(!splitsPair(value, unit))
      }),
    )
  })
  it('[T23] end beyond the end where there are not so many', () => {
    assert(forward('a😀', 0, 3) > 3)
    assert(forward('a😀', 1, 1e15) > 3)
  })
})

describe('a difference', () => {
  it('[T24] keeps what both have, drops the one and adds the other, and cuts no pair', () => {
    fc.assert(
      fc.property(faces, faces, (a, b) => {
        const parts = difference(a, b)
        const join = (left: string) =>
          parts
            .filter(([kind]) => kind !== left)
            .map(([, part]) => part)
            .join('')
        assert.equal(join('add'), a)
        assert.equal(join('drop'), b)
        for (const [, part] of parts) assert(part !== '' && part.isWellFormed())
      }),
    )
  })
  it('[T24] is small where the change is', () => {
    const long = 'lorem ipsum '.repeat(10_000)
    assert.deepEqual(text.diff(`${long}a${long}`, `${long}b${long}`), [120_000, { d: 1 }, 'b'])
    assert.deepEqual(text.diff('😀', '😁'), [{ d: 1 }, '😁'])
  })
  it('[T24] is as small between characters of two units as between others', () => {
    const letters = fc.array(fc.constantFrom(...'abcdefgh')).map(all => all.join(''))
    const astral = (text: string) =>
      text.replace(/./g, letter => String.fromCodePoint(0x1f600 + letter.charCodeAt(0)))
    fc.assert(
      fc.property(letters, letters, (a, b) => {
        const expected = difference(a, b).map(([kind, part]) => [kind, astral(part)])
        assert.deepEqual(difference(astral(a), astral(b)), expected)
      }),
    )
  })
  it('[T24] is one replacement where too much changed to search', () => {
    const [a, b] = ['ab'.repeat(2000), 'dc'.repeat(3000)]
    assert.deepEqual(difference(`x${a}y`, `x${b}y`), [
      ['keep', 'x'],
      ['add', b],
      ['drop', a],
      ['keep', 'y'],
    ])
  })
})

describe('the memory of the type text', () => {
  it('[T25] takes no document for another of the same length', () => {
    const docs = ['aaaa', '😀aa', 'a😀a', 'aa😀', '😀😁']
    for (let turn = 0; turn < 3; turn++) {
      for (const doc of docs) {
        for (let at = 0; at <= [...doc].length; at++) {
          const points = [...doc]
          points.splice(at, 0, 'x')
          assert.equal(text.apply(doc, at === 0 ? ['x'] : [at, 'x']), points.join(''))
        }
      }
    }
  })
  it('[T25] follows a document through ops before and behind the last place', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.constantFrom('x', '😀', '漢😁'), fc.boolean())), edits => {
        let doc = '😀lorem 😁 ipsum'
        let points = [...doc]
        for (const [place, insert, remove] of edits) {
          const at = place % (points.length + 1)
          const n = remove ? Math.min(2, points.length - at) : 0
          doc = text.apply(doc, [...(at > 0 ? [at] : []), insert, ...(n > 0 ? [{ d: n }] : [])])
          points = [...points.slice(0, at), ...insert, ...points.slice(at + n)]
          assert.equal(doc, points.join(''))
        }
      }),
    )
  })
})
