/** What the tests of the bus share: one Redis for those that do not kill theirs, and the buses that they are shown on. */

import type { Bus } from '../../server/bus/bus.ts'
import { localBus } from '../../server/bus/local.ts'
import { openBus } from '../../server/bus/open.ts'
import { processClock } from '../../server/clock.ts'
import { readSettings } from '../../server/settings.ts'
import { findRedis, startRedis, type TestRedis } from '../harness/redis.ts'

/** `describe`, or where no Redis can be had, the same, visibly skipped. */
export const describeWithRedis = findRedis() === null ? describe.skip : describe

/** A Redis for the suite around. */
export function redisForSuite(): () => TestRedis {
  let redis: TestRedis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis?.stop())
  return () => redis
}

export type ClientName = 'ioredis' | 'node-redis'
export const clientNames: readonly ClientName[] = ['ioredis', 'node-redis']

/** Servers look after each other so often in these tests (ms). */
export const CHECK_MS = 200

/** A bus to a Redis by its address, as the settings make it. */
export async function busTo(
  url: string,
  client: ClientName,
  report: (what: string) => void = () => {},
): Promise<Bus> {
  const settings = { ...readSettings(), REDIS: url, REDIS_CLIENT: client, BUS_CHECK_MS: CHECK_MS }
  return (await openBus(undefined, { settings, clock: processClock, report }))!
}

export interface TestBus {
  readonly title: string
  /** Joins the same bus as those that were made before. */
  join(): Promise<Bus>
}

/** The suite on every bus. */
export function describeOnBuses(title: string, suite: (bus: TestBus) => void): void {
  describe(`${title} in the process`, () => {
    const bus = localBus()
    suite({ title: 'in the process', join: async () => bus.join() })
  })
  for (const client of clientNames) {
    describeWithRedis(`${title} on Redis by ${client}`, () => {
      const redis = redisForSuite()
      suite({ title: client, join: () => busTo(redis().url, client) })
    })
  }
}
