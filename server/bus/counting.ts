/**
 * Rates that all servers of a database count together, in the Redis of their bus. While that is away each counts by itself, as a
 * server alone does.
 */

import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'
import type { Count, Counting } from '../limits.ts'
import type { Bus } from './bus.ts'
import { RedisBus } from './redis.ts'

/** `prefix`: what the names of the counts begin with in Redis. Undefined where the bus is on no Redis. */
export function countOn(bus: Bus | null, prefix: string): Count | undefined {
  if (!(bus instanceof RedisBus)) return undefined
  return options => new SharedCount(bus, { ...options, keyPrefix: `${prefix}:${options.keyPrefix}` })
}

class SharedCount implements Counting {
  readonly #bus: RedisBus
  readonly #options: Parameters<Count>[0]
  readonly #alone: RateLimiterMemory
  /** Of the connection that it counts by. */
  #shared: RateLimiterRedis | null = null
  #client: unknown = null

  constructor(bus: RedisBus, options: Parameters<Count>[0]) {
    this.#bus = bus
    this.#options = options
    this.#alone = new RateLimiterMemory(options)
  }

  consume(key: string, points: number): Promise<unknown> {
    return this.#limiter().consume(key, points)
  }

  #limiter(): RateLimiterMemory | RateLimiterRedis {
    const { client, up } = this.#bus
    if (!up) return this.#alone
    if (this.#shared && client === this.#client) return this.#shared
    this.#client = client
    this.#shared = new RateLimiterRedis({
      ...this.#options,
      storeClient: client,
      // node-redis knows `isOpen`, ioredis `status`.
      useRedisPackage: 'isOpen' in (client as object),
      insuranceLimiter: this.#alone,
    })
    return this.#shared
  }
}
