/** Bugs to plant, one at a time, at the edges of the client: the checker must find each, or it proves nothing. */

import type { Dial } from '../../client/link/link.ts'
import type { Log, LogEvent, Write } from '../../client/log/log.ts'

export interface Bug {
  readonly log?: (log: Log) => Log
  readonly dial?: (dial: Dial) => Dial
}

/** The seal never reaches the log: after a crash, edits made after the send stand under the name of what was sent. */
const unsealed: Bug = {
  log: log => ({ ...log, write: writes => log.write(writes.map(withoutSeals)) }),
}

/** Keeps the numbers whole: what was a seal becomes an event without effect. */
const withoutSeals = (write: Write): Write =>
  write.events ? { ...write, events: write.events.map(withoutSeal) } : write

const withoutSeal = (item: LogEvent): LogEvent =>
  (item.event as { t: string }).t === 'seal' ? { n: item.n, event: { t: 'steps', steps: [] } } : item

/** After a reconnect an op goes out under a new name, and the server is not asked about the old one. */
const renamed: Bug = {
  dial: dial => {
    let connections = 0
    return (url, events) => {
      const connection = ++connections
      const socket = dial(url, {
        ...events,
        text: text => events.text(text.replaceAll(`"seq":9${connection}00`, '"seq":')),
      })
      const rename = (text: string) => {
        const frame = JSON.parse(text) as { a: string; seq: number; own: unknown }
        if (frame.a === 'op') return JSON.stringify({ ...frame, seq: Number(`9${connection}00${frame.seq}`) })
        return frame.a === 'h.catchup' ? JSON.stringify({ ...frame, own: [] }) : text
      }
      return { ...socket, send: text => socket.send(rename(text)) }
    }
  },
}

/** Says "saved" at once, whatever the disk does. */
const hasty: Bug = {
  log: log => ({
    ...log,
    write: async writes => void log.write(writes),
  }),
}

export const bugs = { unsealed, renamed, hasty } as const

export type BugName = keyof typeof bugs
