/**
 * The log of this device, for one tab at a time. The tab that owns it holds a Web Lock for as long as it lives; the
 * platform releases the lock however the tab ends. Whoever cannot have the log gets one that keeps nothing and says
 * why, so that a page always opens and never pretends.
 */

import { openIdbLog } from './idb.ts'
import { type Log, logFailed } from './log.ts'
import { volatileLog } from './volatile.ts'

/** The old page of a reload needs a moment to let go of its lock. */
const LOCK_WAIT_MS = 2_000
/** A damaged database can leave `open` without an answer. */
const OPEN_WAIT_MS = 10_000

const OTHER_TAB =
  'another tab of this page is keeping edits on this device; go on there, or close it and reload this one'
const NO_DATABASE = 'this platform has no IndexedDB, so nothing can be kept on this device'
const NO_LOCKS = 'this page was not served over HTTPS, so the browser cannot keep edits on this device'

/**
 * The log `name` on this device; a volatile one, whose writes reject with the reason, when another tab has it or when
 * the platform has no IndexedDB or cannot open it. Never rejects. `close` lets the next tab have it.
 */
export async function openDeviceLog(
  name: string,
  locks: LockManager | undefined = globalThis.navigator?.locks,
  lockWaitMs = LOCK_WAIT_MS,
): Promise<Log> {
  if (globalThis.indexedDB === undefined) return volatileLog(NO_DATABASE)
  if (locks === undefined) return volatileLog(NO_LOCKS)
  let release: (() => void) | null = null
  try {
    release = await hold(locks, `holdfast:log:${name}`, lockWaitMs)
    if (release === null) return volatileLog(OTHER_TAB)
    return releasing(await inTime(openIdbLog(name)), release)
  } catch (reason) {
    release?.()
    return volatileLog(logFailed(reason).message)
  }
}

/** Takes the lock and answers with what lets go of it; null if somebody else has it all the while. */
function hold(locks: LockManager, name: string, waitMs: number): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(waitMs)
    const held = () => new Promise<void>(release => resolve(release))
    locks.request(name, { signal }, held).catch(reason => (signal.aborted ? resolve(null) : reject(reason)))
  })
}

const releasing = (log: Log, release: () => void): Log => ({
  ...log,
  async close() {
    await log.close()
    release()
  },
})

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
