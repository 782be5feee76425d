/** For `holdfast doctor`: whether a text goes all the way through the Redis of the settings and back. */

import { processClock } from '../clock.ts'
import type { Settings } from '../settings.ts'
import { openBus } from './open.ts'
import type { RedisBus } from './redis.ts'

/** From dialling to hearing oneself, at most (ms). */
const PATIENCE_MS = 5000
/** The same after something was amiss: it may have been for a moment. */
const MENDING_MS = 1000
const BEAT_MS = 1000

export interface BusFinding {
  /** From publishing to hearing, ms; null: it was not heard. */
  readonly lagMs: number | null
  /** What Redis or the line to it said, if anything: no address and no password is in it. */
  readonly fault: string | null
  /** Of Redis; null where it does not tell. */
  readonly version: string | null
}

/** HOLDFAST_REDIS must name one. */
export async function probeBus(settings: Settings): Promise<BusFinding> {
  const { promise: heard, resolve } = Promise.withResolvers<void>()
  const patience = [setTimeout(resolve, PATIENCE_MS)]
  let fault: string | null = null
  const report = (_what: string, error?: unknown) => {
    fault ??= error === undefined ? null : String(error)
    patience.push(setTimeout(resolve, MENDING_MS))
  }
  const parts = { settings: { ...settings, BUS_CHECK_MS: BEAT_MS }, clock: processClock, report }
  const bus = (await openBus(undefined, parts)) as RedisBus
  bus.open({ heard() {}, restored: resolve })
  await heard
  for (const timer of patience) clearTimeout(timer)
  const version = bus.up ? await versionOf(bus.client) : null
  const { lagMs } = bus
  await bus.close()
  return { lagMs, fault, version }
}

/** Of a Cluster no node is asked. */
async function versionOf(client: object | null): Promise<string | null> {
  const { info } = (client ?? {}) as { info?(section: string): Promise<unknown> }
  const text = await info?.call(client, 'server').catch(() => null)
  return /^redis_version:(\S+)/m.exec(String(text))?.[1] ?? null
}
