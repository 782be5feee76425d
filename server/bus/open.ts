/** The bus that the settings name, or that an embedding app brings along. */

import { HoldfastError } from '../../ops/errors.ts'
import type { Clock } from '../clock.ts'
import type { Report } from '../report.ts'
import type { Settings } from '../settings.ts'
import { redisAddress } from './address.ts'
import type { Bus } from './bus.ts'
import { dialIoredis, type IoredisClient, ioredisAt } from './ioredis.ts'
import { dialNodeRedis, type NodeRedisClient, nodeRedisAt } from './noderedis.ts'
import { RedisBus } from './redis.ts'
import type { Dial } from './wire.ts'

/** A client of ioredis or node-redis of which connections are made like it; it stays the app's. Or a bus of the app's own. */
export type BusChoice = Bus | IoredisClient | NodeRedisClient

interface Parts {
  readonly settings: Pick<Settings, 'REDIS' | 'REDIS_CLIENT' | 'REDIS_PREFIX' | 'BUS_CHECK_MS'>
  readonly clock: Clock
  readonly report: Report
}

/** Null: there is none. A Redis that is away is no reason not to start. */
export async function openBus(choice: BusChoice | undefined, parts: Parts): Promise<Bus | null> {
  if (choice && 'follow' in choice) return choice
  const dial = choice ? dialOf(choice) : await dialAt(parts.settings)
  if (!dial) return null
  const { settings, clock, report } = parts
  return new RedisBus({ dial, clock, report, beatMs: settings.BUS_CHECK_MS, prefix: settings.REDIS_PREFIX })
}

/** node-redis knows `isOpen`, ioredis `status`. */
function dialOf(client: IoredisClient | NodeRedisClient): Dial {
  if ('isOpen' in client) return dialNodeRedis(client)
  if ('status' in client) return dialIoredis(client)
  throw new HoldfastError('SETTING_INVALID', 'The bus is no client of ioredis or node-redis.')
}

async function dialAt({ REDIS, REDIS_CLIENT }: Parts['settings']): Promise<Dial | null> {
  const address = redisAddress(REDIS)
  if (!address) return null
  return REDIS_CLIENT === 'ioredis'
    ? dialIoredis(await ioredisAt(address))
    : dialNodeRedis(await nodeRedisAt(address))
}
