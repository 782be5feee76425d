/** Frames and lines. */

import type { Frame } from '../../browser/harness/proxy.ts'
import type { World } from '../world.ts'
import { moreAcked, type Scenarios, two } from './scenario.ts'

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

export const line = {
  'acks-lost': { what: 'acks are lost', faults: ['ack lost'], run: loseAcks },
  'frames-doubled': { what: 'frames come twice', faults: ['frames disturbed'], run: doubleFrames },
  'frames-reordered': {
    what: 'frames of the server overtake each other',
    faults: ['frames disturbed'],
    run: reorderFrames,
  },
  'line-cut': { what: 'connections are reset', faults: ['line cut'], run: cutLine },
  'black-hole': { what: 'the line swallows everything', faults: ['line silent'], run: swallowLine },
  'line-slow': { what: 'latency, a narrow line, stalls', faults: ['line slow'], run: slowLine },
} as const satisfies Scenarios
