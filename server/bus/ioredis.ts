/** ioredis as a wire: one server, Sentinel, or a Cluster, with sharded pub/sub where the servers have it (Redis 7). */

import type { Cluster, Redis, RedisOptions } from 'ioredis'
import type { RedisAddress } from './address.ts'
import { type Dial, pauseMs, together, type Wire, type WireEvents } from './wire.ts'

export type IoredisClient = Redis | Cluster

/** Dials as `client` was told to; the client itself is left alone. */
export const dialIoredis =
  (client: IoredisClient): Dial =>
  events =>
    isCluster(client) ? clusterWire(client, events) : plainWire(client, events)

const isCluster = (client: IoredisClient): client is Cluster => client.isCluster

/** A client that never connects: there to be duplicated. */
export async function ioredisAt(address: RedisAddress): Promise<IoredisClient> {
  const { Cluster, Redis } = await import('ioredis')
  const { nodes, tls, username, password } = address
  const login: RedisOptions = { username, password, ...(tls && { tls: {} }) }
  if (address.kind === 'cluster') return new Cluster([...nodes], { lazyConnect: true, redisOptions: login })
  const place: RedisOptions =
    address.kind === 'single'
      ? nodes[0]
      : { sentinels: [...nodes], name: address.name, enableTLSForSentinelMode: tls }
  return new Redis({ ...login, ...place, db: address.db, lazyConnect: true })
}

/** A text that waits while Redis is away is no use to anybody. */
const impatient: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  retryStrategy: pauseMs,
  sentinelRetryStrategy: pauseMs,
}

function plainWire(client: Redis, events: WireEvents): Wire {
  const side = together(2, events)
  const clients = [0, 1].map(index => {
    const { up, down } = side(index)
    const one = client.duplicate(impatient)
    one.on('ready', up).on('close', down).on('error', events.error)
    one.connect().catch(() => {}) // the error was emitted, and it is tried again
    return one
  })
  const [speaking, hearing] = clients as [Redis, Redis]
  hearing.on('message', events.heard)
  return {
    publish: (channel, text) => speaking.publish(channel, text),
    follow: channels => hearing.subscribe(...channels),
    unfollow: channel => hearing.unsubscribe(channel),
    client: speaking,
    close: () => {
      for (const one of clients) one.disconnect()
    },
  }
}

/** One client has a connection of its own to hear by, and moves it when a node goes; until then the checks find what is missed. */
function clusterWire(client: Cluster, events: WireEvents): Wire {
  const { up, down } = together(1, events)(0)
  const cluster = client.duplicate([], {
    lazyConnect: true,
    enableOfflineQueue: false,
    shardedSubscribers: true,
    clusterRetryStrategy: pauseMs,
    redisOptions: { ...client.options.redisOptions, maxRetriesPerRequest: 0 },
  })
  let sharded = true
  cluster.on('error', events.error).on('close', down)
  cluster.on('message', events.heard).on('smessage', events.heard)
  cluster.on('ready', () => {
    knowsSharded(() => cluster.spublish('', '')).then(answer => {
      sharded = answer
      up()
    }, events.error)
  })
  cluster.connect().catch(() => {})
  return {
    publish: (channel, text) => (sharded ? cluster.spublish(channel, text) : cluster.publish(channel, text)),
    follow: channels =>
      sharded ? Promise.all(channels.map(each => cluster.ssubscribe(each))) : cluster.subscribe(...channels),
    unfollow: channel => (sharded ? cluster.sunsubscribe(channel) : cluster.unsubscribe(channel)),
    client: cluster,
    close: () => cluster.disconnect(),
  }
}

/** Asks by using it. */
export async function knowsSharded(use: () => Promise<unknown>): Promise<boolean> {
  try {
    await use()
    return true
  } catch (error) {
    if (/unknown command/i.test(String(error))) return false
    throw error
  }
}
