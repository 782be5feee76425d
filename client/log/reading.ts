/**
 * Reading the log's database: what its owner does of it, and all that a page does that reads beside the owner. Kept apart
 * from writing, because it is part of what every page loads.
 */

import type { DocKey } from '../../ops/identity.ts'
import type { Stored } from './log.ts'
import { bulkPlace, checkpointPlace, decompress, type Numbered, type Records, unpack } from './record.ts'
import { abort, asked } from './requests.ts'
import type { DocPath, DocRecord } from './schema.ts'

/** Of the database's shape: schema.ts. */
export const SCHEMA_VERSION = 5

/** The database as it is, without changing anything; null if it is not there, or of another version. */
export async function openToRead(name: string): Promise<IDBDatabase | null> {
  const opening = indexedDB.open(name)
  // It is not there, and must not come into being.
  opening.onupgradeneeded = () => abort(opening.transaction!)
  const db = await asked(opening).catch(() => null)
  if (db === null) return null
  db.onversionchange = () => db.close()
  if (db.version === SCHEMA_VERSION) return db
  db.close()
  return null
}

/**
 * What the log has of a document, read beside its owner and taken for whole: the owner finds out whether it is, and how far it
 * should go. The checksums of a megabyte take 40 ms in a page that has just been loaded.
 */
export async function glance(db: IDBDatabase, key: DocKey): Promise<Stored> {
  const [records] = await readRecords(db.transaction(READ, 'readonly'), key)
  const covered = records.checkpoint?.n ?? 0
  return unpack(key, await decompressed(key, records), { last: covered, covered }, { trusting: true })
}

/** The stores that a document is read from. */
export const READ = ['docs', 'checkpoints', 'bulks', 'events'] as const

/**
 * The events are numbered from the checkpoint on: each checksum is of the place, too, so if all fit, none is missing, and the
 * keys need not be read. They are asked for last, because what was removed up to the checkpoint is still in the database's
 * way for a while: it takes milliseconds to pass over some thousands of them.
 */
export async function readRecords(
  tx: IDBTransaction,
  key: DocKey,
): Promise<readonly [Records, DocRecord | undefined]> {
  // The largest first: Chromium has it in a file of its own.
  const apart = asked(tx.objectStore('bulks').get(path(key)))
  const doc = asked<DocRecord | undefined>(tx.objectStore('docs').get(path(key)))
  const state = asked(tx.objectStore('checkpoints').get(path(key)))
  apart.catch(() => {}) // it fails below, unless what is awaited before has failed
  const [record, checkpoint = null] = await Promise.all([doc, state])
  const covered = checkpoint?.n ?? 0
  const events = record ? await asked(tx.objectStore('events').getAll(eventsAfter(record.no, covered))) : []
  const records = {
    checkpoint,
    bulk: (await apart) ?? null,
    events: events.map((event, i) => ({ n: covered + 1 + i, record: event })),
  }
  return [records, record]
}

export async function decompressed(key: DocKey, { checkpoint, bulk, events }: Records): Promise<Records> {
  const plain = async <T extends Numbered<unknown>>(place: string, stored: T) => ({
    ...stored,
    record: await decompress(place, stored.record),
  })
  return {
    checkpoint: checkpoint && (await plain(checkpointPlace(key, checkpoint.n), checkpoint)),
    bulk: bulk && (await plain(bulkPlace(key, bulk.n), bulk)),
    events,
  }
}

/** Where a document's records are, but its events. */
export const path = ({ collection, id }: DocKey): DocPath => [collection, id]

/** Above the number of any event; so many documents can have a number: 2^21. */
const EVENTS = 2 ** 32

/** Where event `n` of document `no` is. */
export const eventAt = (no: number, n: number): number => no * EVENTS + n
export const numberAt = (key: IDBValidKey): number => (key as number) % EVENTS
export const eventsAfter = (no: number, n: number) =>
  IDBKeyRange.bound(eventAt(no, n), eventAt(no + 1, 0), true, true)
