/**
 * Events as the log keeps them. Nearly all are single edits, one a keystroke, and what sends them and hears of it, so these
 * are kept short; every other event stands as it is, and so do those of logs from before this. Pure.
 *
 *   [op, kind, handle, n]     an edit by an op, the n-th of a tab's handle. `kind` sums 1: it joins the one before;
 *                             2: of the handle of the last edit that has one, as its next; then the other two are left out
 *   0                         a seal
 *   hash                      an acknowledgement with nothing else
 *
 * So what an event says depends on those before it, back to a checkpoint.
 */

import type { ReplicaEvent } from './replica.ts'
import type { TabEdit } from './state.ts'

type StoredEdit = readonly [op: unknown, kind: number, handle?: string, n?: number]

const JOINS = 1
const FOLLOWS = 2
const SEAL = 0

/** `last` is the `lastFrom` of the events before; null after a checkpoint. */
export function pack(
  event: ReplicaEvent,
  last: TabEdit | null = null,
): StoredEdit | typeof SEAL | string | ReplicaEvent {
  if (event.t === 'seal') return SEAL
  if (event.t === 'ack' && event.hash && Object.keys(event).length === 2) return event.hash
  if (event.t !== 'edit' || !('op' in event.change) || event.after || event.schema) return event
  const { from } = event
  const follows = from && last && from[0] === last[0] && from[1] === last[1] + 1
  const kind = (event.joins ? JOINS : 0) + (follows ? FOLLOWS : 0)
  return from && !follows ? [event.change.op, kind, ...from] : [event.change.op, kind]
}

/** The last edit that came from a tab, `event` after `last`. */
export const lastFrom = (event: ReplicaEvent, last: TabEdit | null): TabEdit | null =>
  ('from' in event && event.from) || last

/** All that the log has of a document behind its checkpoint, in order. */
export function unpack(stored: readonly unknown[]): ReplicaEvent[] {
  let last: TabEdit | null = null
  return stored.map(each => {
    const event = unpackOne(each, last)
    last = lastFrom(event, last)
    return event
  })
}

function unpackOne(stored: unknown, last: TabEdit | null): ReplicaEvent {
  if (stored === SEAL) return { t: 'seal' }
  if (typeof stored === 'string') return { t: 'ack', hash: stored }
  if (!Array.isArray(stored)) return stored as ReplicaEvent
  const [op, kind, handle, n] = stored as unknown as StoredEdit
  const from: TabEdit | null =
    kind & FOLLOWS ? [last![0], last![1] + 1] : handle === undefined ? null : [handle, n!]
  return { t: 'edit', change: { op }, ...(kind & JOINS && { joins: true }), ...(from && { from }) }
}
