/** Redis dies, comes back, falls silent, or was never there. */

import assert from 'node:assert/strict'
import type { RunningServer } from '../../server/server.ts'
import { type Line, openLine } from '../browser/harness/line.ts'
import { startRedis, type TestRedis } from '../harness/redis.ts'
import { closeAll } from '../server/scene.ts'
import { CHECK_MS, clientNames, describeWithRedis } from './redis.ts'
import { guest, openSite, type Site, until, upTo, watch, writer } from './site.ts'

/** No check finds anything by itself. */
const RARE = 600_000

for (const client of clientNames) {
  describeWithRedis(`A Redis in trouble, by ${client}`, function () {
    this.timeout(60_000)
    let site: Site
    let redis: TestRedis
    const lines: Line[] = []
    const lineToRedis = async () => {
      const line = await openLine(redis)
      lines.push(line)
      return line
    }
    beforeEach(async () => {
      site = await openSite()
      redis = await startRedis()
    })
    afterEach(async () => {
      await closeAll()
      await site.close()
      await Promise.all(lines.splice(0).map(line => line.close()))
      await redis.stop()
    })

    const start = (checkMs: number, { port }: { port: number } = redis) =>
      site.start({ REDIS: `redis://127.0.0.1:${port}`, REDIS_CLIENT: client, BUS_CHECK_MS: checkMs })
    const isUp = ({ gateway }: RunningServer) => until(() => gateway.bus.state === 'up', 'the bus is up')
    const isDown = ({ gateway }: RunningServer) =>
      until(() => gateway.bus.state === 'down', 'the bus is down')
    const ready = async ({ url }: RunningServer) => {
      const response = await fetch(`${url}/ready`)
      return [response.status, await response.json()]
    }

    it('[O9] [O12] killed under load and started again: edits go on, and all have all of them without a further one', async () => {
      const servers = [await start(RARE), await start(RARE), await start(RARE)]
      await Promise.all(servers.map(isUp))
      assert.deepEqual(await ready(servers[0]!), [200, { status: 'ready', bus: 'up' }])
      const watchers = await Promise.all(servers.map((server, i) => watch(server, `watcher${i}`)))
      const author = await writer(servers[0]!, 'author')
      await author.write()
      const guests = await Promise.all(servers.map((server, i) => guest(server, `guest${i}`)))
      await watchers[0]!.reached(await guests[1]!.write())
      for (let round = 0; round < 2; round++) {
        let running = true
        const load = guests.map(async each => {
          while (running) await each.write()
        })
        await watchers[1]!.reached(watchers[1]!.versions.length + 10)
        await redis.kill()
        await Promise.all(servers.map(isDown))
        assert.deepEqual(await ready(servers[1]!), [200, { status: 'degraded', bus: 'down' }])
        for (let i = 0; i < 5; i++) await author.write()
        running = false
        await Promise.all(load)
        const late = await watch(servers[2]!, `late${round}`)
        const last = await author.write()
        await watchers[0]!.reached(last)
        assert.ok((watchers[1]!.versions.at(-1) ?? 0) < last, 'nobody told the others')
        await redis.restart()
        await Promise.all([...watchers, late].map(each => each.reached(last)))
        for (const { versions } of watchers) assert.deepEqual(versions, upTo(last + 1))
        await Promise.all(servers.map(isUp))
      }
      const { counts, lagMs } = servers[0]!.gateway.bus
      assert.ok(counts.published > 0 && counts.publishErrors > 0 && counts.heard > 0 && counts.rechecks > 0)
      assert.ok(lagMs !== null && lagMs >= 0)
      assert.ok(servers[1]!.gateway.bus.counts.opsFetched > 0)
    })

    it('[O10] away at the start: the server works, and joins the others when Redis is there', async () => {
      await redis.kill()
      const servers = [await start(CHECK_MS), await start(CHECK_MS)]
      const [one, two] = servers as [RunningServer, RunningServer]
      const [near, far] = [await watch(one, 'near'), await watch(two, 'far')]
      const author = await writer(one, 'author')
      await author.write()
      await Promise.all([near.reached(0), far.reached(0)])
      assert.equal(one.gateway.bus.state, 'down')
      await redis.restart()
      await Promise.all(servers.map(isUp))
      const { heard } = two.gateway.bus.counts
      await author.write()
      await far.reached(1)
      await until(() => two.gateway.bus.counts.heard > heard, 'it was told')
      assert.deepEqual(far.versions, upTo(2))
    })

    it('[O9] connections cut again and again deliver nothing twice', async () => {
      const line = await lineToRedis()
      const [one, two] = [await start(RARE), await start(RARE, line)]
      await Promise.all([isUp(one), isUp(two)])
      const [near, far] = [await watch(one, 'near'), await watch(two, 'far')]
      const authors = [await writer(one, 'author')]
      await authors[0]!.write()
      authors.push(await guest(two, 'guest'))
      let last = 0
      for (let i = 0; i < 20; i++) {
        ;[, last] = (await Promise.all(authors.map(each => each.write()))).toSorted((a, b) => a - b) as [
          number,
          number,
        ]
        line.cut()
      }
      await Promise.all([near.reached(last), far.reached(last)])
      for (const { versions } of [near, far]) assert.deepEqual(versions, upTo(last + 1))
      await isUp(two)
      last = await authors[0]!.write()
      await far.reached(last)
      assert.deepEqual(far.versions, upTo(last + 1))
    })

    for (const mode of ['blackhole', 'refuse'] as const) {
      it(`[O11] one server's line to Redis in mode ${mode}: it keeps up by its checks, then joins again`, async () => {
        const line = await lineToRedis()
        const [one, two] = [await start(CHECK_MS), await start(CHECK_MS, line)]
        await Promise.all([isUp(one), isUp(two)])
        const far = await watch(two, 'far')
        const author = await writer(one, 'author')
        await author.write()
        await far.reached(0)
        line.mode = mode
        await isDown(two)
        for (let i = 0; i < 3; i++) await author.write()
        const other = await guest(two, 'guest')
        await other.write()
        const fresh = await watch(two, 'fresh', 'b')
        await (await writer(one, 'b author', 'b')).write()
        await Promise.all([far.reached(4), fresh.reached(0)])
        line.mode = 'pass'
        await isUp(two)
        assert.equal(await author.write(), 5)
        await far.reached(5)
        assert.deepEqual(far.versions, upTo(6))
      })
    }
  })
}
