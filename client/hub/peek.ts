/**
 * A document as the log of this device has it, read by the tab itself: it can be shown and edited while the hub is still on
 * its way. What the hub says later is the truth, and the tab takes the difference [R16].
 */

import type { Content } from '../../ops/change.ts'
import type { DocKey } from '../../ops/identity.ts'
import { type SavedReplica, viewFrom } from '../engine/checkpoint.ts'
import { unpack } from '../engine/stored.ts'
import { readIdbLog } from '../log/idb.ts'

/** Null where the log cannot tell; never rejects. */
export async function peek(device: string, key: DocKey): Promise<Content | null> {
  try {
    const stored = await readIdbLog(device, key)
    if (!stored) return null
    const { checkpoint, events } = stored
    return viewFrom(
      (checkpoint?.state as SavedReplica) ?? null,
      events.map(({ event }) => unpack(event)),
    )
  } catch {
    return null
  }
}
