/** Building rungs, on a ladder in memory whose ops say their own version. */

import assert from 'node:assert/strict'
import { composeAll } from '../../ops/compose.ts'
import type { RungRow } from '../../server/store/engine.ts'
import { type GrowingLadder, raise } from '../../server/store/rungs.ts'
import { type TextOp, text } from '../../types/index.ts'
import type { Type } from '../../types/type.ts'

const opAt = (v: number): TextOp => [`${v};`]

function ladder(): GrowingLadder {
  const built = new Map<number, RungRow[]>()
  const rungs = (size: number, from: number, to: number) =>
    (built.get(size) ?? []).filter(({ v }) => v >= from && v < to)
  return {
    rungs: async (size, from, to) => rungs(size, from, to),
    changes: async (from, to) => Array.from({ length: to - from }, (_, i) => ({ op: opAt(from + i) })),
    add: async (size, rows) => void built.set(size, [...(built.get(size) ?? []), ...rows]),
    typeAt: async () => text.uri,
  }
}

describe('rungs', () => {
  it('[S22] each has its own ops, however many are built at once', async () => {
    const sizes = [3, 12]
    for (let count = 1; count <= 70; count++) {
      const growing = ladder()
      const end = 12 * count
      for (const level of sizes.keys()) await raise(growing, sizes, level, 0, end)
      for (const size of sizes) {
        const rungs = await growing.rungs(size, 0, end)
        assert.equal(rungs.length, end / size)
        for (const { v, op } of rungs) {
          const own = Array.from({ length: size }, (_, i) => opAt(v + i))
          assert.deepEqual(JSON.parse(op), composeAll(text as Type, own), `${size} from ${v} of ${end}`)
        }
      }
    }
  })
})
