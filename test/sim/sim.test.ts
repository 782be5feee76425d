import assert from 'node:assert/strict'
import { type BugName, bugs } from './bugs.ts'
import type { Outcome } from './checker.ts'
import { simulate, typeOfSeed } from './world.ts'

const SEEDS = 60

/** Seeds within which each planted bug must be found; `npm run sim -- --bug NAME` shows the first ones. */
const PATIENCE = 60

describe('simulation', () => {
  it(`[L1] [L2] [L3] [L4] [L5] [L6] [L7] [M1] [U3] [U7] ${SEEDS} seeds of edits, faults, crashes and restarts come to rest`, async function () {
    this.timeout(120_000)
    const outcomes: Outcome[] = []
    for (let seed = 1; seed <= SEEDS; seed++) outcomes.push(await replayable(seed))
    const sum = (of: (outcome: Outcome) => number) =>
      outcomes.reduce((total, outcome) => total + of(outcome), 0)
    // A run in which nothing happened would prove nothing.
    assert.ok(sum(o => o.tokens) > 20 * SEEDS, 'few edits')
    assert.ok(sum(o => o.traffic.lost) > SEEDS, 'few lost frames')
    assert.ok(sum(o => o.traffic.doubled) > SEEDS, 'few doubled frames')
    assert.ok(sum(o => o.counts.crashes) > SEEDS, 'few crashes')
    assert.ok(sum(o => o.counts.kills) > SEEDS, 'few killed servers')
    assert.ok(sum(o => o.counts.undos) > SEEDS, 'little was undone')
    assert.ok(sum(o => o.held) > 0, 'nothing was ever held')
  })

  it('[M2] the same seed gives the same run', async () => {
    assert.deepEqual(await replayable(7), await replayable(7))
  })

  for (const name of Object.keys(bugs) as BugName[]) {
    it(`[M3] the checker finds a planted bug: ${name}`, async function () {
      this.timeout(120_000)
      for (let seed = 1; seed <= PATIENCE; seed++) {
        const found = await simulate({ seed, type: typeOfSeed(seed), bug: bugs[name] }).then(
          () => null,
          error => error as Error,
        )
        if (found) {
          assert.match(found.message, /^I\d: /)
          return
        }
      }
      assert.fail(`${PATIENCE} seeds with the bug looked clean`)
    })
  }
})

async function replayable(seed: number): Promise<Outcome> {
  const type = typeOfSeed(seed)
  try {
    return await simulate({ seed, type })
  } catch (error) {
    throw new Error(`replay with: npm run sim -- --seed ${seed} --type ${type}`, { cause: error })
  }
}
