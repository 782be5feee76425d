/**
 * Presence on its way to subscribers: what is announced in one turn of the event loop goes out together, and of each state
 * only the newest. Nobody can see a place that a caret has left within a millisecond.
 */

import type { Announcement } from '../sharedb.ts'

/** Tells all subscribers of a channel. The announcement is theirs alone: ShareDB goes on changing its own. */
type Tell = (channel: string, announcement: Announcement) => void

interface Waiting {
  readonly channel: string
  readonly announcement: Announcement
  /** Told, or overtaken. */
  readonly done: () => void
}

export class PresenceTurns {
  readonly #tell: Tell
  #waiting = new Map<string, Waiting>()

  constructor(tell: Tell) {
    this.#tell = tell
  }

  add(channel: string, announcement: Announcement, done: () => void): void {
    if (this.#waiting.size === 0) setImmediate(() => this.#go())
    const key = JSON.stringify([channel, announcement.src, announcement.id])
    this.#waiting.get(key)?.done()
    this.#waiting.delete(key)
    this.#waiting.set(key, { channel, announcement: { ...announcement }, done })
  }

  #go(): void {
    const all = this.#waiting
    this.#waiting = new Map()
    for (const { channel, announcement, done } of all.values()) {
      this.#tell(channel, announcement)
      done()
    }
  }
}

/** ShareDB also asks on such a channel who is there. */
export const isAnnouncement = (data: object): data is Announcement =>
  'pv' in data && 'p' in data && 'ch' in data
