/**
 * Whether this server reaches its database. Where other servers may and this one does not, its clients are better off there: a
 * connection that stays open would keep them for as long as it lasts.
 */

import type { Clock } from './clock.ts'
import type { Store } from './store/store.ts'

export interface Reach {
  readonly lost: boolean
  end(): void
}

export interface ReachParts {
  readonly store: Pick<Store, 'shared' | 'ping'>
  readonly clock: Clock
  readonly patienceMs: number
  /** It was lost, or found again. */
  readonly changed: (lost: boolean) => void
}

/** Questions in the time of patience. They are counted instead of the time: a process that slept has missed no answer. */
const QUESTIONS = 5

export function watchReach({ store, clock, patienceMs, changed }: ReachParts): Reach {
  let unanswered = 0
  let asking = false
  let lost = false
  const become = (now: boolean) => {
    if (now === lost) return
    lost = now
    changed(lost)
  }
  const ask = async () => {
    asking = true
    try {
      await store.ping()
      unanswered = 0
      become(false)
    } catch {
      // So it is, too, where the answer is an error.
    }
    asking = false
  }
  let cancel = () => {}
  const look = () => {
    if (unanswered >= QUESTIONS) become(true)
    unanswered++
    if (!asking) void ask()
    cancel = clock.after(patienceMs / QUESTIONS, look)
  }
  // Of a database that is this server's alone, nobody else has more.
  if (store.shared) look()
  return {
    get lost() {
      return lost
    },
    end: () => cancel(),
  }
}
