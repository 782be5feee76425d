/** Going back to an earlier version, as a new edit: nothing is rewritten, everybody is told as of any other edit. */

import { HoldfastError } from '../ops/errors.ts'
import { type DocKey, newSrc } from '../ops/identity.ts'
import type { Backend } from './backend.ts'
import type { Store } from './store/store.ts'

/**
 * Makes the document what it was at version `v`; answers the version that it has then. What others commit meanwhile is
 * kept, as it would be beside any edit. Rejects with `VERSION_UNKNOWN`, `HISTORY_TRIMMED`, or as a submit does.
 */
export async function restoreVersion(
  backend: Backend,
  store: Store,
  key: DocKey,
  v: number,
): Promise<number> {
  const head = await store.head(key)
  if (v > head.v) throw new HoldfastError('VERSION_UNKNOWN')
  const src = newSrc(bytes => crypto.getRandomValues(bytes))
  let version = head.v
  for (const [i, change] of (await store.delta(key, head.v, v)).entries()) {
    version =
      1 + (await backend.submit(key, { ...change, src, seq: i + 1, v: head.v + i, x: { restored: v } }))
  }
  return version
}
