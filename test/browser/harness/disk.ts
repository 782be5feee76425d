/** What a running Chromium has on the disk. */

import { once } from 'node:events'
import { globSync, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const WAIT_MS = 90_000

/**
 * Resolves when a file of the localStorage in `profile` fits: Chromium writes it some 5 s after the first change and then once a
 * minute, however it ends, and at once with `--enable-aggressive-domstorage-flushing`.
 */
export async function onDisk(profile: string, fits: (content: string) => boolean): Promise<void> {
  const folder = join(profile, 'Default/Local Storage/leveldb')
  const signal = AbortSignal.timeout(WAIT_MS)
  const watcher = watch(folder)
  try {
    for (;;) {
      const changed = once(watcher, 'change', { signal })
      changed.catch(() => {}) // it is waited for below, or not any more
      const contents = await Promise.all(globSync(join(folder, '*.log')).map(log => readFile(log, 'latin1')))
      if (contents.some(fits)) return
      await changed
    }
  } finally {
    watcher.close()
  }
}
