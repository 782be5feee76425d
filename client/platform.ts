/** What a client needs of the place where it runs: a browser, Node, or the simulation. */

import { type Clock, systemClock } from './clock.ts'
import type { FirmNote } from './hub/firmnote.ts'
import type { Storage } from './hub/guardian.ts'
import type { Port } from './hub/port.ts'
import type { Dial } from './link/link.ts'
import type { Log } from './log/log.ts'
import type { Note } from './tab/note.ts'

export interface Channel<Message> extends Port<Message, Message> {}

export interface LockWish {
  /** `shared` waits for whoever has it alone; default: alone. */
  readonly mode?: 'exclusive' | 'shared'
  /** Takes it from whoever has it: that one's `lock` rejects. */
  readonly steal?: boolean
  /** Ends the waiting: `lock` rejects. */
  readonly signal?: AbortSignal
}

/** What several tabs need to agree on one hub. */
export interface Agreement {
  /**
   * Holds the lock `name` from when it is granted until `held` settles; the platform frees it however the holder ends.
   * Source: the Web Locks API.
   */
  lock(name: string, wish: LockWish, held: () => Promise<unknown>): Promise<void>
  /** Joins all who opened a channel of this name; nobody hears itself. */
  channel<Message>(name: string): Channel<Message>
}

export interface Platform {
  readonly clock: Clock
  /** Instead of the platform's WebSocket. */
  readonly dial?: Dial
  /** Fills an array with random bytes. */
  readonly randomBytes: (bytes: Uint8Array<ArrayBuffer>) => unknown
  /** Instead of IndexedDB: the log `name` on this device, taken over from whoever had it. Never rejects. */
  readonly openLog?: (name: string) => Promise<Log>
  /** Instead of localStorage: where a page notes what the log `name` has; null where it can keep nothing but the log. */
  readonly note?: (name: string) => Note | null
  /** Instead of Cache Storage: where a hub notes the same. */
  readonly firmNote?: (name: string) => FirmNote
  /** The space that the browser gives; null where nobody knows. */
  readonly storage: (Storage & { persist?(): Promise<boolean> }) | null
  /** Null where tabs can agree on nothing (a page that was not served over HTTPS has no Web Locks). */
  readonly agreement: Agreement | null
}

/** The one that this program runs on. */
export const thisPlatform = (): Platform => ({
  clock: systemClock,
  randomBytes: bytes => crypto.getRandomValues(bytes),
  storage: globalThis.navigator?.storage ?? null,
  agreement: browserAgreement(),
})

function browserAgreement(): Agreement | null {
  const locks = globalThis.navigator?.locks
  if (locks === undefined || globalThis.BroadcastChannel === undefined) return null
  return {
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
