/** Bad input, type by type: each row is refused with its code, and nothing is thrown at it. */

import assert from 'node:assert/strict'
import { type FaultCode, json, rich, type Type, text } from '../../types/index.ts'

type Row = readonly [code: FaultCode, what: string, input: unknown]

const deepList = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
const own = (source: string): unknown => JSON.parse(source)

/** Ops on the document `'a😀b'`: three code points. */
const textOps: readonly Row[] = [
  ['OP_MALFORMED', 'nothing', undefined],
  ['OP_MALFORMED', 'null', null],
  ['OP_MALFORMED', 'a string', 'abc'],
  ['OP_MALFORMED', 'a number', 3],
  ['OP_MALFORMED', 'an object', { d: 1 }],
  ['OP_MALFORMED', 'a Delta', { ops: [{ insert: 'a' }] }],
  ['OP_MALFORMED', 'a component null', [null]],
  ['OP_MALFORMED', 'a component true', [true]],
  ['OP_MALFORMED', 'a component list', [[1]]],
  ['OP_MALFORMED', 'an empty insert', ['']],
  ['OP_MALFORMED', 'half a pair', ['\ud83d']],
  ['OP_MALFORMED', 'a skip of 0', [0, 'x']],
  ['OP_MALFORMED', 'a negative skip', [-1, 'x']],
  ['OP_MALFORMED', 'a skip of 1.5', [1.5, 'x']],
  ['OP_MALFORMED', 'a skip of NaN', [Number.NaN, 'x']],
  ['OP_MALFORMED', 'an endless skip', [Number.POSITIVE_INFINITY, 'x']],
  ['OP_MALFORMED', 'a skip that is not safe', [2 ** 53, 'x']],
  ['OP_MALFORMED', 'a skip at the end', ['x', 1]],
  ['OP_MALFORMED', 'skips side by side', [1, 1, 'x']],
  ['OP_MALFORMED', 'inserts side by side', ['x', 'y']],
  ['OP_MALFORMED', 'deletes side by side', [{ d: 1 }, { d: 1 }]],
  ['OP_MALFORMED', 'a delete of 0', [{ d: 0 }]],
  ['OP_MALFORMED', 'a negative delete', [{ d: -1 }]],
  ['OP_MALFORMED', 'a delete of 0.5', [{ d: 0.5 }]],
  ['OP_MALFORMED', 'a delete of an empty text', [{ d: '' }]],
  ['OP_MALFORMED', 'a delete of null', [{ d: null }]],
  ['OP_MALFORMED', 'a delete without d', [{}]],
  ['OP_MALFORMED', 'a delete with more keys', [{ d: 1, x: 1 }]],
  ['OP_MALFORMED', 'a delete with __proto__', [own('{"d": 1, "__proto__": {}}')]],
  ['OP_MISFIT', 'a skip beyond the end', [4, 'x']],
  ['OP_MISFIT', 'a delete beyond the end', [2, { d: 2 }]],
  ['OP_MISFIT', 'a skip in units, not code points', [1, { d: 1 }, 2, 'x']],
  ['OP_MISFIT', 'a safe skip of a quadrillion', [1e15, 'x']],
  ['OP_MISFIT', 'lengths that add up to no safe integer', [2 ** 53 - 1, { d: 2 ** 53 - 1 }]],
]

