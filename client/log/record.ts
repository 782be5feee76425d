/**
 * A record as it lies in a storage: JSON text behind a checksum of it and of its place, so that a flipped bit and a
 * record in another's place are both noticed when it is read.
 */

import { type DocKey, keyText } from '../../ops/identity.ts'
import { checkGapless, type Head, logFailed, type Stored, type Summary, type Write } from './log.ts'

/** Hexadecimal digits of the CRC-32 in front of the text. */
const SUM_DIGITS = 8
/** Checkpoints of more bytes than this are compressed: below it there is little to win. */
const COMPRESS_BYTES = 16 * 1024
/** As the platform calls RFC 1951 without a header: the checksum is ours already. */
const FORMAT = 'deflate-raw'

/** A record and the number of the event that it holds, or of the last one that it covers. */
export interface Numbered<T = string> {
  readonly n: number
  readonly record: T
}

/** A write as it goes into the storage. */
export interface Packed {
  readonly key: DocKey
  readonly events: readonly Numbered[]
  readonly checkpoint?: Numbered
  readonly summary?: Summary
  readonly forget?: true
}

/** Shares nothing with `write`, whose caller may go on with it. Throws `LOG_FAILED` for what JSON cannot say. */
export function pack({ key, events = [], checkpoint, summary, forget }: Write): Packed {
  const { collection, id } = key
  return {
    key: { collection, id },
    events: events.map(({ n, event }) => ({ n, record: encode(eventPlace(key, n), event) })),
    ...(checkpoint && {
      checkpoint: { n: checkpoint.n, record: encode(checkpointPlace(key, checkpoint.n), checkpoint.state) },
    }),
    ...(summary && { summary: { ...summary } }),
    ...(forget && { forget }),
  }
}

/** What the records of a document hold; throws `LOG_FAILED` if one is missing (see `checkGapless`) or damaged. */
export function unpack(
  key: DocKey,
  checkpoint: Numbered<unknown> | null,
  events: readonly Numbered<unknown>[],
  head: Head,
): Stored {
  checkGapless(
    checkpoint?.n ?? 0,
    events.map(({ n }) => n),
    head,
  )
  const state = checkpoint && decode(checkpointPlace(key, checkpoint.n), checkpoint.record)
  const read = events.map(({ n, record }) => ({ n, ...decode(eventPlace(key, n), record) }))
  return {
    checkpoint: state && { n: checkpoint!.n, state: state.value },
    events: read.map(({ n, value }) => ({ n, event: value })),
    bytes: { checkpoint: state?.bytes ?? 0, events: read.reduce((sum, { bytes }) => sum + bytes, 0) },
  }
}

/** Where a record belongs, in words that an error can use. */
export const eventPlace = (key: DocKey, n: number) => `event ${n} of ${keyText(key)}`
export const checkpointPlace = (key: DocKey, n: number) => `the checkpoint at event ${n} of ${keyText(key)}`

export function encode(place: string, value: unknown): string {
  const text = jsonOf(place, value)
  return checksum(place, text) + text
}

/** The value of a record and the bytes of its JSON text; throws `LOG_FAILED` if it is not what was written here. */
function decode(place: string, record: unknown): { value: unknown; bytes: number } {
  if (typeof record !== 'string') throw logFailed(`${place} is damaged: it is not a record`)
  const text = record.slice(SUM_DIGITS)
  if (record.slice(0, SUM_DIGITS) !== checksum(place, text))
    throw logFailed(`${place} is damaged: its checksum does not fit`)
  return { value: JSON.parse(text), bytes: utf8(text).length }
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

/** The record that `compress` was given; throws `LOG_FAILED` if the bytes are damaged. */
export async function decompress(place: string, stored: unknown): Promise<unknown> {
  if (!(stored instanceof Uint8Array)) return stored
  try {
    return new TextDecoder().decode(await through(stored, new DecompressionStream(FORMAT)))
  } catch (reason) {
    throw logFailed(`${place} is damaged: ${logFailed(reason).message}`)
  }
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

const utf8 = (text: string) => new TextEncoder().encode(text)

/** Null where the platform has none, or not this format. */
function compression(): CompressionStream | null {
  try {
    return new CompressionStream(FORMAT)
  } catch {
    return null
  }
}

async function through(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const whole = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(stream)
  return new Uint8Array(await new Response(whole).arrayBuffer())
}

/** CRC-32 (ISO 3309, reflected polynomial EDB88320) of a byte with nothing before it. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/** Of the UTF-8 of the two, one after the other. */
function checksum(place: string, text: string): string {
  let crc = 0xffffffff
  for (const byte of utf8(place + text)) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff]!
  return (~crc >>> 0).toString(16).padStart(SUM_DIGITS, '0')
}
