/**
 * What is given up when memory grows short, first the least that anybody would miss:
 *
 *   none  <->  presence          carets of others are not passed on; from the limit
 *   presence  <->  connections   nobody new is let in; from a tenth above it
 *
 * Each is taken back only when memory is a tenth below where it began, lest it flutter.
 */

import { totalmem } from 'node:os'
import type { Clock } from './clock.ts'

export const pressures = ['none', 'presence', 'connections'] as const
export type Pressure = (typeof pressures)[number]

const EVERY_MS = 1000

export function pressureAt(bytes: number, limit: number, before: Pressure): Pressure {
  const stays = (level: Pressure) => pressures.indexOf(before) >= pressures.indexOf(level)
  const isOver = (level: Pressure, from: number) => bytes >= from - (stays(level) ? limit / 10 : 0)
  if (isOver('connections', limit + limit / 10)) return 'connections'
  return isOver('presence', limit) ? 'presence' : 'none'
}

export interface Guard {
  readonly pressure: Pressure
  end(): void
}

export interface GuardParts {
  /** Bytes; 0: three quarters of what a container allows, and none where nothing is said. */
  readonly limit: number
  readonly clock: Clock
  readonly changed: (pressure: Pressure) => void
  readonly used?: () => number
}

export function guardMemory({ limit, clock, changed, used = process.memoryUsage.rss }: GuardParts): Guard {
  const most = limit || allowed()
  let pressure: Pressure = 'none'
  let cancel = () => {}
  const look = () => {
    const before = pressure
    pressure = pressureAt(used(), most, before)
    if (pressure !== before) changed(pressure)
    cancel = clock.after(EVERY_MS, look)
  }
  if (most !== Number.POSITIVE_INFINITY) look()
  return {
    get pressure() {
      return pressure
    },
    end: () => cancel(),
  }
}

function allowed(): number {
  const limit = process.constrainedMemory()
  return limit > 0 && limit < totalmem() ? limit * 0.75 : Number.POSITIVE_INFINITY
}