/** Ops on the document `a😀[image]b`: five units. */
const richOps: readonly Row[] = [
  ['OP_MALFORMED', 'nothing', undefined],
  ['OP_MALFORMED', 'null', null],
  ['OP_MALFORMED', 'a bare list', [{ insert: 'a' }]],
  ['OP_MALFORMED', 'no ops', {}],
  ['OP_MALFORMED', 'ops that are no list', { ops: 'abc' }],
  ['OP_MALFORMED', 'another key', { ops: [], x: 1 }],
  ['OP_MALFORMED', 'a run null', { ops: [null] }],
  ['OP_MALFORMED', 'an empty run', { ops: [{}] }],
  ['OP_MALFORMED', 'a run of two verbs', { ops: [{ insert: 'a', delete: 1 }] }],
  ['OP_MALFORMED', 'a run of another verb', { ops: [{ remove: 1 }] }],
  ['OP_MALFORMED', 'an empty insert', { ops: [{ insert: '' }] }],
  ['OP_MALFORMED', 'half a pair', { ops: [{ insert: 'a\ude00' }] }],
  ['OP_MALFORMED', 'an insert of a number', { ops: [{ insert: 5 }] }],
  ['OP_MALFORMED', 'an insert of null', { ops: [{ insert: null }] }],
  ['OP_MALFORMED', 'an insert of a list', { ops: [{ insert: ['a'] }] }],
  ['OP_MALFORMED', 'a retain of 0', { ops: [{ retain: 0 }] }],
  ['OP_MALFORMED', 'a negative retain', { ops: [{ retain: -1 }] }],
  ['OP_MALFORMED', 'a retain of 1.5', { ops: [{ retain: 1.5 }] }],
  ['OP_MALFORMED', 'a retain of an embed', { ops: [{ retain: { image: '/a.png' } }] }],
  ['OP_MALFORMED', 'a delete of a string', { ops: [{ delete: '1' }] }],
  ['OP_MALFORMED', 'a delete that is not safe', { ops: [{ delete: 2 ** 53 }] }],
  ['OP_MALFORMED', 'a delete with attributes', { ops: [{ delete: 1, attributes: { bold: true } }] }],
  ['OP_ATTRIBUTE', 'attributes null', { ops: [{ insert: 'a', attributes: null }] }],
  ['OP_ATTRIBUTE', 'attributes in a list', { ops: [{ insert: 'a', attributes: ['bold'] }] }],
  ['OP_ATTRIBUTE', 'empty attributes', { ops: [{ insert: 'a', attributes: {} }] }],
  ['OP_ATTRIBUTE', 'an unknown format', { ops: [{ insert: 'a', attributes: { onclick: 'x()' } }] }],
  [
    'OP_ATTRIBUTE',
    'a format called __proto__',
    own('{"ops":[{"insert":"a","attributes":{"__proto__":true}}]}'),
  ],
  ['OP_ATTRIBUTE', 'a nested value', { ops: [{ insert: 'a', attributes: { bold: { x: 1 } } }] }],
  ['OP_ATTRIBUTE', 'a value NaN', { ops: [{ insert: 'a', attributes: { size: Number.NaN } }] }],
  ['OP_ATTRIBUTE', 'a long value', { ops: [{ insert: 'a', attributes: { font: 'x'.repeat(257) } }] }],
  ['OP_ATTRIBUTE', 'null on an insert', { ops: [{ insert: 'a', attributes: { bold: null } }] }],
  ['OP_ATTRIBUTE', 'a link that runs', { ops: [{ retain: 1, attributes: { link: 'javascript:alert(1)' } }] }],
  [
    'OP_ATTRIBUTE',
    'the same, hidden',
    { ops: [{ retain: 1, attributes: { link: ' \u0001JAVA\nscript:alert(1)' } }] },
  ],
  ['OP_ATTRIBUTE', 'a link of data', { ops: [{ retain: 1, attributes: { link: 'data:text/html,x' } }] }],
  ['OP_ATTRIBUTE', 'a link that is true', { ops: [{ retain: 1, attributes: { link: true } }] }],
  [
    'OP_ATTRIBUTE',
    'an endless link',
    { ops: [{ insert: 'a', attributes: { link: `/${'x'.repeat(8192)}` } }] },
  ],
  ['OP_ATTRIBUTE', 'a video', { ops: [{ insert: { video: 'https://example.org/' } }] }],
  ['OP_ATTRIBUTE', 'a formula', { ops: [{ insert: { formula: 'x' } }] }],
  ['OP_ATTRIBUTE', 'two embeds in one', { ops: [{ insert: { image: '/a.png', video: '/b' } }] }],
  ['OP_ATTRIBUTE', 'an empty embed', { ops: [{ insert: {} }] }],
  ['OP_ATTRIBUTE', 'an image that runs', { ops: [{ insert: { image: 'javascript:alert(1)' } }] }],
  ['OP_ATTRIBUTE', 'an inline page', { ops: [{ insert: { image: 'data:text/html;base64,PGI+' } }] }],
  ['OP_ATTRIBUTE', 'an inline drawing', { ops: [{ insert: { image: 'data:image/svg+xml,<svg/>' } }] }],
  ['OP_ATTRIBUTE', 'an image that is an object', { ops: [{ insert: { image: { src: '/a.png' } } }] }],
  ['OP_MISFIT', 'a retain beyond the end', { ops: [{ retain: 6 }, { insert: 'x' }] }],
  ['OP_MISFIT', 'a format beyond the end', { ops: [{ retain: 6, attributes: { bold: true } }] }],
  ['OP_MISFIT', 'a delete beyond the end', { ops: [{ retain: 4 }, { delete: 2 }] }],
  ['OP_MISFIT', 'a delete of a quadrillion', { ops: [{ delete: 1e15 }] }],
  ['OP_MISFIT', 'an insert between the halves of a pair', { ops: [{ retain: 2 }, { insert: 'x' }] }],
  ['OP_MISFIT', 'a delete of half a pair', { ops: [{ retain: 1 }, { delete: 1 }] }],
  ['OP_MISFIT', 'a format on half a pair', { ops: [{ retain: 2, attributes: { bold: true } }] }],
]

