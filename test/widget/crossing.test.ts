/** What typing and remote edits make of each other, without a browser. */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { makeCrossing } from '../../client/binding/crossing.ts'
import { Delta, lengthOfOp } from '../../client/binding/delta.ts'
import { absoluteLink, withoutForeign } from '../../client/binding/formats.ts'
import { isComplete, shown, toShown, toStored } from '../../client/binding/newline.ts'
import { applyTo, fromTextOp, replacement, toTextOp } from '../../client/binding/plain.ts'
import { carry } from '../../client/binding/selection.ts'
import { text } from '../../types/text.ts'

const word = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', 'é', '😀', '語'), maxLength: 12 })
const nonEmpty = word.filter(part => part.length > 0)
const lengthOf = (delta: Delta) => delta.ops.reduce((sum, op) => sum + lengthOfOp(op), 0)

/** An edit that fits a text of `length` units: replaces a stretch. */
const editOf = (length: number) =>
  fc.tuple(fc.nat({ max: length }), fc.nat({ max: length }), word).map(([at, count, insert]) =>
    new Delta()
      .retain(at)
      .insert(insert)
      .delete(Math.min(count, length - at))
      .chop(),
  )

describe('Crossing', () => {
  it('[B5] shows and stores the same, however typing and remote edits cross', () => {
    fc.assert(
      fc.property(nonEmpty, fc.infiniteStream(fc.boolean()), fc.gen(), (start, coins, gen) => {
        const crossing = makeCrossing()
        let stored = new Delta().insert(start)
        let seen = stored
        for (let step = 0; step < 12; step++) {
          if (coins.next().value) {
            const edit = gen(editOf, lengthOf(stored))
            stored = stored.compose(edit)
            crossing.arrive(edit)
          } else {
            const typed = gen(editOf, lengthOf(seen))
            seen = seen.compose(typed)
            stored = stored.compose(crossing.cross(typed))
          }
          if (coins.next().value) seen = seen.compose(crossing.take())
        }
        assert.deepEqual(seen.compose(crossing.take()).ops, stored.ops)
      }),
      { numRuns: 500, seed: 20_261_123 },
    )
  })

  it('[B2] keeps what is shown equal to what is stored, and a newline, whatever the ends', () => {
    const doc = word.map(content => new Delta().insert(content))
    fc.assert(
      fc.property(doc, fc.gen(), (stored, gen) => {
        const remote = gen(editOf, lengthOf(stored))
        const after = stored.compose(remote)
        assert.deepEqual(shown(stored).compose(toShown(remote, stored, after)).ops, shown(after).ops)

        const typed = gen(editOf, lengthOf(shown(stored)) - 1)
        const edited = stored.compose(toStored(typed, stored))
        assert.deepEqual(edited.ops, shown(stored).compose(typed).ops)
        assert.ok(isComplete(edited))
      }),
      { numRuns: 500, seed: 20_261_123 },
    )
  })

  it('[B4] lets no selection grow over what others insert at its edges', () => {
    const insert = (at: number) => new Delta().retain(at).insert('xy')
    assert.deepEqual(carry({ index: 3, length: 0 }, insert(3)), { index: 3, length: 0 })
    assert.deepEqual(carry({ index: 3, length: 2 }, insert(3)), { index: 5, length: 2 })
    assert.deepEqual(carry({ index: 3, length: 2 }, insert(4)), { index: 3, length: 4 })
    assert.deepEqual(carry({ index: 3, length: 2 }, insert(5)), { index: 3, length: 2 })
    assert.deepEqual(carry({ index: 3, length: 2 }, new Delta().retain(1).delete(9)), { index: 1, length: 0 })
  })

  it('[B12] finds the replacement that a text field made, in whole characters', () => {
    fc.assert(
      fc.property(word, word, fc.nat({ max: 12 }), (before, after, caret) => {
        const delta = replacement(before, after, Math.min(caret, after.length))
        assert.equal(applyTo(before, delta), after)
        const op = toTextOp(delta, before)
        assert.equal(text.check(op, before), null)
        assert.equal(text.apply(before, op), after)
        assert.deepEqual(fromTextOp(op, before).ops, delta.ops)
      }),
      { numRuns: 1000, seed: 20_261_123 },
    )
    assert.deepEqual(toTextOp(replacement('aa', 'aaa', 1), 'aa'), ['a'])
    assert.deepEqual(toTextOp(replacement('aa', 'aaa', 3), 'aa'), [2, 'a'])
  })

  it('[B7] knows which addresses may be links', () => {
    const cases: [string, string | null][] = [
      ['https://example.org/a?b#c', 'https://example.org/a?b#c'],
      ['mailto:me@example.org', 'mailto:me@example.org'],
      ['example.org', 'https://example.org'],
      ['www.example.org/path', 'https://www.example.org/path'],
      ['me@example.org', 'mailto:me@example.org'],
      ['javascript:alert(1)', null],
      ['java\nscript:alert(1)', null],
      ['data:text/html,x', null],
      ['/relative', null],
      ['word', null],
    ]
    for (const [typed, link] of cases) assert.equal(absoluteLink(typed), link, typed)
    const delta = new Delta()
      .insert('a', { color: 'red', bold: true, italic: null })
      .retain(2, { indent: 1 })
      .retain(1, { link: null })
    assert.deepEqual(withoutForeign(delta).ops, [
      { insert: 'a', attributes: { bold: true } },
      { retain: 2 },
      { retain: 1, attributes: { link: null } },
    ])
  })
})
