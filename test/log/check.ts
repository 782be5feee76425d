/** Assertions of the log contract. It runs in a browser page as well as in Node, so it cannot use node:assert. */

import type { Log } from '../../client/log/log.ts'

/** Throws unless the two are equal as JSON (records hold JSON values only). */
export function equal(actual: unknown, expected: unknown): void {
  const [got, wanted] = [actual, expected].map(value => JSON.stringify(value))
  if (got !== wanted) throw new Error(`expected ${wanted}, got ${got}`)
}

/** Throws unless `promise` rejects with `LOG_FAILED`; answers with the error's message. */
export async function fails(promise: Promise<unknown>): Promise<string> {
  const reason = await promise.then(
    () => null,
    error => error,
  )
  if (reason === null) throw new Error('expected LOG_FAILED, but it went well')
  if (reason.code !== 'LOG_FAILED') throw new Error(`expected LOG_FAILED, got ${reason.code ?? reason}`)
  return reason.message
}

/** Runs `task` on a log and closes it. */
export async function within<T>(opening: Promise<Log>, task: (log: Log) => Promise<T>): Promise<T> {
  const log = await opening
  try {
    return await task(log)
  } finally {
    await log.close()
  }
}
