/**
 * Our own compose, transform, apply and cursors give what the libraries give, component by component: a stock client
 * that runs the library converges with us only if they do.
 */

import assert from 'node:assert/strict'
import { type TextOp as LibraryOp, type as library } from 'ot-text-unicode'
import quillDelta from 'quill-delta'
import { canonical } from '../../types/delta.ts'
import { type RichOp, rich, type Side, type TextOp, type Type, text } from '../../types/index.ts'
import type { Run } from '../../types/runs.ts'
import { caseOf } from './laws.ts'

/** The package is CommonJS; its class is the `default` of what Node hands out. */
const { default: Delta } = quillDelta

const CASES = 1500
const sides: readonly Side[] = ['left', 'right']

describe('text and ot-text-unicode', () => {
  const cases = Array.from({ length: CASES }, (_, i) => caseOf(text as Type, 10_000 + i))
  const theirs = (op: unknown) => op as LibraryOp

  it('[T18] agree on apply', () => {
    for (const { doc, a } of cases) {
      assert.equal(text.apply(doc as string, a as TextOp), library.apply(doc as string, theirs(a)))
    }
  })
  it('[T18] agree on compose', () => {
    for (const { a, a2 } of cases) {
      assert.deepEqual(text.compose(a as TextOp, a2 as TextOp), library.compose(theirs(a), theirs(a2)))
    }
  })
  it('[T18] agree on transform', () => {
    for (const { a, b } of cases) {
      for (const side of sides) {
        assert.deepEqual(
          text.transform(a as TextOp, b as TextOp, side),
          library.transform(theirs(a), theirs(b), side),
        )
      }
    }
  })
  it('[T18] agree on a cursor that others move', () => {
    for (const { doc, a } of cases) {
      for (let at = 0; at <= [...(doc as string)].length; at++) {
        assert.equal(text.transformCursor(at, a as TextOp, false), library.transformPosition(at, theirs(a)))
      }
    }
  })
  it('[T18] agree on what an op is', () => {
    for (const { a, b, a2 } of cases) {
      for (const op of [
        library.compose(theirs(a), theirs(a2)),
        library.transform(theirs(a), theirs(b), 'left'),
      ]) {
        assert.equal(text.checkOp(op), null)
      }
      library.checkOp(theirs(text.compose(a as TextOp, a2 as TextOp)))
    }
  })
  it('[T19] compose thousands of components over a long insert in one pass', () => {
    const long = 'lorem ipsum '.repeat(2000)
    const many = Array.from({ length: 1000 }, () => [10, 'x', { d: 1 }]).flat()
    const time = (run: () => unknown) => {
      const start = performance.now()
      run()
      return performance.now() - start
    }
    const ours = Math.min(...[1, 2, 3].map(() => time(() => text.compose([long], many))))
    // The library counts the rest of the insert at every cut: about a thousand times as long.
    assert(ours * 5 < time(() => library.compose([long], many)))
  })
})

describe('rich and quill-delta', () => {
  const cases = Array.from({ length: CASES }, (_, i) => caseOf(rich as Type, 20_000 + i))
  const delta = (value: unknown) => new Delta(structuredClone((value as RichOp).ops) as never)
  const same = (ours: RichOp, theirs: InstanceType<typeof Delta>) =>
    assert.deepEqual(canonical(ours.ops), canonical(theirs.ops as readonly Run[]))
  const tidy = (op: unknown): RichOp => ({ ops: canonical((op as RichOp).ops) })

  it('[T20] agree on apply', () => {
    for (const { doc, a } of cases) same(rich.apply(doc as never, a as RichOp), delta(doc).compose(delta(a)))
  })
  it('[T20] agree on compose', () => {
    for (const { a, a2 } of cases) same(rich.compose(a as RichOp, a2 as RichOp), delta(a).compose(delta(a2)))
  })
  it('[T20] agree on transform, whose sides the library calls the other way round', () => {
    for (const { a, b } of cases) {
      for (const side of sides) {
        same(rich.transform(a as RichOp, b as RichOp, side), delta(b).transform(delta(a), side === 'left'))
      }
    }
  })
  it('[T20] agree on invert', () => {
    for (const { doc, a } of cases) same(rich.invert(a as RichOp, doc as never), delta(a).invert(delta(doc)))
  })
  it('[T20] agree on a cursor', () => {
    for (const { doc, a } of cases) {
      for (let at = 0; at <= rich.textOf({ doc: doc as never }).length; at++) {
        for (const own of [false, true]) {
          assert.equal(rich.transformCursor(at, a as RichOp, own), delta(a).transformPosition(at, !own))
        }
      }
    }
  })
  it('[T21] write canonical ops from canonical ones, so that they need not be tidied', () => {
    for (const drawn of cases) {
      const [a, b, a2] = [tidy(drawn.a), tidy(drawn.b), tidy(drawn.a2)]
      for (const op of [
        rich.compose(a, a2),
        rich.transform(a, b, 'left'),
        rich.invert(a, drawn.doc as never),
      ]) {
        assert.deepEqual(op, tidy(op))
      }
    }
  })
})
