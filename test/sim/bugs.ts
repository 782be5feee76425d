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

/** Seqs of the connection n stand above n times this. */
const SHIFT = 1_000_000

/** Each connection sends under new names, and the server is not asked about the old ones. */
const renamed: Bug = {
  dial: dial => {
    let connections = 0
    return (url, events) => {
      const shift = ++connections * SHIFT
      const shifted = <T extends Named>(named: T): T => ({ ...named, seq: named.seq + shift })
      const rename = (frame: Frame): Frame => {
        if (frame.a === 'op') return shifted(frame)
        if (frame.a !== 'h.catchup') return frame
        return { ...frame, own: [], ...(frame.submit && { submit: shifted(frame.submit) }) }
      }
      const restore = (frame: Frame): Frame =>
        frame.a === 'op' ? { ...frame, seq: frame.seq % SHIFT } : frame
      const socket = dial(url, { ...events, text: text => events.text(edited(text, restore)) })
      return { ...socket, send: text => socket.send(edited(text, rename)) }
    }
  },
}

interface Named {
  readonly seq: number
}

interface Frame extends Named {
  readonly a: string
  readonly own?: unknown
  readonly submit?: Named
}

const edited = (text: string, edit: (frame: Frame) => Frame) => JSON.stringify(edit(JSON.parse(text)))

/** Says "saved" at once, whatever the disk does. */
const hasty: Bug = {
  log: log => ({
    ...log,
    write: async writes => void log.write(writes),
  }),
}

export const bugs = { unsealed, renamed, hasty } as const

export type BugName = keyof typeof bugs
