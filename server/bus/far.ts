/**
 * Presence of people on other servers, on the channels that somebody here listens to: when their server dies, nobody else says
 * goodbye for them. Where a person is known to be is where he was heard last: who lost his server goes on at another one.
 */

import type { Announcement } from '../sharedb.ts'
import { isAnnouncement } from './presence.ts'

interface Far {
  readonly server: string
  readonly announcement: Announcement
}

export class FarPresence {
  /** By channel, and then by person and state. */
  readonly #of = new Map<string, Map<string, Far>>()

  /** Something was said on a channel of presence by another server, or by this one (null). */
  hear(server: string | null, channel: string, said: object): void {
    if (!isAnnouncement(said)) return
    const all = this.#of.get(channel) ?? new Map<string, Far>()
    const key = JSON.stringify([said.src, said.id])
    if (server === null || said.p === null) all.delete(key)
    else all.set(key, { server, announcement: said })
    if (all.size > 0) this.#of.set(channel, all)
    else this.#of.delete(channel)
  }

  /** Nobody here listens to the channel any more. */
  drop(channel: string): void {
    this.#of.delete(channel)
  }

  /** The goodbyes of all on `server`, each with its channel. */
  end(server: string): [channel: string, goodbye: Announcement][] {
    const goodbyes: [string, Announcement][] = []
    for (const [channel, all] of this.#of)
      for (const { announcement, server: where } of all.values())
        if (where === server) goodbyes.push([channel, { ...announcement, p: null }])
    for (const [channel, goodbye] of goodbyes) this.hear(server, channel, goodbye)
    return goodbyes
  }
}
