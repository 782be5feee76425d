/**
 * Sees to it that the log does not run out of space: what nobody has used for long, has open, keeps or has unsent edits
 * in is forgotten in time, the least recently used first. The server has all of it [Q10].
 *
 * Newer Chromium tells every page that 10 GiB more than it uses are free, whatever the disk has: there `keepBytes` is what
 * space is made by in time, and `relieve` when a write fails after all.
 */

import type { DocKey } from '../../ops/identity.ts'
import type { StorageFacts } from '../api.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log/log.ts'

/** The part of the browser's StorageManager that a hub needs, wherever it lives. */
export interface Storage {
  estimate(): Promise<{ readonly usage?: number; readonly quota?: number }>
  persisted(): Promise<boolean>
}

export interface StorageLimits {
  /** Bytes of documents (as JSON) that are kept on the device beside those that must be. */
  readonly keepBytes: number
  /** The part of the browser's quota that may be used, by whatever of the origin. */
  readonly storageShare: number
}

export const storageLimits: StorageLimits = { keepBytes: 200_000_000, storageShare: 0.8 }

/** Between two looks. */
const LOOK_MS = 60_000
/**
 * What was used so lately stays. The note that vouches for a document (canary.ts) may reach the disk some seconds late,
 * and one that is forgotten before would be missed.
 */
const REST_MS = 120_000
/** Documents that are forgotten in one transaction. */
const BATCH = 64

export interface GuardianOptions {
  readonly log: Log
  readonly clock: Clock
  readonly storage: Storage | null
  readonly limits: StorageLimits
  /** Whether it is in use now. */
  readonly isOpen: (key: DocKey) => boolean
}

export class Guardian {
  readonly #options: GuardianOptions
  #looked = Number.NEGATIVE_INFINITY
  #cancel: (() => void) | null = null
  #closed = false
  /** Forgotten, but still in what the browser says is used: it tidies up when it likes. */
  #untidied = 0
  #usage = 0

  constructor(options: GuardianOptions) {
    this.#options = options
  }

  /** The log has grown, or a hub begins. */
  grew(): void {
    if (this.#cancel || this.#closed) return
    const { clock } = this.#options
    const wait = Math.max(0, this.#looked + LOOK_MS - clock.now())
    this.#cancel = clock.after(wait, () => {
      this.#cancel = null
      this.#looked = clock.now()
      this.look().catch(() => {}) // a log that fails tells so when it is written to
    })
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
  }

  async facts(): Promise<StorageFacts> {
    const { log, storage } = this.#options
    const [docs, estimate, persisted] = await Promise.all([
      log.list(),
      storage?.estimate(),
      storage?.persisted() ?? null,
    ])
    const { usage = null, quota = null } = estimate ?? {}
    const kept = docs.filter(({ pinned }) => pinned).length
    const bytes = docs.reduce((sum, doc) => sum + doc.bytes, 0)
    return { usage, quota, persisted, documents: docs.length, bytes, kept }
  }

  /** Forgets as much as there is too much. */
  async look(): Promise<void> {
    const { keepBytes, storageShare } = this.#options.limits
    const { usage, quota, bytes } = await this.facts()
    let over = bytes - keepBytes
    if (usage !== null && quota !== null) {
      if (usage < this.#usage) this.#untidied = Math.max(0, this.#untidied - (this.#usage - usage))
      this.#usage = usage
      over = Math.max(over, usage - this.#untidied - quota * storageShare)
    }
    if (over > 0) await this.evict(over)
  }

  /** A write found no space: half of what may go goes; answers how many documents. */
  async relieve(): Promise<number> {
    const { bytes } = await this.facts()
    return this.evict(bytes / 2)
  }

  /** Forgets documents of so many bytes, or as many as may be; answers how many documents. */
  async evict(bytes: number): Promise<number> {
    const { log, clock, isOpen } = this.#options
    let freed = 0
    let count = 0
    while (freed < bytes && !this.#closed) {
      const old = clock.now() - REST_MS
      const candidates = (await log.clean(count + BATCH)).filter(({ key, at }) => at < old && !isOpen(key))
      const chosen = candidates.slice(0, enough(candidates, bytes - freed))
      if (chosen.length === 0) break
      await log.write(chosen.map(({ key }) => ({ key, forget: true })))
      count += chosen.length
      for (const { bytes } of chosen) freed += bytes
    }
    this.#untidied += freed
    return count
  }
}

/** How many of the first are so many bytes together. */
function enough(docs: readonly { readonly bytes: number }[], bytes: number): number {
  let sum = 0
  const index = docs.findIndex(doc => {
    sum += doc.bytes
    return sum >= bytes
  })
  return index < 0 ? docs.length : index + 1
}
