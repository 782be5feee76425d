/**
 * The log of this device, for the hub. Where there is none (no IndexedDB, or a database that does not open) it is one
 * that keeps nothing and says why, so that a page always opens and never pretends.
 */

import { openIdbLog } from './idb.ts'
import { type Log, logFailed } from './log.ts'
import { volatileLog } from './volatile.ts'

/** A damaged database can leave `open` without an answer. */
const OPEN_WAIT_MS = 10_000

const NO_DATABASE = 'this platform has no IndexedDB, so nothing can be kept on this device'

/** The log `name` on this device, taken over from whoever had it. Never rejects. */
export async function openDeviceLog(name: string): Promise<Log> {
  if (globalThis.indexedDB === undefined) return volatileLog(NO_DATABASE)
  try {
    return await inTime(openIdbLog(name))
  } catch (reason) {
    return volatileLog(logFailed(reason).message)
  }
}

/** `opening`, unless it takes too long: then it is closed when it comes after all. */
function inTime(opening: Promise<Log>): Promise<Log> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(logFailed(`the database did not open within ${OPEN_WAIT_MS / 1000} s`))
      opening.then(log => log.close()).catch(() => {}) // the reason was given already
    }, OPEN_WAIT_MS)
    opening.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
