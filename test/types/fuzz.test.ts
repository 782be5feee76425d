/** The fuzzer itself: it finds what is planted, and what it prints replays. */

import assert from 'node:assert/strict'
import { rich, type TextOp, type Type, text } from '../../types/index.ts'
import { Random } from '../random.ts'
import { describeFailure, fuzz } from './fuzz.ts'

/** A type with a fault planted in it. */
const broken = (faults: Partial<Type<string, TextOp>>): Type => ({ ...text, ...faults }) as Type
const lawsBrokenBy = (type: Type): Set<string> => new Set(fuzz(type, 200, 1).map(failure => failure.law))

describe('the fuzzer', () => {
  it('[T26] finds ties that both sides win', () => {
    const type = broken({ transform: (op, other) => text.transform(op, other, 'left') })
    assert(lawsBrokenBy(type).has('T1'))
  })
  it('[T26] finds a compose that forgets its second op', () => {
    assert(lawsBrokenBy(broken({ compose: a => a })).has('T2'))
  })
  it('[T26] finds an invert that does not give deleted text back', () => {
    assert(lawsBrokenBy(broken({ invert: op => text.invert(op, '\0'.repeat(99)) })).has('T3'))
  })
  it('[T26] finds a difference that is none, and equality that is blind', () => {
    assert(lawsBrokenBy(broken({ diff: () => [] })).has('T4'))
    assert(lawsBrokenBy(broken({ equalDocs: () => true })).has('T7'))
  })
  it('[T26] finds an effect of nothing, a sound op that is refused, a cursor astray', () => {
    assert(lawsBrokenBy(broken({ isNoop: () => true })).has('T5'))
    assert(lawsBrokenBy(broken({ check: () => ({ code: 'OP_MISFIT', message: '' }) })).has('T6'))
    assert(lawsBrokenBy(broken({ transformCursor: () => 1e6 })).has('T8'))
  })
  it('[T26] finds an extent that misses what was deleted', () => {
    const type = broken({ extent: value => ({ ...text.extent(value), removed: 0 }) })
    assert.deepEqual(lawsBrokenBy(type), new Set(['T31']))
  })
  it('[T26] finds an op that changes its input', () => {
    const type = broken({
      compose: (a, b) => {
        ;(a as unknown[]).push('x')
        return text.compose(a, b)
      },
    })
    assert(lawsBrokenBy(type).has('T2'))
  })
  it('[T27] prints the seed and the ops, and the seed replays the failure', () => {
    const type = broken({ compose: a => a })
    const first = fuzz(type, 200, 1)[0]!
    assert.match(
      describeFailure(type, first),
      new RegExp(`--type text --pairs 1 --seed ${first.seed}\\n.*"doc":`),
    )
    assert.equal(fuzz(type, 1, first.seed)[0]!.law, first.law)
    assert.deepEqual(fuzz(rich as Type, 20, 1), [])
  })
})

describe('seeded randomness', () => {
  it('[T28] is the same sequence from the same seed, on every machine', () => {
    const rng = new Random(42)
    assert.deepEqual([rng.word(), rng.word(), rng.word()], PINNED)
    assert.deepEqual(new Random(42n).word(), PINNED[0])
  })
  it('[T28] differs from seed to seed and from fork to fork', () => {
    const first = new Set(Array.from({ length: 1000 }, (_, seed) => new Random(seed).word()))
    assert.equal(first.size, 1000)
    const rng = new Random(1)
    assert.notEqual(rng.fork().word(), rng.fork().word())
  })
  it('[T28] stays in its bounds and reaches both', () => {
    const rng = new Random(7)
    const drawn = Array.from({ length: 1000 }, () => rng.int(3))
    assert.deepEqual([...new Set(drawn)].sort(), [0, 1, 2])
    assert.throws(() => rng.pick([]))
  })
})

/** The first three words of seed 42. */
const PINNED = [683697760, 1931271236, 1649809369]
