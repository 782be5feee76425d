/** Logs that do not keep what they say. */

import { pack, unpack } from '../../../client/engine/stored.ts'
import type { LogEvent, Stored, Write } from '../../../client/log/log.ts'
import type { Bug } from './bug.ts'

/** The seal never reaches the log: after a crash, edits made after the send stand under the name of what was sent. */
export const unsealed: Bug = {
  log: log => ({ ...log, write: writes => log.write(writes.map(withoutSeals)) }),
}

/** Keeps the numbers whole: what was a seal becomes an event without effect. */
const withoutSeals = (write: Write): Write =>
  write.events ? { ...write, events: write.events.map(withoutSeal) } : write

const seal = pack({ t: 'seal' })
const withoutSeal = (item: LogEvent): LogEvent =>
  item.event === seal ? { n: item.n, event: { t: 'steps', steps: [] } } : item

/** Says "saved" at once, whatever the disk does: the hub sends and tells its tabs before the log has it. */
export const hasty: Bug = {
  log: log => ({
    ...log,
    write: async writes => {
      log.write(writes).catch(() => {})
    },
  }),
}

/** Says "saved" even if the disk refused. */
export const swallowing: Bug = {
  log: log => ({ ...log, write: writes => log.write(writes).catch(() => {}) }),
}

/** A former owner is not told that it is one. */
export const unfenced: Bug = {
  log: log => ({
    ...log,
    write: writes =>
      log.write(writes).catch(reason => {
        if (reason.code !== 'LOG_TAKEN') throw reason
      }),
  }),
}

/** Silently returns less than what was written. */
export const shortened: Bug = {
  log: log => ({
    ...log,
    load: async key => {
      const stored = await log.load(key)
      return stored.events.length > 3 ? { ...stored, events: stored.events.slice(0, -1) } : stored
    },
  }),
}

/** The next hub does not know which edits of its tabs the log has: it says `got: 0`, and takes them again. */
export const strange: Bug = {
  log: log => ({ ...log, load: async key => withoutHandles(await log.load(key)) }),
}

const withoutHandles = (stored: Stored): Stored => ({
  ...stored,
  events: unpack(stored.events.map(({ event }) => event)).map((event, i) => ({
    n: stored.events[i]!.n,
    event: pack('from' in event ? { ...event, from: undefined } : event),
  })),
  checkpoint: stored.checkpoint && {
    ...stored.checkpoint,
    state: { ...(stored.checkpoint.state as object), from: [] },
  },
})
