/** How long a policy is waited for, whatever limits it has of its own. */

import type { Clock } from '../clock.ts'

const PATIENCE_MS = 10_000

/** What `answer` becomes; rejects where that takes too long. */
export function inTime<T>(clock: Clock, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(PATIENCE_MS, () => reject(new Error('it took too long')))
    answer.then(resolve, reject).finally(cancel)
  })
}
