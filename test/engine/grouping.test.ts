import assert from 'node:assert/strict'
import { alone, carried, JOIN_MS, joins, type Stroke, strokeOf } from '../../client/engine/grouping.ts'
import type { TypeName } from '../../types/index.ts'

/** The groups of edits that follow each other, by their places in the list; a number in the list is a pause (ms). */
function groupsOf(type: TypeName, edits: readonly unknown[]): number[][] {
  const groups: number[][] = []
  let former: Stroke = alone
  let now = 0
  for (const [i, op] of edits.entries()) {
    if (typeof op === 'number') {
      now += op
      continue
    }
    const next = strokeOf({ op }, type, now)
    if (joins(former, next)) groups.at(-1)!.push(i)
    else groups.push([i])
    former = next
  }
  return groups
}

/** Letters typed one after another from position `at`. */
const typed = (word: string, at = 0): unknown[] =>
  [...word].map((letter, i) => (at + i > 0 ? [at + i, letter] : [letter]))
const richly = (ops: readonly unknown[]) =>
  (ops as (number | string | { d: number })[][]).map(op => ({
    ops: op.map(part =>
      typeof part === 'number'
        ? { retain: part }
        : typeof part === 'string'
          ? { insert: part }
          : { delete: part.d },
    ),
  }))

describe('grouping', () => {
  for (const type of ['text', 'rich'] as const) {
    const ops = (list: readonly unknown[]) => (type === 'text' ? list : richly(list))

    it(`[U13] ${type}: a word is a group; the space after it and every new line begin one`, () => {
      assert.deepEqual(groupsOf(type, ops(typed('ab cd\n\ne'))), [[0, 1], [2, 3, 4], [5], [6, 7]])
      assert.deepEqual(groupsOf(type, ops(typed('a  b'))), [[0], [1, 2, 3]])
    })

    it(`[U13] ${type}: a pause, another place, a paste and typing over a selection begin a group; the last goes on`, () => {
      const [a, b, c] = ops(typed('abc'))
      assert.deepEqual(groupsOf(type, [a, JOIN_MS, b, JOIN_MS + 1, c]), [[0, 2], [4]])
      assert.deepEqual(groupsOf(type, ops([['a'], [5, 'b'], [6, 'c']])), [[0], [1, 2]])
      assert.deepEqual(groupsOf(type, ops([['a'], [1, 'paste'], [6, 'b']])), [[0], [1], [2]])
      assert.deepEqual(groupsOf(type, ops([['a'], [1, 'b', { d: 7 }], [2, 'c']])), [[0], [1, 2]])
    })

    it(`[U14] ${type}: a run of Backspace or of Delete is a group; erasing more at once stands alone`, () => {
      const erase = (at: number, d = 1) => (at > 0 ? [at, { d }] : [{ d }])
      assert.deepEqual(groupsOf(type, ops([erase(5), erase(4), erase(3)])), [[0, 1, 2]])
      assert.deepEqual(groupsOf(type, ops([erase(5), erase(5), erase(5)])), [[0, 1, 2]])
      assert.deepEqual(groupsOf(type, ops([erase(5), erase(1)])), [[0], [1]])
      assert.deepEqual(groupsOf(type, ops([['a'], erase(0), ['b']])), [[0], [1], [2]])
      assert.deepEqual(groupsOf(type, ops([erase(9), erase(4, 5), erase(3)])), [[0], [1], [2]])
    })
  }

  it('[U13] a space that the browser writes again with the next letter does not end the group', () => {
    const word = richly([
      [3, '\u00a0'],
      [3, ' t', { d: 1 }],
      [5, 'w'],
    ])
    assert.deepEqual(groupsOf('rich', word), [[0, 1, 2]])
    assert.deepEqual(
      groupsOf(
        'rich',
        richly([
          [3, 'x'],
          [3, ' t', { d: 1 }],
        ]),
      ),
      [[0], [1]],
    )
  })

  it('[U13] characters of two units, and the newline that the first key in Quill brings along, are typing', () => {
    assert.deepEqual(groupsOf('text', [['😀'], [1, 'a']]), [[0, 1]])
    assert.deepEqual(groupsOf('rich', richly([['😀'], [2, 'a']])), [[0, 1]])
    assert.deepEqual(groupsOf('rich', richly([['a\n'], [1, 'b']])), [[0, 1]])
    assert.deepEqual(
      groupsOf(
        'rich',
        richly([
          [4, { d: 2 }],
          [2, { d: 2 }],
        ]),
      ),
      [[0, 1]],
    )
  })

  it('[U15] edits of one value of a json document are a group while no second passes; a move stands alone', () => {
    const typing = [
      ['a', 'b', { es: ['x'] }],
      ['a', 'b', { es: [1, 'y'] }],
    ]
    assert.deepEqual(groupsOf('json', typing), [[0, 1]])
    assert.deepEqual(groupsOf('json', [typing[0], JOIN_MS + 1, typing[1]]), [[0], [2]])
    assert.deepEqual(
      groupsOf('json', [
        ['n', { ena: 1 }],
        ['n', { ena: 1 }],
        ['m', { ena: 1 }],
      ]),
      [[0, 1], [2]],
    )
    assert.deepEqual(groupsOf('json', [[{ r: true, i: 1 }], [{ r: true, i: 2 }]]), [[0, 1]])
    const move = [
      ['a', { p: 0 }],
      ['b', { d: 0 }],
    ]
    assert.deepEqual(groupsOf('json', [move, move]), [[0], [1]])
  })

  it('[U15] formats, embeds, several places, creations and what is no op stand alone', () => {
    const lone: [TypeName, unknown][] = [
      ['rich', { ops: [{ retain: 2, attributes: { bold: true } }] }],
      ['rich', { ops: [{ insert: { image: 'data:,' } }] }],
      ['text', ['a', 2, 'b']],
      ['text', []],
      ['json', null],
      [
        'json',
        [
          ['a', { r: true }],
          ['b', { r: true }],
        ],
      ],
      ['text', null],
      ['rich', 'x'],
    ]
    for (const [type, op] of lone) assert.deepEqual(strokeOf({ op }, type, 0), alone, JSON.stringify(op))
    assert.deepEqual(strokeOf({ del: true }, 'text', 0), alone)
  })

  it('[U16] a group goes on where others have moved it to', () => {
    const former = strokeOf({ op: [3, 'a'] }, 'text', 0)
    const next = (at: number) => strokeOf({ op: [at, 'b'] }, 'text', 1)
    assert.ok(joins(carried(former, { op: ['>> '] }, 'text'), next(7)))
    assert.ok(joins(carried(former, { op: [4, 'theirs'] }, 'text'), next(4)))
    assert.ok(!joins(carried(former, { del: true }, 'text'), next(4)))
    const erased = strokeOf({ op: { ops: [{ retain: 3 }, { delete: 1 }] } }, 'rich', 0)
    const again = strokeOf({ op: { ops: [{ retain: 4 }, { delete: 1 }] } }, 'rich', 1)
    assert.ok(joins(carried(erased, { op: { ops: [{ insert: '>>' }] } }, 'rich'), again))
    const set = strokeOf({ op: ['list', 0, { ena: 1 }] }, 'json', 0)
    const moved = carried(set, { op: ['list', 0, { i: 'new' }] }, 'json')
    assert.ok(joins(moved, strokeOf({ op: ['list', 1, { ena: 1 }] }, 'json', 1)))
    assert.deepEqual(carried(set, { op: ['list', { r: true }] }, 'json'), alone)
  })
})
