/** node-redis as a wire: one server, Sentinel, or a Cluster, with sharded pub/sub where the servers have it (Redis 7). */

import type { RedisClientType, RedisClusterType, RedisSentinelType } from 'redis'
import type { RedisAddress } from './address.ts'
import { knowsSharded } from './ioredis.ts'
import { type Dial, pauseMs, together, type Wire, type WireEvents } from './wire.ts'

/** What is used of the library's three kinds of clients, whose own types depend on the modules that they were made with. */
export interface NodeRedisClient {
  duplicate(overrides?: object): NodeRedisClient
  connect(): Promise<unknown>
  destroy(): unknown
  on(event: string, listener: (...parts: never[]) => void): unknown
  publish(channel: string, text: string): Promise<unknown>
  subscribe(channels: string[], listener: Listener): Promise<unknown>
  unsubscribe(channels: string[], listener?: Listener): Promise<unknown>
  readonly isOpen: boolean
}

interface ShardedClient extends NodeRedisClient {
  sPublish(channel: string, text: string): Promise<unknown>
  sSubscribe(channel: string, listener: Listener): Promise<unknown>
  sUnsubscribe(channel: string, listener?: Listener): Promise<unknown>
}

type Listener = (text: string, channel: string) => void
type Library = RedisClientType | RedisClusterType | RedisSentinelType

/** Dials as `client` was told to; the client itself is left alone. */
export const dialNodeRedis =
  (client: NodeRedisClient): Dial =>
  events =>
    'slots' in client ? clusterWire(client as unknown as ShardedClient, events) : plainWire(client, events)

/** A client that never connects: there to be duplicated. */
export async function nodeRedisAt(address: RedisAddress): Promise<NodeRedisClient> {
  const { createClient, createCluster, createSentinel } = await import('redis')
  const { nodes, tls, username, password } = address
  const socket = { ...(tls && { tls: true as const }), reconnectStrategy: pauseMs }
  const login = { username, password, disableOfflineQueue: true, socket }
  let client: unknown
  if (address.kind === 'single')
    client = createClient({ ...login, database: address.db, socket: { ...socket, ...nodes[0] } })
  else if (address.kind === 'cluster')
    client = createCluster({
      rootNodes: nodes.map(node => ({ socket: { ...socket, ...node } })),
      defaults: login,
    })
  else
    client = createSentinel({
      name: address.name,
      sentinelRootNodes: [...nodes],
      nodeClientOptions: { ...login, database: address.db },
    })
  return client as Library as unknown as NodeRedisClient
}

function plainWire(client: NodeRedisClient, events: WireEvents): Wire {
  const side = together(2, events)
  const heard: Listener = (text, channel) => events.heard(channel, text)
  const clients = [0, 1].map(index => {
    const { up, down } = side(index)
    // A client that the app gave may keep texts while Redis is away: those are no use to anybody.
    const one = client.duplicate({ disableOfflineQueue: true })
    for (const [event, listener] of Object.entries({
      ready: up,
      reconnecting: down,
      end: down,
      error: events.error,
    }))
      one.on(event, listener)
    keepDialling(one, events)
    return one
  })
  const [speaking, hearing] = clients as [NodeRedisClient, NodeRedisClient]
  return {
    publish: (channel, text) => speaking.publish(channel, text),
    follow: channels => hearing.subscribe([...channels], heard),
    unfollow: channel => hearing.unsubscribe([channel]),
    client: speaking,
    close: () => {
      for (const one of clients) hangUp(one)
    },
  }
}

/** It says nothing of connections that its nodes lose and get back: the beats show, and the checks find what is missed. */
function clusterWire(client: ShardedClient, events: WireEvents): Wire {
  const { up } = together(1, events)(0)
  const heard: Listener = (text, channel) => events.heard(channel, text)
  const cluster = client.duplicate() as ShardedClient
  let sharded = true
  cluster.on('error', events.error)
  cluster.on('connect', () => {
    knowsSharded(() => cluster.sPublish('', '')).then(answer => {
      sharded = answer
      up()
    }, events.error)
  })
  keepDialling(cluster, events)
  return {
    publish: (channel, text) => (sharded ? cluster.sPublish(channel, text) : cluster.publish(channel, text)),
    follow: channels =>
      sharded
        ? Promise.all(channels.map(each => cluster.sSubscribe(each, heard)))
        : cluster.subscribe([...channels], heard),
    unfollow: channel => (sharded ? cluster.sUnsubscribe(channel) : cluster.unsubscribe([channel])),
    client: cluster,
    close: () => hangUp(cluster),
  }
}

/** A first connection that fails is not tried again by a cluster or a sentinel client: a bus that hears no beat dials anew. */
function keepDialling(client: NodeRedisClient, events: WireEvents): void {
  client.connect().catch(events.error)
}

function hangUp(client: NodeRedisClient): void {
  try {
    void Promise.resolve(client.destroy()).catch(() => {})
  } catch {
    // It was not open.
  }
}
