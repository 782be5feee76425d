/** A real Cluster and a real Sentinel, both small. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { RateLimiterRes } from 'rate-limiter-flexible'
import type { Bus } from '../../server/bus/bus.ts'
import { countOn } from '../../server/bus/counting.ts'
import { startRedis, type TestRedis } from '../harness/redis.ts'
import { busTo, clientNames, describeWithRedis } from './redis.ts'
import { until } from './site.ts'

const SLOTS = 16_384
const NAMES = Array.from({ length: 30 }, (_, i) => `doc ["notes","${i}"]`)

interface Listener {
  readonly bus: Bus
  readonly heard: Set<string>
  restored: number
}

describeWithRedis('A Redis of several nodes', function () {
  this.timeout(90_000)
  const nodes: TestRedis[] = []
  const buses: Bus[] = []
  afterEach(async () => {
    await Promise.all(buses.splice(0).map(bus => bus.close()))
    await Promise.all(nodes.splice(0).map(node => node.stop()))
  })

  async function node(...more: Parameters<typeof startRedis>): Promise<TestRedis> {
    const redis = await startRedis(...more)
    nodes.push(redis)
    return redis
  }

  async function listen(url: string, client: (typeof clientNames)[number]): Promise<Listener> {
    const bus = await busTo(url, client)
    buses.push(bus)
    const listener: Listener = { bus, heard: new Set(), restored: 0 }
    bus.open({
      heard: (channel, text) => listener.heard.add(`${channel} ${text}`),
      restored: () => listener.restored++,
    })
    await until(() => bus.up, 'the bus is up')
    return listener
  }

  /** What `one` says on each channel is heard by `two`, which follows them. */
  async function showThatItCarries(one: Listener, two: Listener, text: string): Promise<void> {
    await Promise.all(NAMES.map(name => two.bus.follow(name)))
    await Promise.all(NAMES.map(name => one.bus.publish(name, text)))
    await until(() => NAMES.every(name => two.heard.has(`${name} ${text}`)), `${text} is heard`)
  }

  async function showThatTheyCount(one: Listener, two: Listener): Promise<void> {
    const [here, there] = [one, two].map(({ bus }) =>
      countOn(bus, 'test')!({ keyPrefix: 'rate', points: 10, duration: 60 }),
    )
    await here!.consume('ann', 10)
    await assert.rejects(there!.consume('ann', 1), RateLimiterRes)
  }

  async function ask(redis: TestRedis, work: (client: Redis) => Promise<unknown>): Promise<unknown> {
    const client = new Redis(redis.port, { maxRetriesPerRequest: 1 })
    client.on('error', () => {})
    try {
      return await work(client)
    } finally {
      client.disconnect()
    }
  }

  async function cluster(): Promise<TestRedis[]> {
    const three = await Promise.all([0, 1, 2].map(() => node(['--cluster-enabled', 'yes'])))
    for (const [i, each] of three.entries()) {
      const [from, to] = [i, i + 1].map(n => Math.floor((n * SLOTS) / 3)) as [number, number]
      await ask(each, client => client.call('CLUSTER', 'ADDSLOTSRANGE', from, to - 1))
      await ask(each, client => client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1))
    }
    for (const each of three.slice(1))
      await ask(three[0]!, client => client.call('CLUSTER', 'MEET', '127.0.0.1', each.port))
    for (const each of three)
      await until(async () => (await ask(each, isWhole)) === true, 'the cluster is whole')
    return three
  }

  for (const client of clientNames) {
    it(`[O16] [F18] a Cluster, by ${client}: each channel is sharded, and rates are counted`, async () => {
      const three = await cluster()
      const url = `redis+cluster://${three.map(({ port }) => `127.0.0.1:${port}`).join()}`
      const [one, two] = [await listen(url, client), await listen(url, client)]
      await showThatItCarries(one, two, 'first')
      const counts = await Promise.all(
        three.map(each =>
          ask(
            each,
            async admin => ((await admin.call('PUBSUB', 'SHARDCHANNELS', 'doc*')) as string[]).length,
          ),
        ),
      )
      assert.equal(
        counts.reduce<number>((sum, count) => sum + Number(count), 0),
        NAMES.length,
      )
      assert.ok(counts.every(count => Number(count) > 0))
      two.bus.unfollow(NAMES[0]!)
      await two.bus.follow(NAMES[0]!)
      await showThatItCarries(one, two, 'second')
      await showThatTheyCount(one, two)
    })

    it(`[O16] [F18] Sentinel, by ${client}: the bus follows the master, and rates are counted`, async () => {
      const master = await node()
      const replica = await node(['--replicaof', '127.0.0.1', String(master.port)])
      await until(
        async () => String(await ask(replica, admin => admin.info('replication'))).includes('link_status:up'),
        'it replicates',
      )
      const sentinel = await node([], dir => {
        const file = join(dir, 'sentinel.conf')
        const about = [
          'down-after-milliseconds main 500',
          'failover-timeout main 3000',
          'parallel-syncs main 1',
        ]
        const lines = [`monitor main 127.0.0.1 ${master.port} 1`, ...about].map(line => `sentinel ${line}\n`)
        writeFileSync(file, lines.join(''))
        return file
      })
      const url = `redis+sentinel://127.0.0.1:${sentinel.port}/main`
      const [one, two] = [await listen(url, client), await listen(url, client)]
      await showThatItCarries(one, two, 'first')
      await until(
        async () =>
          Number(String(await ask(sentinel, admin => admin.info('sentinel'))).match(/slaves=(\d)/)?.[1]) ===
          1,
        'the replica is known',
      )
      await master.kill()
      await until(
        async () => String(await ask(replica, admin => admin.info('replication'))).includes('role:master'),
        'the replica took over',
        40_000,
      )
      await until(
        () => [one, two].every(({ bus, restored }) => bus.up && restored > 1),
        'the buses are restored',
        40_000,
      )
      await showThatItCarries(one, two, 'second')
      await showThatTheyCount(one, two)
    })
  }
})

const isWhole = async (client: Redis) => {
  const info = String(await client.call('CLUSTER', 'INFO'))
  return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
}
