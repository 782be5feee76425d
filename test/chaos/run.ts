/** One round of a scenario, from its seed. */

import type { Pages } from '../browser/harness/pages.ts'
import type { BrowserName } from '../browser/harness/provide.ts'
import type { BugName } from './bugs.ts'
import type { Sum } from './checker.ts'
import { type Scenario, type ScenarioName, scenarios } from './scenarios/index.ts'
import { World } from './world.ts'

export interface Round {
  readonly name: ScenarioName
  readonly browser?: BrowserName
  readonly seed: number
  readonly site: Pages
  readonly bug?: BugName | null
}

/** Throws what did not hold; its message begins with the invariant. */
export async function round({ name, browser = 'chromium', seed, site, bug = null }: Round): Promise<Sum> {
  const scenario: Scenario = scenarios[name]
  const world = await World.make({ browser, seed, site, bug, signed: scenario.signed })
  try {
    await scenario.run(world)
    return await world.verdict()
  } finally {
    await world.close()
  }
}
