/** How a failure of a database is told. */

import { HoldfastError } from '../../ops/errors.ts'

/** `error` as one that has a code: its own, or `STORE_FAILED`. The message tells an operator what the database said. */
export function failed(doing: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  return new HoldfastError('STORE_FAILED', `The database could not ${doing}: ${(error as Error).message}`)
}
