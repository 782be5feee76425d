/** The faults, each a scenario of its own: what is done to whom. What must hold in the end is the same for all (checker.ts). */

import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Frame } from '../browser/harness/proxy.ts'
import { damage } from './disk.ts'
import type { Home, Person } from './person.ts'
import type { Seat, World } from './world.ts'

export interface Scenario {
  /** One line, for the list. */
  readonly what: string
  readonly signed?: boolean
  run(world: World): Promise<void>
}

const DAY_MS = 86_400_000
const HOMES: readonly Home[] = ['worker', 'tab']

// ---- beginnings ----

/** One browser with one page, whose first edits are on the server. */
async function alone(world: World, home: Home = 'worker'): Promise<Person> {
  const ann = await world.person('ann', { browser: await world.browser(), home })
  await ann.type(3)
  await ann.settled()
  return ann
}

/** `count` pages of one browser; the hub's home is in the first if it is in a tab. */
async function tabs(world: World, count: number, home: Home): Promise<Person[]> {
  const ann = await alone(world, home)
  const people = [ann]
  for (let i = 1; i < count; i++) people.push(await world.person(`tab${i}`, { browser: ann.browser, home }))
  return people
}

/** Two browsers with a page each, and the document. */
async function two(world: World, seats: readonly Partial<Seat>[] = []): Promise<[Person, Person]> {
  const [one, other] = await Promise.all([world.browser(), world.browser()])
  const ann = await world.person('ann', { browser: one, ...seats[0] })
  await ann.type(2)
  await ann.settled()
  const bob = await world.person('bob', { browser: other, ...seats[1] })
  await bob.sees(2)
  return [ann, bob]
}

/** The network goes, in one way or another. */
function disconnect({ proxy, random }: World): void {
  proxy.mode = random.pick(['refuse', 'blackhole'])
  if (random.chance(0.5)) proxy.cut()
}

/** Some more was shown as saved than now, or all that is written; how much more is chance. */
function moreSaved({ ledger, random }: World, most: number): Promise<void> {
  const wanted = Math.min(ledger.count('saved') + 1 + random.int(most), ledger.entries.length)
  return ledger.until(() => ledger.count('saved') >= wanted, `${wanted} tokens are saved`)
}

function moreAcked({ ledger, random }: World, most: number): Promise<void> {
  const wanted = ledger.count('acked') + 1 + random.int(most)
  return ledger.until(() => ledger.count('acked') >= wanted, `${wanted} tokens are acked`)
}

// ---- browsers, tabs and workers that end ----

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
 * Leaves the page while it has unsent edits, and goes back. Chromium keeps a page only as long as nobody says anything on its
 * BroadcastChannels: alone it comes back as it was if the hub is in it, with another tab at work it is loaded anew.
 */
async function leave(world: World, home: Home): Promise<void> {
  const [first, second] = (await tabs(world, 1 + world.random.int(2), home)) as [Person, Person?]
  for (let times = 0; times < 2; times++) {
    if (world.random.chance(0.7)) disconnect(world)
    await first.type(5)
    await first.saved()
    await first.leaveAndComeBack(async () => second?.type(5, 5))
    world.proxy.mode = 'pass'
    await first.type(5, world.random.int(5))
  }
}

async function endWorkers(world: World): Promise<void> {
  const [first, second] = (await tabs(world, 2, 'worker')) as [Person, Person]
  if (world.random.chance(0.5)) disconnect(world)
  const typing = [first.type(120, 5), second.type(120, 5)]
  for (let times = 0; times < 2; times++) {
    await moreSaved(world, 15)
    await first.browser.endWorkers()
  }
  await Promise.all(typing)
}

// ---- tabs and devices ----

async function typeOffline(world: World, count: number): Promise<void> {
  const people = await tabs(world, count, world.random.pick(HOMES))
  const byBrowser = world.random.chance(0.5)
  const { browser } = people[0]!
  if (byBrowser) {
    await browser.setOffline(true)
    world.proxy.cut() // the switch lets open sockets be
  } else disconnect(world)
  await people[0]!.offline()
  await Promise.all(people.map(person => person.type(15, world.random.int(5))))
  await Promise.all(people.map(person => person.saved()))
  if (!byBrowser) await people[1]!.open()
  await people[1]!.type(5)
  if (byBrowser) await browser.setOffline(false)
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
  await cp(ann.browser.profile, copy, { recursive: true, filter: path => !path.includes('Singleton') })
  const original = await world.person('original', { browser: await world.browser(ann.browser.profile) })
  const clone = await world.person('clone', { browser: await world.browser(copy) })
  await Promise.all([original.type(10, 2), clone.type(10, 2)])
  await Promise.all([original.saved(), clone.saved()])
  world.proxy.mode = 'pass'
  await Promise.all([original.type(5, 2), clone.type(5, 2)])
}

