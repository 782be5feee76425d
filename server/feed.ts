/**
 * Wakes those who wait for changes of a collection: at once for what this server commits, and for what another one did when the
 * bus tells, or else within `recheckMs`.
 */

import type { Backend } from './backend.ts'
import type { BusPubSub } from './bus/pubsub.ts'
import type { Clock } from './clock.ts'

export interface Feed {
  /** Requests that wait. */
  waiters: number
  readonly closed: boolean
  /** Resolves when the collection may have changed, when `ms` have passed, or at the end. */
  wait(collection: string, ms: number, signal?: AbortSignal): Promise<void>
  /** Something in it was changed by this server. */
  wake(collection: string): void
  close(): void
}

export interface FeedParts {
  readonly backend: Pick<Backend, 'share'>
  readonly clock: Clock
  /** How long a change of another server may go unnoticed (ms). */
  readonly recheckMs: number
  readonly others: Pick<BusPubSub, 'watch' | 'tellOf'>
}

export function openFeed({ backend, clock, recheckMs, others }: FeedParts): Feed {
  const sleepers = new Map<string, Set<() => void>>()
  const rouseAll = (collection: string) => {
    for (const rouse of [...(sleepers.get(collection) ?? [])]) rouse()
  }
  const wake = (collection: string) => {
    rouseAll(collection)
    others.tellOf(collection)
  }
  /** By collection, what ends the watch on other servers; it outlives the pauses of those who ask again and again. */
  const watched = new Map<string, () => void>()
  const watch = (collection: string) => {
    if (watched.has(collection)) return
    const end = others.watch(collection, () => rouseAll(collection))
    const look = () => {
      if (sleepers.has(collection)) cancel = clock.after(recheckMs, look)
      else stop()
    }
    let cancel = clock.after(recheckMs, look)
    const stop = () => {
      cancel()
      watched.delete(collection)
      end()
    }
    watched.set(collection, stop)
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
      watch(collection)
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
        const cancel = clock.after(Math.min(ms, recheckMs), rouse)
        signal?.addEventListener('abort', rouse)
        set.add(rouse)
      })
    },
    close() {
      feed.closed = true
      for (const stop of [...watched.values()]) stop()
      for (const collection of [...sleepers.keys()]) rouseAll(collection)
    },
  }
  return feed
}
