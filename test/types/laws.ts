/**
 * The laws of `types/type.ts`, each as a check of one random case. A case is drawn from its seed alone, so the seed that
 * a failure names is all that it takes to see it again.
 */

import assert from 'node:assert/strict'
import { type JsonOp, type JsonValue, json, type Side, type Type } from '../../types/index.ts'
import { Random } from '../random.ts'
import { randomDoc, randomOp } from './generators.ts'
import { places } from './randomjson.ts'

/** A document, two concurrent ops `a` and `b`, `a2` and `b2` on what they leave, and another document. */
export interface Case {
  readonly doc: unknown
  readonly a: unknown
  readonly b: unknown
  readonly a2: unknown
  readonly b2: unknown
  readonly other: unknown
}

export function caseOf(type: Type, seed: number): Case {
  const rng = new Random(seed)
  const doc = freeze(randomDoc(type, rng))
  const [a, b] = [freeze(randomOp(type, doc, rng)), freeze(randomOp(type, doc, rng))]
  const a2 = freeze(randomOp(type, freeze(type.apply(doc, a)), rng))
  const b2 = freeze(randomOp(type, freeze(type.apply(doc, b)), rng))
  return { doc, a, b, a2, b2, other: freeze(randomDoc(type, rng)) }
}

/** By the id of the rule in test/SPEC.md. */
export const laws: Readonly<Record<string, (type: Type, c: Case) => void>> = {
  T1: (type, { doc, a, b }) => converges(type, doc, a, b),
  T2: (type, { doc, a, b, a2, b2 }) => {
    const long = freeze(type.compose(a, a2))
    equal(type, type.apply(doc, long), type.apply(type.apply(doc, a), a2))
    converges(type, doc, long, freeze(type.compose(b, b2)))
  },
  T3: (type, { doc, a }) => {
    const back = freeze(type.invert(a, doc))
    const after = type.apply(doc, a)
    accepted(type, back, after)
    equal(type, type.apply(after, back), doc)
  },
  T4: (type, { doc, a, other }) => {
    for (const target of [other, freeze(type.apply(doc, a)), doc]) {
      const op = freeze(type.diff(doc, target))
      accepted(type, op, doc)
      equal(type, type.apply(doc, op), target)
    }
    assert(type.isNoop(type.diff(doc, doc)))
  },
  T5: (type, { doc, a, b }) => {
    const nothing = freeze(type.diff(doc, doc))
    equal(type, type.apply(doc, nothing), doc)
    assert(type.equalOps(type.compose(a, nothing), type.compose(nothing, a)))
    for (const side of ['left', 'right'] as Side[]) assert(type.isNoop(type.transform(nothing, b, side)))
    if (type.isNoop(a)) equal(type, type.apply(doc, a), doc)
  },
  T6: (type, { doc, a, b, a2 }) => {
    assert.equal(type.checkData(doc), null)
    accepted(type, a, doc)
    accepted(type, type.compose(a, a2), doc)
    accepted(type, type.transform(b, a, 'left'), type.apply(doc, a))
    accepted(type, type.transform(b, a, 'right'), type.apply(doc, a))
    assert.equal(type.checkData(type.apply(doc, a)), null)
  },
  T7: (type, { doc, a, other }) => {
    const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T
    equal(type, copy(doc), doc)
    assert(type.equalOps(copy(a), a))
    equal(type, type.apply(copy(doc), copy(a)), type.apply(doc, a))
    assert.equal(type.equalDocs(doc, other), type.isNoop(type.diff(doc, other)))
  },
  T8: (type, drawn) => (type.name === 'json' ? pathsStay(drawn) : indexesStay(type, drawn)),
  T31: (type, { doc, a }) => {
    const { added, removed } = type.extent({ op: a })
    assert.deepEqual(type.extent({ op: type.invert(a, doc) }), { added: removed, removed: added })
    assert.deepEqual(type.extent({ op: type.diff(doc, doc) }), { added: 0, removed: 0 })
    if (type.name === 'json') return
    const after = type.apply(doc, a)
    assert.equal(added - removed, endOf(type, after) - endOf(type, doc))
    assert.deepEqual(type.extent({ doc }), { added: endOf(type, doc), removed: 0 })
  },
}

function indexesStay(type: Type, { doc, a }: Case): void {
  const after = endOf(type, type.apply(doc, a))
  let last = 0
  for (let at = 0; at <= endOf(type, doc); at++) {
    const [moved, pushed] = [false, true].map(own => type.transformCursor(at, a, own) as number) as [
      number,
      number,
    ]
    assert(
      last <= moved && moved <= pushed && pushed <= after,
      `cursor ${at} goes to ${moved}, own ${pushed}`,
    )
    last = moved
  }
}

/** The last place of a cursor, in the type's unit. */
const endOf = (type: Type, doc: unknown): number =>
  type.name === 'text' ? [...(doc as string)].length : type.textOf({ doc }).length

function pathsStay({ doc, a }: Case): void {
  const after = new Set(places(json.apply(doc as JsonValue, a as JsonOp)).map(path => JSON.stringify(path)))
  for (const path of places(doc as JsonValue)) {
    const moved = json.transformCursor(path, a as JsonOp, false)
    assert(
      moved === null || after.has(JSON.stringify(moved)),
      `${JSON.stringify(path)} goes to ${JSON.stringify(moved)}`,
    )
  }
}

/** TP1: both orders end in the same document. */
function converges(type: Type, doc: unknown, a: unknown, b: unknown): void {
  const [a2, b2] = [freeze(type.transform(a, b, 'left')), freeze(type.transform(b, a, 'right'))]
  equal(type, type.apply(type.apply(doc, a), b2), type.apply(type.apply(doc, b), a2))
}

function equal(type: Type, actual: unknown, expected: unknown): void {
  assert(type.equalDocs(actual, expected), `${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`)
}

const accepted = (type: Type, op: unknown, doc: unknown): void =>
  assert.equal(type.check(freeze(op), doc), null, `refused: ${JSON.stringify(op)}`)

/** So that an op that changes its input throws. */
export function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const item of Object.values(value)) freeze(item)
  }
  return value
}
