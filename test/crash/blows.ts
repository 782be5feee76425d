/** What befalls a cluster while people type; each is over, and everything runs again, when it resolves. */

import type { ErrorCode } from '../../ops/errors.ts'
import type { Mode } from '../browser/harness/line.ts'
import type { Random } from '../random.ts'
import type { Cluster, Node } from './cluster.ts'

/** What a blow falls upon, and what it may wait for. */
export interface Stage {
  readonly cluster: Cluster
  readonly random: Random
  /** Resolves when so many more edits are saved on devices. */
  typed(count: number): Promise<void>
  /** Perhaps nobody types any more: then what was missed must be found with no further edit. */
  hush(): void
  /** Resolves when something that is written from now on is acknowledged, of every device. */
  served(): Promise<void>
}

export interface Blow {
  readonly what: string
  /** Errors that people may be told meanwhile; else none. */
  readonly tells?: readonly ErrorCode[]
  run(stage: Stage): Promise<void>
}

/** Edits while nobody may be served. */
const TYPED = 60

const storeAway = ['STORE_FAILED'] as const

export const blows = {
  server: {
    what: 'one server is killed; the others serve its devices',
    async run({ cluster, random, served }) {
      const { server } = random.pick(cluster.nodes)
      await server.kill()
      await served()
      await server.restart()
    },
  },
  servers: {
    what: 'all servers are killed',
    async run({ cluster, typed }) {
      await Promise.all(cluster.nodes.map(({ server }) => server.kill()))
      await typed(TYPED)
      await Promise.all(cluster.nodes.map(({ server }) => server.restart()))
    },
  },
  redis: {
    what: 'Redis is killed; edits are acknowledged meanwhile',
    async run({ cluster, served, hush }) {
      await cluster.redis.kill()
      await served()
      hush()
      await cluster.redis.restart()
    },
  },
  postgres: {
    what: 'Postgres is killed',
    tells: storeAway,
    async run({ cluster, typed }) {
      await cluster.postgres.kill()
      await typed(TYPED)
      await cluster.postgres.restart()
    },
  },
  backing: {
    what: 'Redis and Postgres are killed together',
    tells: storeAway,
    async run({ cluster: { redis, postgres }, typed, hush }) {
      await Promise.all([redis.kill(), postgres.kill()])
      await typed(TYPED)
      hush()
      await Promise.all([redis.restart(), postgres.restart()])
    },
  },
  everything: {
    what: 'all servers, Redis and Postgres are killed together',
    tells: storeAway,
    async run({ cluster: { nodes, redis, postgres }, random, typed }) {
      await Promise.all([redis, postgres, ...nodes.map(({ server }) => server)].map(each => each.kill()))
      await typed(TYPED)
      // A server that finds no Postgres ends, so that comes first.
      await postgres.restart()
      if (random.chance(0.5)) await redis.restart()
      await Promise.all(nodes.map(({ server }) => server.restart()))
      await redis.restart()
    },
  },
  'redis-hole': cutOff(['redis'], 'blackhole'),
  'redis-reset': cutOff(['redis'], 'refuse'),
  'postgres-hole': cutOff(['postgres'], 'blackhole'),
  'postgres-reset': cutOff(['postgres'], 'refuse'),
  island: cutOff(['redis', 'postgres'], 'blackhole'),
  rolling: {
    what: 'one server after the other is restarted in order',
    async run({ cluster, served }) {
      for (const { server } of cluster.nodes) {
        await server.kill('SIGTERM')
        await server.restart()
        await served()
      }
    },
  },
} satisfies Record<string, Blow>

export type BlowName = keyof typeof blows
export const blowNames = Object.keys(blows) as BlowName[]

/** One server is cut off for long enough that all its devices found another. */
function cutOff(from: readonly (keyof Node['lines'])[], mode: Mode): Blow {
  const how = mode === 'refuse' ? 'by resets' : 'without a word'
  return {
    what: `one server is cut off from ${from.join(' and ')} ${how}; edits are acknowledged meanwhile`,
    tells: from.includes('postgres') ? storeAway : [],
    async run({ cluster, random, served, typed, hush }) {
      const { lines } = random.pick(cluster.nodes)
      for (const name of from) lines[name].mode = mode
      await Promise.all([served(), typed(TYPED)])
      hush()
      for (const name of from) lines[name].mode = 'pass'
    },
  }
}
