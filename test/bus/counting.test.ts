import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { RunningServer } from '../../server/server.ts'
import { clientNames, describeWithRedis, redisForSuite } from './redis.ts'
import { openSite, type Site, until } from './site.ts'

const LIMIT = 1000
const WHO = 'principal ann'

for (const client of clientNames) {
  describeWithRedis(`Rates of several servers, by ${client}`, function () {
    this.timeout(60_000)
    const redis = redisForSuite()
    let site: Site
    beforeEach(async () => {
      site = await openSite()
    })
    afterEach(() => site.close())

    const start = (more = {}) =>
      site.start({ REDIS: redis().url, REDIS_CLIENT: client, OPS_PER_SECOND: LIMIT, ...more })
    const isUp = ({ gateway }: RunningServer) => until(() => gateway.bus.state === 'up', 'the bus is up')
    const isOver = ({ gateway }: RunningServer) => gateway.limits.over(WHO) === 'OPS_PER_SECOND'

    /** Much on one, a little on the other, within a second or again. */
    async function spendOn(one: RunningServer, two: RunningServer, is: () => boolean): Promise<void> {
      await until(async () => {
        one.gateway.limits.spend(WHO, LIMIT + 1, 100.5)
        await until(() => isOver(one), 'it is too much by itself')
        two.gateway.limits.spend(WHO, 1, 1)
        for (let turn = 0; turn < 100 && !is(); turn++) await setImmediate()
        return is()
      }, 'the other counts it as well')
    }

    it('[F18] what one spends, nobody has left', async () => {
      const [one, two] = [await start(), await start()]
      await Promise.all([isUp(one), isUp(two)])
      await spendOn(one, two, () => isOver(two))
      assert.equal(two.gateway.limits.over('principal ben'), null)
      assert.deepEqual(site.reports, [])
    })

    it('[F18] without Redis, and again with it', async () => {
      const [one, two] = [await start(), await start()]
      await Promise.all([isUp(one), isUp(two)])
      await redis().kill()
      await until(() => one.gateway.bus.state === 'down' && two.gateway.bus.state === 'down', 'it is away')
      one.gateway.limits.spend(WHO, LIMIT + 1, 0)
      await until(() => isOver(one), 'it counts by itself')
      two.gateway.limits.spend(WHO, 1, 0)
      for (let turn = 0; turn < 100; turn++) await setImmediate()
      assert.equal(isOver(two), false)
      await redis().restart()
      await Promise.all([isUp(one), isUp(two)])
      await spendOn(one, two, () => isOver(two))
    })

    it('[F18] two databases on one Redis do not', async () => {
      const other = await openSite()
      const [here, there] = [await start(), await other.start({ REDIS: redis().url, OPS_PER_SECOND: LIMIT })]
      await Promise.all([isUp(here), isUp(there)])
      let tries = 0
      await spendOn(here, there, () => ++tries > 300)
      assert.equal(isOver(there), false)
      await other.close()
    })
  })
}
