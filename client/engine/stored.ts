/**
 * Events as the log keeps them. Nearly all are single edits, one a keystroke, so these are kept short; every other event
 * stands as it is, and so do the edits of logs from before this. Pure.
 *
 *   [op, joins (0 | 1), handle, n]      an edit by an op; the last two where a tab made it
 */

import type { ReplicaEvent } from './replica.ts'

type StoredEdit = readonly [op: unknown, joins: 0 | 1, handle?: string, n?: number]

export function pack(event: ReplicaEvent): StoredEdit | ReplicaEvent {
  if (event.t !== 'edit' || !('op' in event.change) || event.after || event.schema) return event
  return [event.change.op, event.joins ? 1 : 0, ...(event.from ?? [])]
}

export function unpack(stored: unknown): ReplicaEvent {
  if (!Array.isArray(stored)) return stored as ReplicaEvent
  const [op, joins, handle, n] = stored as unknown as StoredEdit
  return {
    t: 'edit',
    change: { op },
    ...(joins === 1 && { joins: true }),
    ...(handle !== undefined && { from: [handle, n!] }),
  }
}
