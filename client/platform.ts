/** What several tabs need to find one hub: locks that the platform frees however their holder ends, and channels. */

import { type Clock, systemClock } from './clock.ts'
import type { Port } from './hub/port.ts'

export interface Channel<Message> extends Port<Message, Message> {}

export interface LockWish {
  /** `shared` waits for whoever has it alone; default: alone. */
  readonly mode?: 'exclusive' | 'shared'
  /** Takes it from whoever has it: that one's `lock` rejects. */
  readonly steal?: boolean
  /** Ends the waiting: `lock` rejects. */
  readonly signal?: AbortSignal
}

export interface Platform {
  readonly clock: Clock
  /** Holds the lock `name` from when it is granted until `held` settles. Source: the Web Locks API. */
  lock(name: string, wish: LockWish, held: () => Promise<unknown>): Promise<void>
  /** Joins all who opened a channel of this name; nobody hears itself. */
  channel<Message>(name: string): Channel<Message>
}

/** The browser's own; null where it lacks either (a page that was not served over HTTPS has no Web Locks). */
export function browserPlatform(): Platform | null {
  const locks = globalThis.navigator?.locks
  if (locks === undefined || globalThis.BroadcastChannel === undefined) return null
  return {
    clock: systemClock,
    async lock(name, { mode, steal, signal }, held) {
      const options = { ...(mode && { mode }), ...(steal && { steal }), ...(signal && { signal }) }
      await locks.request(name, options, held)
    },
    channel: name => new Broadcast(name),
  }
}

class Broadcast<Message> implements Channel<Message> {
  readonly #channel: BroadcastChannel
  readonly #waiting: Message[] = []

  constructor(name: string) {
    this.#channel = new BroadcastChannel(name)
    this.#channel.onmessage = event => this.#waiting.push(event.data)
  }
  post(message: Message): void {
    this.#channel.postMessage(message)
  }
  listen(listener: (message: Message) => void): void {
    for (const message of this.#waiting.splice(0)) listener(message)
    this.#channel.onmessage = event => listener(event.data)
  }
  close(): void {
    this.#channel.onmessage = null
    this.#channel.close()
  }
}
