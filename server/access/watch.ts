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

/** Sessions that are reviewed at a time: a policy that asks elsewhere is not asked for thousands at once. */
const AT_ONCE = 64

/** Answers what ends it. */
export function watchRights({ access, sessions, clock, everyMs }: Watch): () => void {
  let ended = false
  let cancel = () => {}
  const review = async (principal?: string) => {
    const all = [...sessions].filter(session => principal === undefined || session.principal === principal)
    while (all.length > 0 && !ended)
      await Promise.all(all.splice(0, AT_ONCE).map(session => session.review()))
  }
  const wait = () => {
    cancel = clock.after(everyMs, async () => {
      await review()
      if (!ended) wait()
    })
  }
  access.watch?.(principal => void review(principal))
  wait()
  return () => {
    ended = true
    cancel()
  }
}
