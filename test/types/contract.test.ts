/** Every type keeps the laws of `types/type.ts`: one suite, 500 seeded cases for each law and type. */

import assert from 'node:assert/strict'
import { type Type, typeNames, typeOf } from '../../types/index.ts'
import { type Case, caseOf, laws } from './laws.ts'

const CASES = 500
const SEED = 1

const meaning: Readonly<Record<string, string>> = {
  T1: '[T1] both orders of two concurrent ops end in the same document',
  T2: '[T2] a composed op does what its parts do, and converges as they do',
  T3: '[T3] an inverted op takes the document back',
  T4: '[T4] a difference takes one document to the other',
  T5: '[T5] an op without effect changes nothing, and stays so',
  T6: '[T6] what is accepted stays acceptable through compose and transform',
  T7: '[T7] documents and ops survive JSON; equal means without a difference',
  T8: '[T8] a cursor stays inside the document, in order',
  T31: '[T31] an extent is the change in length, and undoing exchanges its sides',
}

for (const name of typeNames) {
  const type = typeOf(name)
  describe(`the type ${name}`, () => {
    let cases: Case[]
    before(() => {
      cases = Array.from({ length: CASES }, (_, i) => caseOf(type, SEED + i))
    })
    for (const [law, check] of Object.entries(laws)) {
      it(meaning[law]!, () => {
        cases.forEach((drawn, i) => {
          assert.doesNotThrow(() => check(type, drawn), `seed ${SEED + i}: ${JSON.stringify(drawn)}`)
        })
      })
    }

    it('[T9] never changes a document or an op that it was given', () => {
      // Each case is frozen to its depth, so a change would have thrown; here it is shown that it is.
      for (const drawn of cases) for (const value of Object.values(drawn)) assert(Object.isFrozen(value))
    })
    it('[T10] is found by its name and by its URI, and by nothing else', () => {
      assert.equal(typeOf(name), typeOf(type.uri))
      assert.throws(() => typeOf('text-tp2'))
    })
    it('[T11] starts with an empty document that an op can fill', () => {
      const empty = type.create()
      assert.equal(type.checkData(empty), null)
      assert(type.equalDocs(type.create(empty), empty))
      for (const { doc } of cases) assert.equal(type.check(type.diff(empty, doc), empty), null)
    })
    it('[T12] gives the text that a person would copy out', () => {
      const [doc, op, copied] = samples[name]
      assert.equal(type.textOf({ doc }), copied[0])
      assert.equal(type.textOf({ op }), copied[1])
    })
  })
}

const samples: Readonly<Record<Type['name'], readonly [unknown, unknown, readonly [string, string]]>> = {
  text: ['a😀', [1, 'b', { d: 1 }, 'c', 3, 'd'], ['a😀', 'bc\nd']],
  rich: [
    { ops: [{ insert: 'a' }, { insert: { image: '/x.png' } }] },
    { ops: [{ insert: 'b' }, { insert: 'c', attributes: { bold: true } }, { retain: 3 }, { insert: 'd' }] },
    ['a\ufffc', 'bc\nd'],
  ],
  json: [{ a: [1] }, ['a', 0, { r: true, i: 'b' }], ['{"a":[1]}', '["a",0,{"r":true,"i":"b"}]']],
}
