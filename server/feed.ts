/**
 * Wakes those who wait for changes of a collection: at once for what this server commits, and every so often for what
 * another one did.
 */

import type { Backend } from './backend.ts'
import type { Clock } from './clock.ts'

/** How long a change of another server may go unnoticed, ms. */
const RECHECK_MS = 2000

export interface Feed {
  /** Requests that wait. */
  waiters: number
  readonly closed: boolean
  /** Resolves when the collection may have changed, when `ms` have passed, or at the end. */
  wait(collection: string, ms: number, signal?: AbortSignal): Promise<void>
  wake(collection: string): void
  close(): void
}

export function openFeed(backend: Backend, clock: Clock): Feed {
  const sleepers = new Map<string, Set<() => void>>()
  const wake = (collection: string) => {
    for (const rouse of [...(sleepers.get(collection) ?? [])]) rouse()
  }
  backend.share.on('submitRequestEnd', (error, { collection }) => {
    if (!error) wake(collection)
  })
  const feed = {
    waiters: 0,
    closed: false,
    wake,
    wait(collection: string, ms: number, signal?: AbortSignal) {
      if (feed.closed || signal?.aborted) return Promise.resolve()
      return new Promise<void>(resolve => {
        const set = sleepers.get(collection) ?? new Set()
        sleepers.set(collection, set)
        const rouse = () => {
          cancel()
          signal?.removeEventListener('abort', rouse)
          set.delete(rouse)
          if (set.size === 0 && sleepers.get(collection) === set) sleepers.delete(collection)
          resolve()
        }
        const cancel = clock.after(Math.min(ms, RECHECK_MS), rouse)
        signal?.addEventListener('abort', rouse)
        set.add(rouse)
      })
    },
    close() {
      feed.closed = true
      for (const collection of [...sleepers.keys()]) wake(collection)
    },
  }
  return feed
}
