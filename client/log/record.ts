/**
 * A record as it lies in a storage: a text behind a checksum of it and of its place, so that a flipped bit and a record in
 * another's place are both noticed when it is read.
 *
 *   SUM JSON        a value as JSON
 *   SUM = STRING    a string as it is: a long one is a document, and parsing it as JSON would take longer than reading it
 */

import { type DocKey, keyText } from '../../ops/identity.ts'
import { checkGapless, type Head, logFailed, type Stored } from './log.ts'

/** Hexadecimal digits of the CRC-32 in front of the text. */
const SUM_DIGITS = 8
/** What no JSON begins with. */
export const AS_IT_IS = '='
/** As the platform calls RFC 1951 without a header: the checksum is ours already. */
export const FORMAT = 'deflate-raw'

/** A record and the number of the event that it holds, or of the last one that it covers. */
export interface Numbered<T = string> {
  readonly n: number
  readonly record: T
}

/** With the number of the bulk that it stands on. */
export interface Standing<T = string> extends Numbered<T> {
  readonly bulk?: number
}

/** The records of a document as they were read. */
export interface Records {
  readonly checkpoint: Standing<unknown> | null
  readonly bulk: Numbered<unknown> | null
  readonly events: readonly Numbered<unknown>[]
}

/**
 * What the records of a document hold; throws `LOG_FAILED` if one is missing (see `checkGapless`) or damaged. `trusting`
 * takes them for whole without looking at their checksums, and does not weigh them.
 */
export function unpack(
  key: DocKey,
  { checkpoint, bulk, events }: Records,
  head: Head,
  { trusting = false } = {},
): Stored {
  checkGapless(
    checkpoint?.n ?? 0,
    events.map(({ n }) => n),
    head,
  )
  const state = checkpoint && decode(checkpointPlace(key, checkpoint.n), checkpoint.record, trusting)
  const apart = unpackBulk(key, checkpoint?.bulk, bulk, trusting)
  const read = events.map(({ n, record }) => ({ n, ...decode(eventPlace(key, n), record, trusting) }))
  return {
    checkpoint: state && {
      n: checkpoint!.n,
      state: state.value,
      ...(apart && { bulk: { n: apart.n, value: apart.value } }),
    },
    events: read.map(({ n, value }) => ({ n, event: value })),
    bytes: {
      checkpoint: state?.bytes ?? 0,
      bulk: apart?.bytes ?? 0,
      events: read.reduce((sum, { bytes }) => sum + bytes, 0),
    },
  }
}

function unpackBulk(key: DocKey, n: number | undefined, bulk: Numbered<unknown> | null, trusting: boolean) {
  if (n === undefined) return null
  if (bulk?.n !== n) throw logFailed(`${bulkPlace(key, n)} is missing`)
  return { n, ...decode(bulkPlace(key, n), bulk.record, trusting) }
}

/** Where a record belongs, in words that an error can use. */
export const eventPlace = (key: DocKey, n: number) => `event ${n} of ${keyText(key)}`
export const checkpointPlace = (key: DocKey, n: number) => `the checkpoint at event ${n} of ${keyText(key)}`
export const bulkPlace = (key: DocKey, n: number) => `the bulk of event ${n} of ${keyText(key)}`

/** The value of a record and the bytes of its text; throws `LOG_FAILED` if it is not what was written here. */
function decode(place: string, record: unknown, trusting: boolean): { value: unknown; bytes: number } {
  if (typeof record !== 'string') throw logFailed(`${place} is damaged: it is not a record`)
  const text = record.slice(SUM_DIGITS)
  if (trusting) return { value: contentOf(text), bytes: 0 }
  const { sum, bytes } = sumOf(place, text)
  if (record.slice(0, SUM_DIGITS) !== sum) throw logFailed(`${place} is damaged: its checksum does not fit`)
  return { value: contentOf(text), bytes }
}

const contentOf = (text: string): unknown => (text[0] === AS_IT_IS ? text.slice(1) : JSON.parse(text))

/** The record that `compress` was given; throws `LOG_FAILED` if the bytes are damaged. */
export async function decompress(place: string, stored: unknown): Promise<unknown> {
  if (!(stored instanceof Uint8Array)) return stored
  try {
    return new TextDecoder().decode(await through(stored, new DecompressionStream(FORMAT)))
  } catch (reason) {
    throw logFailed(`${place} is damaged: ${logFailed(reason).message}`)
  }
}

export const utf8 = (text: string) => new TextEncoder().encode(text)

export async function through(
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

/** Of the UTF-8 of the two, one after the other; and the bytes of the text. */
export function sumOf(place: string, text: string): { sum: string; bytes: number } {
  const bytes = utf8(place + text)
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ bytes[i]!) & 0xff]!
  const sum = (~crc >>> 0).toString(16).padStart(SUM_DIGITS, '0')
  return { sum, bytes: bytes.length - utf8(place).length }
}
