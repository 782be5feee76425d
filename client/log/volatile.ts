/**
 * The log of a device that cannot keep anything (no IndexedDB, or another tab owns the log): it starts empty, and every
 * write says that nothing was saved, so that the person is told and nothing claims to be safe.
 */

import { type Log, logFailed } from './log.ts'

/** `message` says why nothing can be kept; every write rejects with `LOG_FAILED` and it. */
export function volatileLog(message: string): Log {
  return {
    load: async () => ({ checkpoint: null, events: [] }),
    write: async () => {
      throw logFailed(message)
    },
    list: async () => [],
    close: async () => {},
  }
}