/** Ops on the document `{a: 'text', n: 5, f: 0.5, list: [1], o: {}, max: the greatest safe integer}`. */
const jsonOps: readonly Row[] = [
  ['OP_MALFORMED', 'nothing', undefined],
  ['OP_MALFORMED', 'a number', 5],
  ['OP_MALFORMED', 'a string', 'a'],
  ['OP_MALFORMED', 'an object', { i: 1 }],
  ['OP_MALFORMED', 'an empty list', []],
  ['OP_MALFORMED', 'a path to nothing', ['a']],
  ['OP_MALFORMED', 'an empty edit', ['a', {}]],
  ['OP_MALFORMED', 'an unknown edit', ['a', { x: 1 }]],
  ['OP_MALFORMED', 'an edit called __proto__', ['a', own('{"__proto__": 1}')]],
  ['OP_MALFORMED', 'a list in a list', [['a', [{ i: 1 }]]]],
  ['OP_MALFORMED', 'a part null', ['a', null]],
  ['OP_MALFORMED', 'a part true', ['a', true, { i: 1 }]],
  ['OP_MALFORMED', 'a negative index', ['list', -1, { i: 1 }]],
  ['OP_MALFORMED', 'an index of 0.5', ['list', 0.5, { i: 1 }]],
  ['OP_MALFORMED', 'an index beyond 31 bits', ['list', 2 ** 31, { i: 1 }]],
  ['OP_MALFORMED', 'the key __proto__', ['__proto__', { i: 1 }]],
  ['OP_MALFORMED', 'the key constructor', ['constructor', { i: 1 }]],
  ['OP_MALFORMED', 'the key prototype', ['prototype', { i: 1 }]],
  ['OP_MALFORMED', 'a key that every object has', ['toString', { r: true }]],
  ['OP_MALFORMED', '__proto__ inside a value', ['x', { i: own('{"a": {"__proto__": {"b": 1}}}') }]],
  ['OP_MALFORMED', 'a key of half a pair', ['\ud83d', { i: 1 }]],
  ['OP_MALFORMED', 'a value undefined', ['x', { i: [undefined] }]],
  ['OP_MALFORMED', 'a value NaN', ['x', { i: Number.NaN }]],
  ['OP_MALFORMED', 'a value that is a date', ['x', { i: new Date(0) }]],
  ['OP_MALFORMED', 'a value of half a pair', ['x', { i: '\ud83d' }]],
  [
    'OP_MALFORMED',
    'keys out of order',
    [
      ['o', { r: true }],
      ['a', { r: true }],
    ],
  ],
  ['OP_MALFORMED', 'a pick without a drop', ['a', { p: 0 }]],
  ['OP_MALFORMED', 'a drop without a pick', ['x', { d: 0 }]],
  [
    'OP_MALFORMED',
    'a slot that is a word',
    [
      ['a', { p: 'x' }],
      ['x', { d: 'x' }],
    ],
  ],
  [
    'OP_MALFORMED',
    'a slot that is left out',
    [
      ['a', { p: 1 }],
      ['x', { d: 1 }],
    ],
  ],
  ['OP_MALFORMED', 'two edits in one', ['a', { es: ['x'], ena: 1 }]],
  ['OP_MALFORMED', 'a text edit with a skip at the end', ['a', { es: ['x', 1] }]],
  ['OP_MALFORMED', 'a text edit of a string', ['a', { es: 'x' }]],
  ['OP_MALFORMED', 'adding a half', ['n', { ena: 0.5 }]],
  ['OP_MALFORMED', 'adding a string', ['n', { ena: '1' }]],
  ['OP_MALFORMED', 'another sub-type', ['a', { et: 'rich-text', e: { ops: [] } }]],
  ['OP_TOO_DEEP', 'a value 65 deep', ['x', { i: deepList(65) }]],
  ['OP_TOO_DEEP', 'a value that is too deep where it stands', ['o', 'x', { i: deepList(63) }]],
  ['OP_TOO_DEEP', 'a path of 65 keys', [...Array(65).fill('x'), { i: 1 }]],
  ['OP_TOO_DEEP', 'a value 6,000 deep', ['x', { i: deepList(6000) }]],
  ['OP_MALFORMED', 'an op 6,000 deep', deepList(6000)],
  ['OP_MISFIT', 'a removal of what is not there', ['x', { r: true }]],
  ['OP_MISFIT', 'a removal beyond a list', ['list', 1, { r: true }]],
  ['OP_MISFIT', 'an insert over a value', ['a', { i: 1 }]],
  ['OP_MISFIT', 'an insert beyond a list', ['list', 2, { i: 1 }]],
  ['OP_MISFIT', 'an insert in what is not there', ['x', 'y', { i: 1 }]],
  ['OP_MISFIT', 'an index of an object', ['o', 0, { i: 1 }]],
  ['OP_MISFIT', 'a key of a list', ['list', 'x', { i: 1 }]],
  ['OP_MISFIT', 'a text edit of a number', ['n', { es: ['x'] }]],
  ['OP_MISFIT', 'a text edit beyond the end', ['a', { es: [5, 'x'] }]],
  ['OP_MISFIT', 'a text delete beyond the end', ['a', { es: [3, { d: 2 }] }]],
  ['OP_MISFIT', 'adding to a string', ['a', { ena: 1 }]],
  ['OP_MISFIT', 'adding to a fraction', ['f', { ena: 1 }]],
  ['OP_MISFIT', 'adding past the safe integers', ['max', { ena: 1 }]],
  ['OP_MISFIT', 'a removal of everything', [{ r: true }]],
]

