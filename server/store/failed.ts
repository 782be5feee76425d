/** How a failure of a database is told. */

import { HoldfastError } from '../../ops/errors.ts'

/** `error` as one that has a code: its own, or `STORE_FAILED`. The message tells an operator what the database said. */
export function failed(doing: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  return new HoldfastError('STORE_FAILED', `The database could not ${doing}: ${reasonOf(error)}`)
}

/** A host that refuses a connection at each of its addresses has a reason for each, and no message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  return (error as Error).message
}
