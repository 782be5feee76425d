/** Several servers in one process, on one Postgres. */

import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { Bus } from '../../server/bus/bus.ts'
import { docChannel } from '../../server/bus/channels.ts'
import { localBus } from '../../server/bus/local.ts'
import type { RunningServer } from '../../server/server.ts'
import { closeAll } from '../server/scene.ts'
import { clientNames, describeWithRedis, redisForSuite } from './redis.ts'
import { guest, openSite, type Site, until, upTo, useSite, watch, writer } from './site.ts'

describe('Servers on one Postgres', function () {
  this.timeout(60_000)
  let site: Site
  useSite(each => {
    site = each
  })

  /** Clients on all see what is written on each. */
  async function showThatAllSeeAll(servers: readonly RunningServer[]): Promise<void> {
    const watchers = await Promise.all(servers.map((server, i) => watch(server, `watcher${i}`)))
    const first = await writer(servers[0]!, 'first')
    await first.write()
    const others = await Promise.all(servers.map((server, i) => guest(server, `writer${i}`)))
    await Promise.all(
      others.map(async each => {
        for (let i = 0; i < 10; i++) await each.write()
      }),
    )
    const count = 1 + 10 * servers.length
    await Promise.all(watchers.map(each => each.reached(count - 1)))
    for (const { versions } of watchers) assert.deepEqual(versions, upTo(count))
  }

  it('[O13] without a Redis see each other’s edits within a check', async () => {
    await showThatAllSeeAll([await site.start(), await site.start()])
    assert.deepEqual(site.reports, [])
  })

  it('[O7] joined by a bus in the process, tell each other at once', async () => {
    const bus = localBus()
    const rare = { BUS_CHECK_MS: 600_000 }
    await showThatAllSeeAll([await site.start(rare, bus.join()), await site.start(rare, bus.join())])
    assert.deepEqual(site.reports, [])
  })

  for (const every of [1, 2, 3]) {
    it(`[O5] edits of which every ${every}. is not told are found within a check`, async () => {
      const bus = localBus()
      const servers = [
        await site.start({}, lossy(bus.join(), every)),
        await site.start({}, lossy(bus.join(), every)),
      ]
      await showThatAllSeeAll(servers)
      const [one, two] = servers as [RunningServer, RunningServer]
      const last = await watch(two, 'last', 'b')
      const author = await writer(one, 'author', 'b')
      for (let i = 0; i < 6; i++) await author.write()
      await last.reached(5)
      // Of so many in a row one is not told; if it is the last one, only a check finds it.
      let written = 6
      while (written < 6 + every && two.gateway.bus.counts.rechecks === 0) {
        await author.write()
        await last.reached(written++)
      }
      assert.deepEqual(last.versions, upTo(written))
      assert.ok(two.gateway.bus.counts.gapsHealed > 0)
      assert.ok(two.gateway.bus.counts.rechecks > 0)
    })
  }

  it('[O18] documents whose names ShareDB would put into one channel are kept apart', async () => {
    const bus = localBus()
    const rare = { BUS_CHECK_MS: 600_000 }
    const [one, two] = [await site.start(rare, bus.join()), await site.start(rare, bus.join())]
    const [a, b] = [await watch(two, 'a', 'b.c', 'a'), await watch(two, 'b', 'c', 'a.b')]
    const author = await writer(one, 'one', 'b.c', 'a')
    for (let i = 0; i < 3; i++) await author.write()
    const other = await writer(one, 'two', 'c', 'a.b')
    await other.write()
    await Promise.all([a.reached(2), b.reached(0)])
    assert.deepEqual([a.versions, b.versions], [upTo(3), upTo(1)])
    assert.equal(two.gateway.bus.counts.gapsHealed, 0)
  })

  for (const client of clientNames) {
    describeWithRedis(`on Redis by ${client}`, () => {
      const redis = redisForSuite()
      const settings = () => ({ REDIS: redis().url, REDIS_CLIENT: client, BUS_CHECK_MS: 600_000 })
      const startUp = async () => {
        const server = await site.start(settings())
        await until(() => server.gateway.bus.state === 'up', 'the bus is up')
        return server
      }

      it('[O7] three tell each other of edits, long ones too', async () => {
        const servers = [await startUp(), await startUp(), await startUp()]
        await showThatAllSeeAll(servers)
        const reader = await watch(servers[2]!, 'reader', 'long')
        const author = await writer(servers[1]!, 'author', 'long')
        await author.write()
        await author.write('l'.repeat(100_000))
        await reader.reached(1)
        const { op } = reader.client.frames.find(({ a, v }) => a === 'op' && v === 1)!
        assert.equal(op[0].length, 100_000)
        assert.deepEqual(site.reports, [])
      })

      it('[O7] presence crosses, and goes with its client', async () => {
        const [one, two] = [await startUp(), await startUp()]
        const ch = 'notes.a'
        const [ann, bob] = [await watch(one, 'ann'), await watch(two, 'bob')]
        for (const { client: each } of [ann, bob]) await each.ask({ a: 'ps', ch, seq: 1 }, { a: 'ps', ch })
        ann.client.send({ a: 'p', ch, id: 'cursor', p: { at: 1 }, pv: 1 })
        assert.deepEqual((await bob.client.next({ a: 'p', src: 'ann', pv: 1 })).p, { at: 1 })
        const eve = await watch(two, 'eve')
        await eve.client.ask({ a: 'ps', ch, seq: 1 }, { a: 'ps', ch })
        await ann.client.next({ a: 'pr', ch })
        ann.client.close()
        assert.equal((await bob.client.next({ a: 'p', src: 'ann', p: null })).p, null)
      })

      it('[O6] [O19] there are channels for what is followed, and none when a server has closed', async () => {
        const admin = new Redis(redis().url)
        const channels = async () =>
          ((await admin.pubsub('CHANNELS', 'holdfast:*')) as string[]).filter(
            each => !/:beat:|:servers$/.test(each),
          )
        const server = await startUp()
        const [a, also] = [await watch(server, 'a'), await watch(server, 'also')]
        const author = await writer(server, 'author')
        await author.write()
        const [name, ...others] = await channels()
        assert.ok(name!.endsWith(docChannel('notes', 'a')))
        assert.deepEqual(others, [])
        a.client.close()
        await also.client.ask({ a: 'u', c: 'notes', d: 'a' }, { a: 'u' })
        await until(async () => (await channels()).length === 0, 'no channel is left')
        assert.equal(server.gateway.bus.documents, 0)
        await watch(server, 'again')
        assert.equal((await channels()).length, 1)
        await site.close()
        await until(
          async () => ((await admin.client('LIST')) as string).trim().split('\n').length === 1,
          'no connection is left',
        )
        admin.disconnect()
      })

      it('[O8] two databases on one Redis do not hear each other', async () => {
        const other = await openSite()
        const [here, there] = [await startUp(), await other.start(settings())]
        await until(() => there.gateway.bus.state === 'up', 'the bus is up')
        const deaf = await watch(there, 'deaf')
        const author = await writer(here, 'author')
        for (let i = 0; i < 3; i++) await author.write()
        // Whatever was said has passed when a text after it comes back.
        await (await writer(there, 'own')).write()
        await deaf.reached(0)
        assert.deepEqual(deaf.versions, [0])
        assert.equal(there.gateway.bus.counts.heard, 0)
        await closeAll()
        await other.close()
      })

      it('[O17] nonsense in Redis ends nothing and reaches nobody', async () => {
        const server = await startUp()
        const reader = await watch(server, 'reader')
        const author = await writer(server, 'author')
        for (let i = 0; i < 3; i++) await author.write()
        await reader.reached(2)
        const admin = new Redis(redis().url)
        const channels = (await admin.pubsub('CHANNELS', 'holdfast:*')) as string[]
        const junk = [
          '',
          ' ',
          'x',
          'x {',
          'x null',
          'x 1',
          'x {"v":-1}',
          'x {"v":"1","op":["z"]}',
          'x {"v":1,"op":["z"]}',
          'x []',
          'x {"wants":[1]}',
          'x {"wants":{"length":1e9}}',
          'x {"gone":true}',
          'x {"p":{},"ch":[],"src":"x","id":"x"}',
        ]
        for (const channel of channels)
          for (const text of [...junk, 'x {"v":1e9}']) await admin.publish(channel, text)
        admin.disconnect()
        assert.equal(await author.write(), 3)
        await reader.reached(3)
        assert.deepEqual(reader.versions, upTo(4))
        assert.deepEqual(site.reports, [])
      })

      it('[O14] an app’s own client stays its own', async () => {
        const own = client === 'ioredis' ? new Redis(redis().url) : createClient({ url: redis().url })
        own.on('error', () => {})
        if ('isOpen' in own) await own.connect()
        const rare = { BUS_CHECK_MS: 600_000 }
        const servers = [await site.start(rare, own as Redis), await site.start(rare, own as Redis)]
        for (const { gateway } of servers) await until(() => gateway.bus.state === 'up', 'the bus is up')
        await showThatAllSeeAll(servers)
        await closeAll()
        await site.close()
        assert.equal(await (own as Redis).ping(), 'PONG')
        if (own instanceof Redis) own.disconnect()
        else own.destroy()
      })
    })
  }
})

/** A bus that drops every nth text. */
function lossy(bus: Bus, every: number): Bus {
  let count = 0
  return {
    up: true,
    lagMs: null,
    open: events => bus.open(events),
    publish: async (channel, text) => {
      if (++count % every !== 0) await bus.publish(channel, text)
    },
    follow: channel => bus.follow(channel),
    unfollow: channel => bus.unfollow(channel),
    close: () => bus.close(),
  }
}
