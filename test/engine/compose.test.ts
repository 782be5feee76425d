import assert from 'node:assert/strict'
import { append, composeAll, join, type Tiers, tiersOf } from '../../ops/compose.ts'
import { typeNames, typeOf } from '../../types/index.ts'
import { Random } from '../random.ts'
import { randomDoc, randomOp } from '../types/generators.ts'

describe('compose', () => {
  for (const name of typeNames) {
    it(`[E16] ${name}: as a tree, in tiers or one after another, the document is the same`, () => {
      const type = typeOf(name)
      for (let seed = 1; seed <= 100; seed++) {
        const rng = new Random(seed)
        const doc = randomDoc(type, rng)
        let end = doc
        const ops: unknown[] = []
        for (let i = 1 + rng.int(20); i > 0; i--) {
          const op = randomOp(type, end, rng)
          ops.push(op)
          end = type.apply(end, op)
        }
        const tiers = ops.slice(1).reduce((grown: Tiers, op) => append(type, grown, op), tiersOf(ops[0]))
        assert.ok(type.equalDocs(type.apply(doc, composeAll(type, ops)), end), `tree, seed ${seed}`)
        assert.ok(type.equalDocs(type.apply(doc, join(type, tiers)), end), `tiers, seed ${seed}`)
        assert.equal(tiers.count, ops.length)
        assert.ok(tiers.runs.length <= Math.ceil(Math.log2(ops.length + 1)))
      }
    })
  }
})
