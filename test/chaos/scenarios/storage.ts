/** What becomes of the database. */

import type { Harm } from '../disk.ts'
import { damage } from '../disk.ts'
import type { Person } from '../person.ts'
import type { World } from '../world.ts'
import { alone, disconnect, type Scenarios } from './scenario.ts'

/**
 * With the browser down, its database is harmed; what the canary had on the disk is told. Sometimes nobody reads that, and it is
 * harmed again.
 */
async function harm(world: World, how: Harm): Promise<void> {
  let ann = await alone(world)
  await ann.type(30, 1)
  await ann.settled()
  const times = 1 + world.random.int(2)
  for (let time = 0; time < times; time++) {
    ann = await reopened(world, ann) // Chromium writes to localStorage soon after its start, then once a minute
    world.proxy.mode = 'refuse'
    world.proxy.cut()
    await ann.offline()
    await ann.type(10 + world.random.int(20), 1)
    await ann.saved()
    await ann.noted()
    ann = await reopened(world, ann, async profile => {
      world.ledger.ruin(profile)
      await damage(profile, how, world.random)
    })
    await ann.type(5)
    world.proxy.mode = 'pass'
    await ann.type(5)
    await ann.settled()
  }
}

/** The browser is ended and started again. */
async function reopened(
  world: World,
  { name, browser, device }: Person,
  between?: (profile: string) => Promise<void>,
): Promise<Person> {
  await browser.quit()
  world.gone(...world.people)
  await between?.(device)
  return world.person(`${name}+`, { browser: await world.browser(device) })
}

/** The browser throws the database away under the open page, with unsent edits in it: they are in memory, while the page is there. */
async function evict(world: World): Promise<void> {
  const ann = await alone(world)
  disconnect(world)
  await ann.type(10)
  await ann.saved()
  const left = world.random.chance(0.5)
  if (left) await ann.noted()
  await ann.clear(left || world.random.chance(0.5) ? 'indexeddb' : 'all')
  await ann.type(10)
  await world.toldOf(ann, 'LOG_FAILED')
  if (!left) return
  if (world.random.chance(0.5)) {
    world.proxy.mode = 'pass'
    await ann.settled()
  } else world.ledger.ruin(ann.device)
  await ann.open()
  await ann.type(5)
}

/** The disk is full; it is said, and what was saved before is there. */
async function overfill(world: World): Promise<void> {
  const browser = await world.browser()
  const ann = await world.person('ann', { browser, quotaBytes: 500_000 })
  await ann.type(3)
  await ann.settled()
  disconnect(world)
  await ann.type(10)
  await ann.saved()
  await ann.paste(700_000)
  await ann.type(10)
  await world.toldOf(ann, 'LOG_FAILED')
}

export const storage = {
  'database-cut': {
    what: 'the database loses its end',
    faults: ['database cut'],
    run: world => harm(world, 'cut'),
  },
  'database-corrupted': {
    what: 'its middle is overwritten',
    faults: ['database corrupted'],
    run: world => harm(world, 'corrupt'),
  },
  'database-removed': {
    what: 'it is gone when the browser starts',
    faults: ['database removed'],
    run: world => harm(world, 'remove'),
  },
  'database-evicted': {
    what: 'the database is cleared under the page',
    faults: ['database removed'],
    chromium: true,
    run: evict,
  },
  'over-quota': { what: 'the disk is full', faults: ['disk full'], chromium: true, run: overfill },
} as const satisfies Scenarios
