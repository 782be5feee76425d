/** Tabs, copies of a device, and pages that are not what others are. */

import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Home } from '../person.ts'
import type { World } from '../world.ts'
import { alone, disconnect, type Scenarios, tabs, two } from './scenario.ts'

const DAY_MS = 86_400_000
const HOMES: readonly Home[] = ['worker', 'own worker', 'tab']
/** By which a browser knows that its profile is in use. */
const LOCKS = /Singleton|parentlock|lock$/

async function typeOffline(world: World, count: number): Promise<void> {
  const people = await tabs(world, count, world.random.pick(HOMES))
  const byBrowser = world.random.chance(0.5) && world.browserName === 'chromium'
  if (byBrowser) {
    await people[0]!.chromium.setOffline(true)
    world.proxy.cut() // the switch lets open sockets be
  } else disconnect(world)
  await people[0]!.offline()
  await Promise.all(people.map(person => person.type(15, world.random.int(5))))
  await Promise.all(people.map(person => person.saved()))
  if (!byBrowser) await people[1]!.open()
  await people[1]!.type(5)
  if (byBrowser) await people[0]!.chromium.setOffline(false)
}

/** A profile with unsent edits is copied, and both go on. */
async function cloneProfile(world: World): Promise<void> {
  const ann = await alone(world)
  world.proxy.mode = 'refuse'
  await ann.type(20)
  await ann.saved()
  await ann.browser.quit()
  world.gone(ann)
  const copy = await mkdtemp(join(tmpdir(), 'holdfast-clone-'))
  world.after(() => rm(copy, { recursive: true, force: true }))
  await cp(ann.browser.profile, copy, { recursive: true, filter: path => !LOCKS.test(path) })
  const original = await world.person('original', { browser: await world.browser(ann.browser.profile) })
  const clone = await world.person('clone', { browser: await world.browser(copy) })
  await Promise.all([original.type(10, 2), clone.type(10, 2)])
  await Promise.all([original.saved(), clone.saved()])
  world.proxy.mode = 'pass'
  await Promise.all([original.type(5, 2), clone.type(5, 2)])
}

/** Nothing of it outlives the window, but it does what any page does while that is there, reloads included. */
async function hide(world: World): Promise<void> {
  const ann = await world.person('ann', { browser: await world.browser(), hidden: true })
  await ann.type(5)
  await ann.settled()
  disconnect(world)
  await ann.type(10, 2)
  await ann.saved()
  await ann.open()
  await ann.type(5)
  await ann.saved()
}

/** The page is loaded anew in a version that lifts the unsent edits of the old one, or cannot. */
async function upgradeSchema(world: World): Promise<void> {
  const ann = await alone(world)
  disconnect(world)
  await ann.type(10)
  await ann.saved()
  const upcasts = world.random.pick(['lift', 'refuse'] as const)
  await ann.open({ schema: { version: 2 + world.random.int(2), upcasts } })
  world.proxy.mode = 'pass'
  if (upcasts === 'refuse') await ann.holding()
  await ann.type(5)
}

/** A page of a newer version wants the database in another shape: nothing is saved there any more, and it is told. */
async function takeDatabase(world: World): Promise<void> {
  const ann = await alone(world, world.random.pick(HOMES))
  disconnect(world)
  await ann.type(10)
  await ann.saved()
  await ann.takeDatabase()
  await world.toldOf(ann, 'LOG_FAILED')
  await ann.type(10)
}

async function skewClocks(world: World): Promise<void> {
  const [ann, bob] = await two(world, [{ skewMs: -3 * DAY_MS }, { skewMs: 5 * DAY_MS }])
  await Promise.all([ann.type(15, 5), bob.type(15, 5)])
  disconnect(world)
  await Promise.all([ann.type(15, 5), bob.type(15, 5)])
  await Promise.all([ann.saved(), bob.saved()])
  world.proxy.mode = 'pass'
  await Promise.all([ann.type(5, 5), bob.type(5, 5)])
}

/** The clocks of two people are set, this way and that, while they type. */
async function jumpClocks(world: World): Promise<void> {
  const people = await two(world, [{ home: world.random.pick(HOMES) }])
  for (let times = 0; times < 3; times++) {
    const typing = people.map(person => person.type(20, 5))
    for (const person of people) await person.jump((world.random.int(7) - 3) * DAY_MS)
    if (times === 1) disconnect(world)
    await Promise.all(typing)
    await Promise.all(people.map(person => person.saved()))
    world.proxy.mode = 'pass'
  }
}

export const devices = {
  'two-tabs-offline': {
    what: 'two tabs type offline',
    faults: ['several tabs'],
    run: world => typeOffline(world, 2),
  },
  'five-tabs-offline': {
    what: 'five tabs type offline',
    faults: ['several tabs'],
    run: world => typeOffline(world, 5),
  },
  'profile-cloned': {
    what: 'a profile is copied, both go on',
    faults: ['profile cloned'],
    run: cloneProfile,
  },
  'private-window': {
    what: 'a private window, offline and loaded anew',
    faults: ['private window'],
    chromium: true,
    run: hide,
  },
  'schema-upgraded': {
    what: 'the page is another version after a reload',
    faults: ['page outdated'],
    run: upgradeSchema,
  },
  'database-taken': {
    what: 'a newer page changes the database',
    faults: ['page outdated'],
    run: takeDatabase,
  },
  'clocks-skewed': { what: 'clocks are days apart', faults: ['clock wrong'], run: skewClocks },
  'clocks-jumped': { what: 'clocks are set by days', faults: ['clock wrong'], run: jumpClocks },
} as const satisfies Scenarios
