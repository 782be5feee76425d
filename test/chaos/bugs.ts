/**
 * Bugs to plant in the client, in real browsers, at the edges where it lets one: the checker must find each, or it proves
 * nothing.
 */

import { dialWebSocket } from '../../client/link/websocket.ts'
import { openDeviceLog } from '../../client/log/device.ts'
import type { Log } from '../../client/log/log.ts'
import type { Platform } from '../../client/platform.ts'
import type { Bug } from '../sim/bugs.ts'

const LATE_MS = 300

const wait = () => new Promise<void>(resolve => setTimeout(resolve, LATE_MS))

/** Says "saved" at once, and writes a while later: what `onsuccess` in place of `oncomplete` would be, in the large. */
const hasty: Bug = {
  log(log: Log) {
    let last = Promise.resolve()
    const write: Log['write'] = async writes => {
      last = last.then(wait).then(() => log.write(writes))
      last.catch(() => {})
    }
    return { ...log, write }
  },
}

/** A write that fails is taken for one that did not: nobody is told that nothing is saved any more. */
const silent: Bug = {
  log: (log: Log) => ({ ...log, onLost() {}, write: writes => log.write(writes).catch(() => {}) }),
}

export const bugs = { hasty, silent } as const

export type BugName = keyof typeof bugs

/** The parts of the platform that the bug is in. */
export function planted(name: BugName | null): Partial<Pick<Platform, 'openLog' | 'dial'>> {
  if (name === null) return {}
  const { log, dial }: Bug = bugs[name]
  return {
    ...(log && { openLog: async (device: string) => log(await openDeviceLog(device)) }),
    ...(dial && { dial: dial(dialWebSocket) }),
  }
}
