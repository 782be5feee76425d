/**
 * The log of a device that cannot keep anything (no IndexedDB, or another tab owns the log): it starts empty, and every
 * write says that nothing was saved, so that the person is told and nothing claims to be safe.
 */

import { type Log, logFailed, nothingStored } from './log.ts'

/** `message` says why nothing can be kept; every write rejects with `LOG_FAILED` and it. */
export function volatileLog(message: string): Log {
  return {
    identity: { device: '', epoch: 0, fresh: true },
    load: async () => nothingStored,
    write: async () => {
      throw logFailed(message)
    },
    list: async () => [],
    unsent: async () => [],
    clean: async () => [],
    onLost() {}, // there is nothing to lose
    close: async () => {},
  }
}