const textData: readonly Row[] = [
  ['DATA_MALFORMED', 'null', null],
  ['DATA_MALFORMED', 'a number', 1],
  ['DATA_MALFORMED', 'a list', ['a']],
  ['DATA_MALFORMED', 'half a pair', 'a\ud83d'],
]
const richData: readonly Row[] = [
  ['DATA_MALFORMED', 'a string', 'abc'],
  ['DATA_MALFORMED', 'null', null],
  ['DATA_MALFORMED', 'a retain', { ops: [{ retain: 1 }] }],
  ['DATA_MALFORMED', 'a delete', { ops: [{ insert: 'a' }, { delete: 1 }] }],
  ['DATA_MALFORMED', 'an unknown format', { ops: [{ insert: 'a', attributes: { evil: 1 } }] }],
  ['DATA_MALFORMED', 'a video', { ops: [{ insert: { video: '/a' } }] }],
]
const jsonData: readonly Row[] = [
  ['DATA_MALFORMED', 'nothing', undefined],
  ['DATA_MALFORMED', 'endless', Number.POSITIVE_INFINITY],
  ['DATA_MALFORMED', 'a function', () => 1],
  ['DATA_MALFORMED', 'a big integer', 1n],
  ['DATA_MALFORMED', 'a map', { a: new Map() }],
  ['DATA_MALFORMED', '__proto__', own('{"__proto__": 1}')],
  ['DATA_MALFORMED', 'constructor, inside', [{ constructor: 1 }]],
  ['OP_TOO_DEEP', '65 lists in each other', deepList(65)],
  ['OP_TOO_DEEP', '6,000 lists in each other', deepList(6000)],
]

