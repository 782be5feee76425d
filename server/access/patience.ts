/** How long a policy is waited for, whatever limits it has of its own, and what it is where it gives no answer. */

import { HoldfastError } from '../../ops/errors.ts'
import type { Clock } from '../clock.ts'
import type { Report } from '../report.ts'

const PATIENCE_MS = 10_000

/**
 * What `answer` becomes. Rejects with the policy's own refusal, and with `ACCESS_UNAVAILABLE` where it fails to answer, or not
 * in time: the operator is told why, unless the policy has said so itself.
 */
export function inTime<T>(clock: Clock, report: Report, answer: Promise<T>): Promise<T> {
  const given = new Promise<T>((resolve, reject) => {
    const cancel = clock.after(PATIENCE_MS, () => reject(new Error('it took too long')))
    answer.then(resolve, reject).finally(cancel)
  })
  return given.catch(error => {
    throw failed(report, error)
  })
}

/** A failure of a policy as those are told who asked. */
export function failed(report: Report, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  report('a policy of access failed', error)
  return new HoldfastError('ACCESS_UNAVAILABLE')
}
