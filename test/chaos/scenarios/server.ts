/** The server, the document and the rights. */

import type { World } from '../world.ts'
import { alone, disconnect, moreAcked, type Scenarios, two } from './scenario.ts'

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

/** The server forgets what it acknowledged; the person keeps what the device has, and all of it is on the server again. */
async function restoreServer(world: World): Promise<void> {
  const ann = await alone(world)
  const restore = await world.backUp()
  await ann.type(10, 5)
  await ann.settled()
  if (world.random.chance(0.5)) {
    disconnect(world)
    await ann.type(5)
    await ann.saved()
  }
  await restore()
  world.proxy.mode = 'pass'
  await ann.behind()
  await ann.type(5)
  await ann.saved()
  if (world.random.chance(0.5)) await ann.open()
  await ann.behind()
  await ann.restore()
}

/** What a device was based on is history that is kept no more. */
async function trimHistory(world: World): Promise<void> {
  const [ann, bob] = await two(world, [{}, { direct: true }])
  disconnect(world)
  await ann.type(10, 2)
  await ann.saved()
  for (let spell = 0; spell < 40; spell++) {
    await bob.type(2)
    await bob.settled()
  }
  await world.trim()
  world.proxy.mode = 'pass'
  await ann.type(5)
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
  await world.tokenAsked()
  world.proxy.mode = 'pass'
  await ann.holding()
  if (world.random.chance(0.5)) return
  world.may = 'write'
  world.proxy.mode = 'refuse'
  await world.tokenAsked()
  world.proxy.mode = 'pass'
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

export const server = {
  'server-killed': { what: 'SIGKILL of the server', faults: ['server killed'], run: killServer },
  'server-restored': {
    what: 'the server goes back to a backup',
    faults: ['server restored'],
    run: restoreServer,
  },
  'history-trimmed': { what: 'old history is trimmed', faults: ['history trimmed'], run: trimHistory },
  'document-deleted': {
    what: 'somebody deletes it meanwhile',
    faults: ['document deleted'],
    run: deleteMeanwhile,
  },
  'created-twice': {
    what: 'two people create it offline',
    faults: ['document created'],
    run: createTwice,
  },
  'permission-revoked': {
    what: 'the right to write goes meanwhile',
    faults: ['right revoked'],
    signed: true,
    run: revoke,
  },
  'token-expired': { what: 'tokens run out', faults: ['token expired'], signed: true, run: expire },
} as const satisfies Scenarios
