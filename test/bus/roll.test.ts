/** What servers say of themselves: what is waited for there, and that they live. */

import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { FarPresence } from '../../server/bus/far.ts'
import { localBus } from '../../server/bus/local.ts'
import type { BusChoice } from '../../server/bus/open.ts'
import { Roll } from '../../server/bus/roll.ts'
import type { RunningServer } from '../../server/server.ts'
import type { Settings } from '../../server/settings.ts'
import { type Line, openLine } from '../browser/harness/line.ts'
import { type ServerProcess, startServerProcess } from '../browser/harness/server.ts'
import { closeAll, greet, type Place } from '../server/scene.ts'
import { VirtualClock } from '../sim/clock.ts'
import { emptySchema } from '../store/engines.ts'
import { CHECK_MS, clientNames, describeWithRedis, redisForSuite } from './redis.ts'
import { type Site, until, useSite, writer } from './site.ts'

const RARE = 600_000

describe('The roll of servers', () => {
  /** Rolls that hear each other but for who is in `deaf`; what was told of whom. */
  function scene(names: readonly string[]) {
    const clock = new VirtualClock()
    const deaf = new Set<string>()
    const told: string[] = []
    const rolls = new Map<string, Roll>()
    for (const name of names)
      rolls.set(
        name,
        new Roll({
          clock: { now: () => clock.now, after: (ms, task) => clock.after(ms, task) },
          beatMs: 1000,
          say: what => {
            if (deaf.has(name)) return
            for (const [other, roll] of rolls) if (other !== name && !deaf.has(other)) roll.hear(name, what)
          },
          gone: other => told.push(`${name}: ${other} is gone`),
          returned: other => told.push(`${name}: ${other} is back`),
        }),
      )
    const rounds = async (count: number) => {
      for (const end = clock.now + count * 1000; clock.now < end; await setImmediate()) clock.step()
    }
    return { rolls, deaf, told, clock, rounds }
  }

  it('[O22] knows what is wanted elsewhere at once, and forgets it with a round', async () => {
    const { rolls, rounds } = scene(['a', 'b'])
    rolls.get('a')!.want('notes')
    await setImmediate()
    assert.equal(rolls.get('b')!.isWanted('notes'), true)
    assert.equal(rolls.get('a')!.isWanted('notes'), false, 'nobody is told what he wants himself')
    rolls.get('a')!.unwant('notes')
    await rounds(1)
    assert.equal(rolls.get('b')!.isWanted('notes'), false)
  })

  it('[O22] a server that comes late is told', async () => {
    const { rolls, deaf, rounds } = scene(['a', 'late'])
    deaf.add('late')
    rolls.get('a')!.want('notes')
    await rounds(1)
    deaf.delete('late')
    rolls.get('late')!.say()
    await setImmediate()
    assert.equal(rolls.get('late')!.isWanted('notes'), true)
  })

  it('[O23] who is silent is lost, and may be found again', async () => {
    const { rolls, deaf, told, rounds } = scene(['a', 'b'])
    rolls.get('b')!.want('notes')
    await rounds(2)
    deaf.add('b')
    await rounds(2)
    assert.deepEqual(told, [])
    await rounds(3)
    assert.deepEqual(told, ['a: b is gone', 'b: a is gone'])
    assert.equal(rolls.get('a')!.isWanted('notes'), false)
    deaf.delete('b')
    await rounds(1)
    assert.deepEqual(told.slice(2).sort(), ['a: b is back', 'b: a is back'])
    assert.equal(rolls.get('a')!.isWanted('notes'), true)
  })

  it('[O23] who slept takes nobody for dead', async () => {
    const { told, clock, rounds } = scene(['a', 'b'])
    await rounds(2)
    clock.now += 60_000
    await rounds(5)
    assert.deepEqual(told, [])
  })

  it('[O23] who leaves is gone at once, and not looked for', async () => {
    const { rolls, told, rounds } = scene(['a', 'b'])
    await rounds(1)
    rolls.get('b')!.close()
    rolls.get('b')!.want('notes')
    await rounds(9)
    assert.deepEqual(told, ['a: b is gone'])
  })
})

describe('Presence from other servers', () => {
  const cursor = (src: string, p: unknown) => ({ a: 'p', ch: 'notes.a', src, id: 'cursor', p, pv: 1 })

  it('[O23] ends with its server, each state once', () => {
    const far = new FarPresence()
    for (const src of ['ann', 'bob', 'eve']) far.hear('one', 'channel', cursor(src, { at: 1 }))
    far.hear('two', 'channel', cursor('cat', { at: 1 }))
    far.hear('one', 'channel', cursor('bob', null))
    far.hear('one', 'other', cursor('dan', { at: 1 }))
    far.drop('other')
    assert.deepEqual(far.end('one'), [
      ['channel', cursor('ann', null)],
      ['channel', cursor('eve', null)],
    ])
    assert.deepEqual(far.end('one'), [])
  })

  it('[O23] stays where its person has gone on at another server', () => {
    const far = new FarPresence()
    for (const src of ['ann', 'bob']) far.hear('one', 'channel', cursor(src, { at: 1 }))
    far.hear('two', 'channel', cursor('ann', { at: 2 }))
    far.hear(null, 'channel', cursor('bob', { at: 2 }))
    assert.deepEqual(far.end('one'), [])
    assert.deepEqual(far.end('two'), [['channel', cursor('ann', null)]])
  })
})

