/** Records as they are made (their form: record.ts). */

import type { DocKey } from '../../ops/identity.ts'
import { logFailed, type Summary, type Write } from './log.ts'
import {
  AS_IT_IS,
  bulkPlace,
  checkpointPlace,
  eventPlace,
  FORMAT,
  type Numbered,
  type Standing,
  sumOf,
  through,
  utf8,
} from './record.ts'

/**
 * Checkpoints of more bytes than this are compressed. The stream costs a person time whenever the document is opened (in
 * Chromium 3 ms for 100 kB, 13 ms for 1 MB, more than reading them), so only what would take much of the quota is.
 */
const COMPRESS_BYTES = 2 * 1024 * 1024
/** A write as it goes into the storage. */
export interface Packed {
  readonly key: DocKey
  readonly events: readonly Numbered[]
  readonly checkpoint?: Standing
  readonly bulk?: Numbered
  readonly summary?: Summary
  readonly forget?: true
}

/** Shares nothing with `write`, whose caller may go on with it. Throws `LOG_FAILED` for what JSON cannot say. */
export function pack({ key, events = [], checkpoint, summary, forget }: Write): Packed {
  const { collection, id } = key
  return {
    key: { collection, id },
    events: events.map(({ n, event }) => ({ n, record: encode(eventPlace(key, n), event) })),
    ...(checkpoint && packCheckpoint(key, checkpoint)),
    ...(summary && { summary: { ...summary } }),
    ...(forget && { forget }),
  }
}

function packCheckpoint(
  key: DocKey,
  { n, state, bulk }: NonNullable<Write['checkpoint']>,
): Pick<Packed, 'checkpoint' | 'bulk'> {
  const record = encode(checkpointPlace(key, n), state)
  if (bulk === undefined) return { checkpoint: { n, record } }
  const checkpoint = { n, record, bulk: bulk.n }
  return bulk.n === n
    ? { checkpoint, bulk: { n, record: encode(bulkPlace(key, n), bulk.value) } }
    : { checkpoint }
}

export function encode(place: string, value: unknown): string {
  // Half of a surrogate pair survives in JSON alone, which escapes it.
  const text = typeof value === 'string' && value.isWellFormed() ? AS_IT_IS + value : jsonOf(place, value)
  return sumOf(place, text).sum + text
}

/** Bytes of a value's JSON text. */
export const bytesOf = (value: unknown): number => utf8(JSON.stringify(value)).length

/** `record`, compressed if it is large and the platform can. */
export async function compress(record: string): Promise<string | Uint8Array> {
  const bytes = utf8(record)
  if (bytes.length <= COMPRESS_BYTES) return record
  const stream = compression()
  return stream === null ? record : through(bytes, stream)
}

function jsonOf(place: string, value: unknown): string {
  try {
    const text = JSON.stringify(value)
    if (text !== undefined) return text
  } catch (reason) {
    throw logFailed(`${place}: ${logFailed(reason).message}`)
  }
  throw logFailed(`${place} is not a JSON value`)
}

/** Null where the platform has none, or not this format. */
function compression(): CompressionStream | null {
  try {
    return new CompressionStream(FORMAT)
  } catch {
    return null
  }
}
