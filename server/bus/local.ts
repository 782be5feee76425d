/** A bus within one process, for an app that runs several servers in it: `const bus = localBus()`, then `bus.join()` for each. */

import type { Bus, BusEvents } from './bus.ts'

export interface LocalBus {
  /** The bus of one server. */
  join(): Bus
}

export function localBus(): LocalBus {
  const members = new Set<Member>()
  return { join: () => new Member(members) }
}

class Member implements Bus {
  readonly up = true
  readonly lagMs = null
  readonly #members: Set<Member>
  readonly #followed = new Set<string>()
  #events: BusEvents | null = null

  constructor(members: Set<Member>) {
    this.#members = members
  }

  open(events: BusEvents): void {
    this.#events = events
    this.#members.add(this)
  }

  async publish(channel: string, text: string): Promise<void> {
    for (const member of this.#members) if (member !== this) queueMicrotask(() => member.#hear(channel, text))
  }

  async follow(channel: string): Promise<void> {
    this.#followed.add(channel)
  }

  unfollow(channel: string): void {
    this.#followed.delete(channel)
  }

  async close(): Promise<void> {
    this.#members.delete(this)
    this.#followed.clear()
  }

  #hear(channel: string, text: string): void {
    if (this.#followed.has(channel)) this.#events?.heard(channel, text)
  }
}