describe('Waiting for what other servers change', function () {
  this.timeout(60_000)
  let site: Site
  useSite(each => {
    site = each
  })

  const isUp = ({ gateway }: RunningServer) => until(() => gateway.bus.state === 'up', 'the bus is up')

  async function showThatItWakes(start: (more: Partial<Settings>) => Promise<RunningServer>): Promise<void> {
    const [one, two] = [await start({ BUS_CHECK_MS: RARE }), await start({ BUS_CHECK_MS: RARE })]
    await Promise.all([isUp(one), isUp(two)])
    const author = await writer(one, 'author')
    await author.write()
    const { after } = (await (await fetch(`${two.url}/v1/feed/notes`)).json()) as { after: number }
    let answered = false
    const answer = fetch(`${two.url}/v1/feed/notes?after=${after}&wait=60000`).then(response => {
      answered = true
      return response.json() as Promise<{ changes: { id: string }[] }>
    })
    await until(() => two.gateway.feed.waiters === 1, 'somebody waits')
    // The first of them may come before the writing server knows that anybody waits.
    await until(async () => {
      if (!answered) await author.write()
      return answered
    }, 'the one who waits is woken')
    assert.deepEqual(
      (await answer).changes.map(({ id }) => id),
      ['a'],
    )
    assert.deepEqual(site.reports, [])
  }

  it('[O22] they are woken over a bus in the process', async () => {
    const bus = localBus()
    await showThatItWakes(more => site.start(more, bus.join() as BusChoice))
  })

  for (const client of clientNames) {
    describeWithRedis(`on Redis by ${client}`, () => {
      const redis = redisForSuite()

      it('[O22] they are woken', async () => {
        await showThatItWakes(more => site.start({ REDIS: redis().url, REDIS_CLIENT: client, ...more }))
      })

      it('[O22] [O6] a collection has a channel while somebody waits', async () => {
        const admin = new Redis(redis().url)
        const channels = async () => (await admin.pubsub('CHANNELS', '*collection notes')) as string[]
        const server = await site.start({
          REDIS: redis().url,
          REDIS_CLIENT: client,
          BUS_CHECK_MS: CHECK_MS,
        })
        await isUp(server)
        assert.deepEqual(await channels(), [])
        const gone = new AbortController()
        const waiting = fetch(`${server.url}/v1/feed/notes?wait=60000`, { signal: gone.signal })
        await until(async () => (await channels()).length === 1, 'there is a channel')
        gone.abort()
        await assert.rejects(waiting)
        await until(async () => (await channels()).length === 0, 'there is none')
        admin.disconnect()
      })
    })
  }
})

describeWithRedis('People on other servers', function () {
  this.timeout(60_000)
  const redis = redisForSuite()
  const ch = 'notes.a'
  const processes: ServerProcess[] = []
  const lines: Line[] = []
  afterEach(async () => {
    await closeAll()
    await Promise.all(processes.splice(0).map(server => server.close()))
    await Promise.all(lines.splice(0).map(line => line.close()))
  })

  async function start(store: string, port = redis().port): Promise<ServerProcess & Place> {
    const env = {
      HOLDFAST_WEB: import.meta.dirname,
      HOLDFAST_STORE: store,
      HOLDFAST_REDIS: `redis://127.0.0.1:${port}`,
      HOLDFAST_BUS_CHECK_MS: String(CHECK_MS),
    }
    const server = await startServerProcess({ env })
    processes.push(server)
    const url = server.origin
    const state = async () => ((await (await fetch(`${url}/ready`)).json()) as { bus: string }).bus
    await until(async () => (await state()) === 'up', 'the bus is up')
    return Object.assign(server, { url })
  }

  /** Somebody on `one`, whose client tells whoever asks where she is; answers whether she is seen on `two`. */
  async function seen(one: Place, two: Place): Promise<() => boolean> {
    const [ann, bob] = [await greet(one, 'ann'), await greet(two, 'bob')]
    let pv = 0
    const tell = () => ann.send({ a: 'p', ch, id: 'cursor', p: { at: 1 }, pv: ++pv })
    ann.socket.on('message', data => JSON.parse(String(data)).a === 'pr' && tell())
    for (const each of [ann, bob]) await each.ask({ a: 'ps', ch, seq: 1 }, { a: 'ps', ch })
    tell()
    const isSeen = () => (bob.frames.findLast(({ a, src }) => a === 'p' && src === 'ann')?.p ?? null) !== null
    await until(isSeen, 'she is seen')
    return isSeen
  }

  it('[O23] vanish when their server is killed', async () => {
    const store = await emptySchema()
    const [one, two] = [await start(store), await start(store)]
    const isSeen = await seen(one, two)
    await one.kill()
    await until(() => !isSeen(), 'she is seen no more')
  })

  it('[O23] vanish when their server is cut off from Redis, and come back with it', async () => {
    const store = await emptySchema()
    const line = await openLine(redis())
    lines.push(line)
    const [one, two] = [await start(store, line.port), await start(store)]
    const isSeen = await seen(one, two)
    line.mode = 'blackhole'
    await until(() => !isSeen(), 'she is seen no more')
    line.mode = 'pass'
    await until(isSeen, 'she is seen again')
  })
})
