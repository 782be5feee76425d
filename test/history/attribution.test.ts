/** Who wrote what: composed authored ops against an array that holds the writer of every unit. */

import assert from 'node:assert/strict'
import {
  type Attribution,
  type AuthoredOp,
  attribute,
  attributionOf,
  authored,
  authorship,
  composeAuthored,
  isAttributed,
  type Writer,
} from '../../ops/attribution.ts'
import { append, composeAll, join, tiersOf } from '../../ops/compose.ts'
import { json, rich, type TextOp, type Type, text } from '../../types/index.ts'
import { readSequential, samplePath } from '../traces/files.ts'
import { readHistory } from '../traces/history.ts'
import { textOp } from '../traces/splice.ts'
import { randomHistory, stepWriters, type Told, toldInOrder, writersOf } from './writers.ts'

const types = [text, rich] as Type[]
const [aText, aRich] = types as [Type, Type]
const SEEDS = 200
const CREATOR: Writer = 'creator'

/** Runs `check` on random histories; a failure names its seed. */
function forHistories(type: Type, check: (told: Told) => void): void {
  for (let seed = 1; seed <= SEEDS; seed++) {
    assert.doesNotThrow(() => check(randomHistory(type, seed)), `${type.name}, seed ${seed}`)
  }
}

const authoredOps = ({ type, steps }: Told): AuthoredOp[] =>
  steps.map(([op, writer]) => authored(type, op, writer))
const atStart = ({ type, start }: Told): Attribution => attributionOf(type, start, CREATOR)
const atEnd = (told: Told): Attribution =>
  attribute(atStart(told), composeAll(authorship, authoredOps(told))!)
const unrolled = (attribution: Attribution): Writer[] =>
  attribution.flatMap(([n, writer]) => new Array<Writer>(n).fill(writer))
const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

function agreesWithSteps(told: Told): void {
  const { type, start, steps, end } = told
  const runs = atEnd(told)
  let units = writersOf(type, start, CREATOR)
  for (const step of steps) units = stepWriters(type, units, step)
  assert.deepEqual(unrolled(runs), units)
  assert.equal(units.length, type.extent({ doc: end }).added)
  for (const [i, [n, writer]] of runs.entries()) assert(n > 0 && writer !== runs[i - 1]?.[1])
}

describe('attribution', () => {
  it('[V1] names who typed, also into the words of another, and forgets what was deleted', () => {
    const scene: readonly (readonly [TextOp, Writer, Attribution])[] = [
      [
        [5, ', world'],
        'bob',
        [
          [5, 'ann'],
          [7, 'bob'],
        ],
      ],
      [
        [7, 'wide '],
        'ann',
        [
          [5, 'ann'],
          [2, 'bob'],
          [5, 'ann'],
          [5, 'bob'],
        ],
      ],
      [
        ['J', { d: 2 }],
        'bob',
        [
          [1, 'bob'],
          [3, 'ann'],
          [2, 'bob'],
          [5, 'ann'],
          [5, 'bob'],
        ],
      ],
      [
        [4, { d: 5 }],
        'cid',
        [
          [1, 'bob'],
          [5, 'ann'],
          [5, 'bob'],
        ],
      ],
    ] // prettier-ignore
    let now = attributionOf(aText, 'hello', 'ann')
    for (const [op, writer, expected] of scene) {
      now = attribute(now, authored(aText, op, writer))
      assert.deepEqual(now, expected)
    }
  })
  for (const type of types) {
    it(`[V1] ${type.name}: a history composed as a tree names the writer of every unit`, () => {
      forHistories(type, agreesWithSteps)
    })
  }
  it('[V1] does so for recorded histories of one writer and of two', () => {
    const { start, end, splices } = readSequential('seph-blog1', { sample: true })
    agreesWithSteps({ type: aText, start, end, steps: splices.map(splice => [textOp(splice), 'seph']) })
    const friends = toldInOrder(readHistory(samplePath('friendsforever')))
    agreesWithSteps(friends)
    assert.equal(new Set(unrolled(atEnd(friends))).size, 2)
  })

  for (const type of types) {
    it(`[V2] ${type.name}: authored ops compose to the same components in whatever order they are composed`, () => {
      forHistories(type, told => {
        const [first, ...rest] = authoredOps(told) as [AuthoredOp, ...AuthoredOp[]]
        const tree = composeAll(authorship, [first, ...rest])
        const tiers = rest.reduce((grown, op) => append(authorship, grown, op), tiersOf(first))
        assert.deepEqual(rest.reduce(composeAuthored, first), tree)
        assert.deepEqual(
          [first, ...rest].reduceRight((later, op) => composeAuthored(op, later)),
          tree,
        )
        assert.deepEqual(join(authorship, tiers), tree)
      })
    })
    it(`[V2] ${type.name}: an attribution goes on from what was stored`, () => {
      forHistories(type, told => {
        const ops = authoredOps(told)
        const middle = ops.length >> 1
        let now = stored(attribute(atStart(told), composeAll(authorship, ops, 0, middle) ?? []))
        for (const op of ops.slice(middle)) now = stored(attribute(now, stored(op)))
        assert.deepEqual(now, atEnd(told))
      })
    })
  }
  it('[V2] an op that reaches beyond the document is refused', () => {
    const ops: AuthoredOp[] = [[2, [1, 'ann']], [-3], [1, -1]]
    for (const op of ops) assert.throws(() => attribute([[1, 'ann']], op))
  })

  it('[V3] counts code points in text and units in rich, a picture being one', () => {
    const picture = { insert: { image: '/x.png' } }
    assert.deepEqual(authored(aText, [1, 'a😀', { d: 'é😀' }], 'ann'), [1, [2, 'ann'], -2])
    assert.deepEqual(authored(aRich, { ops: [{ insert: 'a😀' }, picture, { delete: 2 }] }, 'ann'), [
      [4, 'ann'],
      -2,
    ])
    assert.deepEqual(attributionOf(aText, 'a😀', 3), [[2, 3]])
    assert.deepEqual(attributionOf(aRich, [{ insert: 'a😀' }, picture], 3), [[4, 3]])
  })
  it('[V3] makes nobody a writer who only formats', () => {
    const formats = {
      ops: [
        { retain: 2, attributes: { bold: true } },
        { retain: 3, attributes: { link: null } },
      ],
    }
    assert.deepEqual(authored(aRich, formats, 'bob'), [])
    assert.deepEqual(attribute([[9, 'ann']], authored(aRich, formats, 'bob')), [[9, 'ann']])
  })
  it('[V3] is empty for an empty document, and there is none for json', () => {
    for (const type of types) {
      assert(isAttributed(type))
      assert.deepEqual(attributionOf(type, type.create(), 'ann'), [])
    }
    assert(!isAttributed(json as Type))
    assert.throws(() => authored(json as Type, null, 'ann'))
    assert.throws(() => attributionOf(json as Type, {}, 'ann'))
  })
})
