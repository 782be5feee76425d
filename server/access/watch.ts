/** Has the rights in open sessions asked again: every so often, and at once when the policy says that they changed. */

import type { Clock } from '../clock.ts'
import type { Access } from './access.ts'

/** A session as far as its rights are concerned. */
export interface Reviewed {
  /** Null while it is not known. */
  readonly principal: string | null
  /** Never rejects. */
  review(): Promise<void>
}

export interface Watch {
  readonly access: Access
  readonly sessions: Iterable<Reviewed>
  readonly clock: Clock
  readonly everyMs: number
}

/** Answers what ends it. */
export function watchRights({ access, sessions, clock, everyMs }: Watch): () => void {
  let ended = false
  let cancel = () => {}
  const reviewAll = (principal?: string) =>
    Promise.all(
      [...sessions].map(session =>
        principal === undefined || session.principal === principal ? session.review() : null,
      ),
    )
  const wait = () => {
    cancel = clock.after(everyMs, async () => {
      await reviewAll()
      if (!ended) wait()
    })
  }
  access.watch?.(principal => void reviewAll(principal))
  wait()
  return () => {
    ended = true
    cancel()
  }
}
