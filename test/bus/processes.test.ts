/** Three servers as they run in life, on one Postgres and one Redis. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { end, isRunning, start } from '../browser/harness/processes.ts'
import { startRedis, type TestRedis } from '../harness/redis.ts'
import { closeAll, type Place } from '../server/scene.ts'
import { emptySchema } from '../store/engines.ts'
import { clientNames, describeWithRedis } from './redis.ts'
import { guest, until, upTo, watch, writer } from './site.ts'

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))

interface Run extends Place {
  readonly child: ChildProcess
}

describeWithRedis('Server processes', function () {
  this.timeout(120_000)
  const running: Run[] = []
  let redis: TestRedis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())
  afterEach(async () => {
    await closeAll()
    for (const { child } of running.splice(0)) await end(child)
  })

  async function run(environment: Record<string, string>): Promise<Run> {
    const env = {
      ...process.env,
      HOLDFAST_PORT: '0',
      HOLDFAST_WEB: here,
      HOLDFAST_REDIS: redis.url,
      ...environment,
    }
    const child = start(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'ignore'] })
    for await (const line of createInterface(child.stdout!)) {
      const url = /ready at (http\S+)/.exec(line)?.[1]
      if (url === undefined) continue
      running.push({ child, url })
      return running.at(-1)!
    }
    throw new Error('it did not start')
  }

  const stateOf = async ({ url }: Run) =>
    ((await (await fetch(`${url}/ready`)).json()) as { bus?: string }).bus

  for (const client of clientNames) {
    it(`[O7] [O9] [O19] three, by ${client}: Redis and one of them killed under load, nothing is lost or doubled, and they end in order`, async () => {
      const settings = {
        HOLDFAST_STORE: await emptySchema(),
        HOLDFAST_REDIS_CLIENT: client,
        HOLDFAST_BUS_CHECK_MS: '600000',
      }
      const servers = await Promise.all([run(settings), run(settings), run(settings)])
      for (const server of servers) await until(async () => (await stateOf(server)) === 'up', 'the bus is up')
      const watchers = await Promise.all(servers.map((server, i) => watch(server, `watcher${i}`)))
      const author = await writer(servers[0], 'author')
      await author.write()
      const others = await Promise.all(servers.map((server, i) => guest(server, `guest${i}`)))
      const load = async (count: number) => {
        await Promise.all(
          others.map(async each => {
            for (let i = 0; i < count; i++) await each.write()
          }),
        )
      }
      await load(10)
      await Promise.all(watchers.map(each => each.reached(30)))
      const going = load(20)
      await redis.kill()
      await going
      const last = await author.write()
      assert.equal(last, 91)
      await redis.restart()
      await Promise.all(watchers.map(each => each.reached(last)))
      await end(servers[2].child)
      await author.write()
      await Promise.all(watchers.slice(0, 2).map(each => each.reached(92)))
      for (const { versions } of watchers.slice(0, 2)) assert.deepEqual(versions, upTo(93))
      for (const { child } of servers.slice(0, 2)) {
        assert.ok(isRunning(child))
        const ended = new Promise(resolve => child.once('exit', resolve))
        child.kill('SIGTERM')
        assert.equal(await ended, 0)
      }
    })
  }
})
