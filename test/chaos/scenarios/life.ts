/** Browsers, tabs and workers that end, sleep, or are left. */

import type { Home, Person } from '../person.ts'
import type { World } from '../world.ts'
import { alone, disconnect, moreSaved, type Scenarios, tabs, two } from './scenario.ts'

/** While somebody types, the browser is killed and comes back, some times. */
async function kill(world: World, online: boolean): Promise<void> {
  let ann = await alone(world)
  const { profile } = ann.browser
  for (let life = 1; life <= 2; life++) {
    if (!online) disconnect(world)
    ann.typeOn(400, world.random.int(3))
    await moreSaved(world, 40)
    await ann.browser.kill()
    world.gone(ann)
    world.proxy.mode = 'pass'
    ann = await world.person(`ann${life}`, { browser: await world.browser(profile) })
  }
}

async function crash(world: World, home: Home): Promise<void> {
  const [first, second, third] = (await tabs(world, 3, home)) as [Person, Person, Person]
  if (world.random.chance(0.5)) disconnect(world)
  const devtools = await first.devtools()
  first.typeOn(400, 2)
  const typing = [second.type(30, 5), third.type(30, 5)]
  await moreSaved(world, 60)
  devtools.send('Page.crash').catch(() => {}) // it has no answer
  world.gone(first)
  await Promise.all(typing)
}

/** The tab that is frozen is the hub's, if that is in a tab. */
async function freeze(world: World, home: Home): Promise<void> {
  const [first, second] = (await tabs(world, 2, home)) as [Person, Person]
  if (world.random.chance(0.5)) disconnect(world)
  first.typeOn(60, 3)
  await moreSaved(world, 20)
  const devtools = await first.devtools()
  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
  await second.type(20, 5)
  await second.saved()
  await devtools.send('Page.setWebLifecycleState', { state: 'active' })
  await second.type(10, 5)
  await first.type(10, 5)
}

/**
 * Leaves the page while it has unsent edits, and goes back. Chromium has it as it was, whatever another tab did meanwhile;
 * Firefox keeps no page that holds a lock, and loads it anew.
 */
async function leave(world: World, home: Home): Promise<void> {
  const [first, second] = (await tabs(world, 1 + world.random.int(2), home)) as [Person, Person?]
  for (let times = 0; times < 2; times++) {
    if (world.random.chance(0.7)) disconnect(world)
    await first.type(5)
    await first.saved()
    const kept = await first.leaveAndComeBack(async () => {
      await second?.type(5, 5)
      await second?.saved()
    })
    if (!kept && world.browserName === 'chromium') throw new Error('J9: the page that was left is not kept')
    world.proxy.mode = 'pass'
    await first.type(5, world.random.int(5))
  }
}

/** A computer sleeps while its person types and another one goes on; its connection is gone when it wakes, or is said to be there. */
async function stop(world: World): Promise<void> {
  const [ann, bob] = await two(world)
  for (let times = 0; times < 2; times++) {
    const typing = ann.type(60, 5)
    await moreSaved(world, 20)
    process.kill(-ann.browser.pid, 'SIGSTOP')
    if (world.random.chance(0.5)) world.proxy.cut()
    await bob.type(20, 5)
    await bob.settled()
    process.kill(-ann.browser.pid, 'SIGCONT')
    await typing
  }
}

async function endWorkers(world: World): Promise<void> {
  const [first, second] = (await tabs(world, 2, 'worker')) as [Person, Person]
  if (world.random.chance(0.5)) disconnect(world)
  const typing = [first.type(120, 5), second.type(120, 5)]
  for (let times = 0; times < 2; times++) {
    await moreSaved(world, 15)
    await first.chromium.endWorkers()
  }
  await Promise.all(typing)
}

export const life = {
  'browser-killed': {
    what: 'SIGKILL while somebody types, connected',
    faults: ['browser killed'],
    run: world => kill(world, true),
  },
  'browser-killed-offline': {
    what: 'SIGKILL while somebody types offline',
    faults: ['browser killed'],
    run: world => kill(world, false),
  },
  'browser-stopped': { what: 'a computer sleeps and wakes', faults: ['browser stopped'], run: stop },
  'tab-crashed': {
    what: 'one of three tabs crashes',
    faults: ['tab crashed'],
    chromium: true,
    run: world => crash(world, 'worker'),
  },
  'hub-tab-crashed': {
    what: 'the tab with the hub crashes',
    faults: ['tab crashed'],
    chromium: true,
    run: world => crash(world, world.random.pick(['own worker', 'tab'])),
  },
  'tab-frozen': {
    what: 'a tab is frozen and thaws',
    faults: ['tab frozen'],
    chromium: true,
    run: world => freeze(world, 'worker'),
  },
  'hub-tab-frozen': {
    what: 'the tab with the hub is frozen and thaws',
    faults: ['tab frozen'],
    chromium: true,
    run: world => freeze(world, world.random.pick(['own worker', 'tab'])),
  },
  'page-left': {
    what: 'the page is left and returned to',
    faults: ['page left'],
    run: world => leave(world, 'worker'),
  },
  'hub-page-left': {
    what: 'the page with the hub is left and returned to',
    faults: ['page left'],
    run: world => leave(world, world.random.pick(['own worker', 'tab'])),
  },
  'worker-ended': {
    what: 'the SharedWorker is ended twice',
    faults: ['worker ended'],
    chromium: true,
    run: endWorkers,
  },
} as const satisfies Scenarios