const numbers = { n: 5, f: 0.5, max: Number.MAX_SAFE_INTEGER }
const suites: readonly (readonly [Type, unknown, readonly Row[], readonly Row[]])[] = [
  [text as Type, 'a😀b', textOps, textData],
  [
    rich as Type,
    { ops: [{ insert: 'a😀' }, { insert: { image: '/a.png' } }, { insert: 'b' }] },
    richOps,
    richData,
  ],
  [json as Type, { a: 'text', list: [1], o: {}, ...numbers }, jsonOps, jsonData],
]

for (const [type, doc, ops, data] of suites) {
  describe(`bad input to ${type.name}`, () => {
    for (const [code, what, op] of ops) {
      it(`[T13] is refused as ${code}: ${what}`, () => {
        assert.equal(type.check(op, doc)?.code, code)
        // What is wrong whatever the document is found without one.
        assert.equal(type.checkOp(op)?.code, code === 'OP_MISFIT' ? undefined : code)
      })
    }
    for (const [code, what, value] of data) {
      it(`[T14] is refused as a document, ${code}: ${what}`, () => {
        assert.equal(type.checkData(value)?.code, code)
        if (value !== undefined) assert.throws(() => type.create(value))
      })
    }
    it('[T15] is told without a word of the content', () => {
      const secret = 'sesame'
      for (const op of [
        [secret, secret],
        { ops: [{ insert: secret, attributes: { [secret]: secret } }] },
        { secret },
      ]) {
        const fault = type.check(op, doc)
        assert(fault && !fault.message.includes(secret))
      }
    })
  })
}

describe('a move in json', () => {
  it('[T16] may not carry a deep part to a deep place', () => {
    const path = Array<string>(40).fill('x')
    const nested = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), {})
    const op = [
      ['a', { p: 0 }],
      ['b', ...path, 'x', { d: 0 }],
    ]
    assert.equal(json.check(op, { a: nested, b: nested } as never)?.code, 'OP_TOO_DEEP')
    assert.equal(json.check(op, { a: {}, b: nested } as never), null)
  })
})

describe('what rich text may carry', () => {
  for (const link of [
    'https://example.org/',
    'http://x',
    'mailto:a@b',
    'tel:+1',
    '/a',
    '#b',
    'a/b?c=d:e',
    '//x/y',
  ]) {
    it(`[T17] the link ${link}`, () => {
      assert.equal(rich.checkOp({ ops: [{ insert: 'a', attributes: { link } }] }), null)
    })
  }
  for (const image of ['https://example.org/a.png', '/a.png', 'data:image/png;base64,AAAA']) {
    it(`[T17] the image ${image}`, () => {
      assert.equal(rich.checkOp({ ops: [{ insert: { image } }] }), null)
    })
  }
})