// ---- the database ----

/** With the browser down, its database loses its end, or a piece in the middle is overwritten. */
async function damageDisk(world: World, how: 'cut' | 'corrupt'): Promise<void> {
  const ann = await alone(world)
  const { profile } = ann.browser
  await ann.type(30, 1)
  await ann.settled()
  world.proxy.mode = 'refuse'
  await ann.type(30, 1)
  await ann.saved()
  await ann.browser.quit()
  world.gone(ann)
  world.ledger.ruin(profile)
  await damage(profile, how, world.random)
  const again = await world.person('again', { browser: await world.browser(profile) })
  await again.type(5)
  world.proxy.mode = 'pass'
  await again.type(5)
}

/** The browser throws the database away under the open page, with unsent edits in it. */
async function evict(world: World): Promise<void> {
  const ann = await alone(world)
  disconnect(world)
  await ann.type(10)
  await ann.saved()
  world.ledger.ruin(ann.device)
  const devtools = await ann.devtools()
  await devtools.send('Storage.clearDataForOrigin', {
    origin: new URL(ann.page.url()).origin,
    storageTypes: 'indexeddb',
  })
  await ann.type(10)
  await world.toldOf(ann, 'LOG_FAILED')
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

// ---- frames and lines ----

/** Two people type while frames meet with a fate. */
async function withFrames(
  world: World,
  fate: (frame: Frame) => 'pass' | 'drop' | readonly string[],
): Promise<void> {
  const [ann, bob] = await two(world)
  const end = world.proxy.intercept(frame => (isSmallTalk(frame) ? 'pass' : fate(frame)))
  await Promise.all([ann.type(40, 10), bob.type(40, 10)])
  end()
}

/** Greetings and heartbeats. */
const isSmallTalk = ({ json }: Frame) => json === null || json.a === 'hs' || json.a === 'pp'

const isAck = ({ from, json }: Frame) =>
  from === 'server' && json?.a === 'op' && !('op' in json) && !('create' in json) && !('error' in json)

async function loseAcks(world: World): Promise<void> {
  const { random, proxy } = world
  const [ann, bob] = await two(world)
  for (let times = 0; times < 3; times++) {
    const lost = proxy.swallow(isAck)
    const typing = [ann.type(10, 5), bob.type(10, 5)]
    await lost
    if (random.chance(0.7)) proxy.cut()
    await Promise.all(typing)
  }
}

const doubleFrames = (world: World) =>
  withFrames(world, ({ text }) => (world.random.chance(0.4) ? [text, text] : 'pass'))

/** A frame of the server waits until the next one has passed it. */
function reorderFrames(world: World): Promise<void> {
  let waiting: string | null = null
  return withFrames(world, ({ from, json, text }) => {
    if (from !== 'server' || json?.a !== 'op') return 'pass'
    if (waiting !== null) {
      const former = waiting
      waiting = null
      return [text, former]
    }
    if (!world.random.chance(0.2)) return 'pass'
    waiting = text
    return 'drop'
  })
}

async function cutLine(world: World): Promise<void> {
  const [ann, bob] = await two(world)
  const typing = [ann.type(80, 8), bob.type(80, 8)]
  for (let times = 0; times < 6; times++) {
    await moreAcked(world, 8)
    world.proxy.cut()
  }
  await Promise.all(typing)
}

/** Now and then nothing passes, and nobody is told. */
async function swallowLine(world: World): Promise<void> {
  const [ann, bob] = await two(world)
  for (let times = 0; times < 3; times++) {
    world.proxy.mode = 'blackhole'
    await Promise.all([ann.type(15, 5), bob.type(15, 5)])
    await Promise.all([ann.saved(), bob.saved()])
    if (world.random.chance(0.5)) await ann.offline()
    world.proxy.mode = 'pass'
    await moreAcked(world, 5)
  }
}

async function slowLine(world: World): Promise<void> {
  const { random, proxy } = world
  const [ann, bob] = await two(world)
  proxy.delayMs = 100 + random.int(300)
  proxy.bytesPerSecond = 8_000
  const typing = [ann.type(60, 20), bob.type(60, 20)]
  for (let times = 0; times < 4; times++) {
    // A lost packet holds up all behind it until it is sent again.
    await moreAcked(world, 10)
    proxy.delayMs = random.chance(0.5) ? 1500 : 100 + random.int(300)
  }
  await Promise.all(typing)
}

// ---- the server, the clock, the document, the rights ----

async function killServer(world: World): Promise<void> {
  const [ann, bob] = await two(world)
  for (let times = 0; times < 3; times++) {
    const typing = [ann.type(50, 10), bob.type(50, 10)]
    await moreAcked(world, 15)
    await world.server.kill()
    await Promise.all(typing)
    await Promise.all([ann.saved(), bob.saved()])
    await world.server.restart()
  }
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

/** What is written offline to a document that is gone meanwhile is held; nothing comes back to life. */
async function deleteMeanwhile(world: World): Promise<void> {
  const [ann, bob] = await two(world, [{}, { direct: true }])
  disconnect(world)
  await ann.type(10)
  await ann.saved()
  await bob.delete()
  await bob.settled()
  if (world.random.chance(0.5)) {
    await bob.type(3)
    await bob.settled()
  }
  world.proxy.mode = 'pass'
  await ann.holding()
}

async function createTwice(world: World): Promise<void> {
  const [one, other] = await Promise.all([world.browser(), world.browser()])
  disconnect(world)
  const ann = await world.person('ann', { browser: one })
  const bob = await world.person('bob', { browser: other })
  await Promise.all([ann.type(10, 2), bob.type(10, 2)])
  await Promise.all([ann.saved(), bob.saved()])
}

/** Held while it is not allowed, and sent when it is again and the person says so. */
async function revoke(world: World): Promise<void> {
  const ann = await alone(world)
  world.proxy.mode = 'refuse'
  await ann.offline()
  await ann.type(10)
  await ann.saved()
  world.may = 'read'
  world.proxy.mode = 'pass'
  await ann.holding()
  if (world.random.chance(0.5)) return
  world.may = 'write'
  world.proxy.cut()
  await ann.offline()
  await ann.retry()
  await ann.settled()
}

/** Tokens run out while somebody types, and while nobody is connected. */
async function expire(world: World): Promise<void> {
  world.tokenMs = 2000
  const ann = await alone(world)
  await ann.type(60, 50)
  world.proxy.mode = world.random.pick(['refuse', 'blackhole'])
  await ann.type(60, 50)
  await ann.saved()
  world.proxy.mode = 'pass'
  await ann.type(10, 50)
}

export const scenarios = {
  'browser-killed': { what: 'SIGKILL while somebody types, connected', run: world => kill(world, true) },
  'browser-killed-offline': {
    what: 'SIGKILL while somebody types offline',
    run: world => kill(world, false),
  },
  'tab-crashed': { what: 'one of three tabs crashes', run: world => crash(world, 'worker') },
  'hub-tab-crashed': { what: 'the tab with the hub crashes', run: world => crash(world, 'tab') },
  'tab-frozen': { what: 'a tab is frozen and thaws', run: world => freeze(world, 'worker') },
  'hub-tab-frozen': { what: 'the tab with the hub is frozen and thaws', run: world => freeze(world, 'tab') },
  'page-left': { what: 'the page is left and returned to', run: world => leave(world, 'worker') },
  'hub-page-left': {
    what: 'the page with the hub is left and returned to',
    run: world => leave(world, 'tab'),
  },
  'worker-ended': { what: 'the SharedWorker is ended twice', run: endWorkers },
  'two-tabs-offline': { what: 'two tabs type offline', run: world => typeOffline(world, 2) },
  'five-tabs-offline': { what: 'five tabs type offline', run: world => typeOffline(world, 5) },
  'profile-cloned': { what: 'a profile is copied, both go on', run: cloneProfile },
  'database-cut': { what: 'the database loses its end', run: world => damageDisk(world, 'cut') },
  'database-corrupted': { what: 'its middle is overwritten', run: world => damageDisk(world, 'corrupt') },
  'database-evicted': { what: 'the database is cleared under the page', run: evict },
  'over-quota': { what: 'the disk is full', run: overfill },
  'acks-lost': { what: 'acks are lost', run: loseAcks },
  'frames-doubled': { what: 'frames come twice', run: doubleFrames },
  'frames-reordered': { what: 'frames of the server overtake each other', run: reorderFrames },
  'line-cut': { what: 'connections are reset', run: cutLine },
  'black-hole': { what: 'the line swallows everything', run: swallowLine },
  'line-slow': { what: 'latency, a narrow line, stalls', run: slowLine },
  'server-killed': { what: 'SIGKILL of the server', run: killServer },
  'clocks-skewed': { what: 'clocks are days apart', run: skewClocks },
  'document-deleted': { what: 'somebody deletes it meanwhile', run: deleteMeanwhile },
  'created-twice': { what: 'two people create it offline', run: createTwice },
  'permission-revoked': { what: 'the right to write goes meanwhile', signed: true, run: revoke },
  'token-expired': { what: 'tokens run out', signed: true, run: expire },
} as const satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof scenarios
