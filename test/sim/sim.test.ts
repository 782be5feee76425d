import assert from 'node:assert/strict'
import { Random } from '../random.ts'
import { type BugName, bugs } from './bugs.ts'
import type { Outcome } from './checker.ts'
import { tooRare } from './floors.ts'
import { badPeople, badSeeds } from './pinned.ts'
import { type Plan, planOf } from './plan.ts'
import { simulate, typeOfSeed } from './world.ts'

/** Seeds of each group; `npm run sim -- --seeds 20000` runs many more. */
const EACH = 4

const outcomes = new Map<number, Outcome>()

describe('simulation', function () {
  this.timeout(120_000)

  it(`[L1] [L2] [L3] [L4] [L5] [L6] [L7] [M1] seeds of edits, bad networks, crashes and restarts come to rest`, async () => {
    await clean(seedsWith(() => true, 24))
  })

  it('[M4] so do devices of several tabs, which come, go, die, freeze and thaw with their hubs', async () => {
    await clean(seedsWith(({ freezes, devices }) => freezes && devices.some(({ tabs }) => tabs > 1), 6))
  })

  for (const damage of ['cut', 'spoil', 'evict', 'fill', 'clone'] as const) {
    it(`[M5] a device whose storage is damaged says so, loses what was in it alone and doubles nothing: ${damage}`, async () => {
      await clean(seedsWith(plan => plan.damage === damage, EACH))
    })
  }

  it('[M6] what devices have outlives a server that goes back to a backup, and they are told', async () => {
    await clean(seedsWith(plan => plan.restores, EACH))
  })

  for (const refusal of ['hold', 'retry', 'large'] as const) {
    it(`[M7] what the server refuses is held or tried again, and the rest goes on: ${refusal}`, async () => {
      await clean(seedsWith(plan => plan.refusal === refusal, EACH))
    })
  }

  it('[M160] so do worlds in which people decide about held edits, link documents and carry rescue files', async () => {
    const seeds = Array.from({ length: 3 * EACH }, (_, i) => i + 1)
    for (const seed of [...seeds, ...Object.keys(badPeople).map(Number)]) await replayable(seed, true)
  })

  it('[M8] enough happened in these runs', () => {
    const total: Record<string, number> = {}
    for (const { counts } of outcomes.values())
      for (const [name, value] of Object.entries(counts)) total[name] = (total[name] ?? 0) + value
    assert.deepEqual(tooRare(total, outcomes.size), [])
  })

  it('[M9] seeds that once were bad are good', async () => {
    await clean(Object.keys(badSeeds).map(Number))
  })

  it('[M2] the same seed gives the same run', async () => {
    assert.deepEqual(await replayable(7), await replayable(7))
  })

  for (const name of Object.keys(bugs) as BugName[]) {
    it(`[M3] the checker finds a planted bug: ${name}`, async () => {
      const { bug, seed } = bugs[name]
      await assert.rejects(simulate({ seed, type: typeOfSeed(seed), bug }), /^Error: I\d: /)
    })
  }
})

/** The first seeds whose worlds are so made. */
function seedsWith(wanted: (plan: Plan) => boolean, count: number): number[] {
  const seeds: number[] = []
  for (let seed = 1; seeds.length < count; seed++)
    if (wanted(planOf(new Random(seed).fork()))) seeds.push(seed)
  return seeds
}

async function clean(seeds: readonly number[]): Promise<void> {
  for (const seed of seeds) if (!outcomes.has(seed)) outcomes.set(seed, await replayable(seed))
}

async function replayable(seed: number, people = false): Promise<Outcome> {
  const type = typeOfSeed(seed)
  try {
    return await simulate({ seed, type, people })
  } catch (error) {
    const flag = people ? ' --people' : ''
    throw new Error(`replay with: npm run sim -- --seed ${seed} --type ${type}${flag}`, { cause: error })
  }
}
