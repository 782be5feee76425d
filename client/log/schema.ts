/**
 * The shape of the log's database, and how each version of it came from the one before.
 *
 *   meta         'owner'               -> {device, epoch, docs}   see `Identity`; `docs` counts the numbers that were given
 *   docs         [collection, id]      -> {no, head, summary, ...}    written with a summary or a checkpoint, not with an edit
 *   checkpoints  [collection, id]      -> {n, record, bulk?}      n = `head.covered`; `bulk` is the n of the one it stands on
 *   bulks        [collection, id]      -> {n, record}
 *   events       no * 2^32 + n         -> record                  `head.covered` < n, up to `head.last` at least
 *                (no + 1) * 2^32       -> ''                      behind the document's events, whether it has any or not
 *
 * A record is that of record.ts; a large checkpoint's or bulk's is compressed. The key of an event is all that tells its number,
 * and its document by a number that no other one ever gets, so that an edit of one character is one small record. `docs` has two indexes with only those documents in them that
 * they are for, in the order in which they are wanted.
 *
 * The record behind a document's events is where whoever reads them comes to an end. Without it Chromium passes over all that was
 * removed behind them until there is something else: 1 ms for 5,000 events, on the way to the first sight of a document.
 */

import { type DocKey, keyText, newSrc } from '../../ops/identity.ts'
import {
  type Checkpoint,
  type Head,
  type Identity,
  isClean,
  type LogEvent,
  noHead,
  type Summary,
} from './log.ts'
import { encode } from './packing.ts'
import { eventAt, type SCHEMA_VERSION } from './reading.ts'
import { checkpointPlace, eventPlace } from './record.ts'
import { asked } from './requests.ts'

export type DocPath = [collection: string, id: string]

export interface DocRecord {
  /** From 1; a document that was forgotten gets another one when it comes again. */
  readonly no: number
  /** As it was when this was written: the last event may be a later one. */
  readonly head: Head
  readonly summary: Summary | null
  /** Of documents with unsent edits: pinned ones (0) before others (1), the newest first. */
  readonly due?: [rank: number, age: number]
  /** When a clean document was last used. */
  readonly clean?: number
}

export type Owner = Omit<Identity, 'fresh'> & { readonly docs: number }

/** A document's record with what the indexes need of it. */
export const docRecord = (no: number, head: Head, summary: Summary | null): DocRecord => ({
  no,
  ...indexed(head, summary),
})

function indexed(head: Head, summary: Summary | null): Omit<DocRecord, 'no'> {
  if (summary === null) return { head, summary }
  if (summary.unsent > 0) return { head, summary, due: [summary.pinned ? 0 : 1, -summary.at] }
  return isClean(summary) ? { head, summary, clean: summary.at } : { head, summary }
}

export type RandomBytes = (bytes: Uint8Array<ArrayBuffer>) => unknown

type Step = (tx: IDBTransaction, random: RandomBytes) => Promise<void>

/** The step at place n makes version n + 1 of version n, inside the one transaction that upgrades. Never change one. */
const steps = [
  makeVersion1,
  makeVersion2,
  makeVersion3,
  makeVersion4,
  makeVersion5,
] as const satisfies readonly Step[] & {
  readonly length: typeof SCHEMA_VERSION
}

export async function upgrade(tx: IDBTransaction, from: number, random: RandomBytes): Promise<void> {
  for (const step of steps.slice(from)) await step(tx, random)
}

async function makeVersion1({ db }: IDBTransaction): Promise<void> {
  for (const store of ['docs', 'checkpoints', 'events']) db.createObjectStore(store)
}

/** Version 1 had no owner, no checksums, no indexes, and wrote `docs` with every edit. */
async function makeVersion2(tx: IDBTransaction, random: RandomBytes): Promise<void> {
  const owner = { device: newSrc(random), epoch: 0 }
  tx.db.createObjectStore('meta').put(owner, 'owner')
  const docs = tx.objectStore('docs')
  docs.createIndex('due', 'due')
  docs.createIndex('clean', 'clean')
  await rewrite(tx, 'docs', ({ head, summary }: { head: Head; summary: Summary | null }) =>
    indexed(head, summary && { ...summary, pinned: false, bytes: 0 }),
  )
  await rewrite(tx, 'checkpoints', ({ n, state }: Checkpoint, path) => ({
    n,
    record: encode(checkpointPlace(keyAt(path), n), state),
  }))
  await rewrite(tx, 'events', ({ n, event }: LogEvent, path) => encode(eventPlace(keyAt(path), n), event))
}

/** Version 2 kept the whole state in its checkpoint; those stay as they are, until the next one. */
async function makeVersion3({ db }: IDBTransaction): Promise<void> {
  db.createObjectStore('bulks')
}

/** Version 3 had the collection and the id of its document in the key of each event. */
async function makeVersion4(tx: IDBTransaction): Promise<void> {
  const numbers = new Map<string, number>()
  const numberOf = (path: IDBValidKey): number => {
    const at = keyText(keyAt(path))
    const no = numbers.get(at) ?? numbers.size + 1
    numbers.set(at, no)
    return no
  }
  await rewrite(tx, 'docs', (record: object, path) => ({ ...record, no: numberOf(path) }))
  const docs = tx.objectStore('docs')
  const old = tx.objectStore('events')
  old.name = 'events3'
  const events = tx.db.createObjectStore('events')
  await each(old, ({ key, value }) => {
    const [collection, id, n] = key as [...DocPath, number]
    const known = numbers.size
    const no = numberOf([collection, id])
    if (no > known) docs.put({ no, head: noHead, summary: null }, [collection, id])
    events.put(value, eventAt(no, n))
  })
  const meta = tx.objectStore('meta')
  meta.put({ ...(await asked(meta.get('owner'))), docs: numbers.size }, 'owner')
  tx.db.deleteObjectStore('events3')
}

/** Version 4 had nothing behind the events of a document. */
async function makeVersion5(tx: IDBTransaction): Promise<void> {
  await each(tx.objectStore('docs'), ({ value }) => putEnd(tx, value.no))
}

/** Marks the end of the events of document `no`. */
export const putEnd = (tx: IDBTransaction, no: number): unknown =>
  tx.objectStore('events').put('', eventAt(no + 1, 0))

/** Puts in place of each record what `change` makes of it, one at a time: a log need not fit into memory. */
async function rewrite<Old>(
  tx: IDBTransaction,
  store: string,
  change: (old: Old, path: IDBValidKey) => unknown,
) {
  await each(tx.objectStore(store), cursor => cursor.update(change(cursor.value, cursor.key)))
}

async function each(store: IDBObjectStore, task: (cursor: IDBCursorWithValue) => unknown): Promise<void> {
  const records = store.openCursor()
  for (let cursor = await asked(records); cursor; cursor = await asked(records)) {
    task(cursor)
    cursor.continue()
  }
}

export function keyAt(path: IDBValidKey): DocKey {
  const [collection, id] = path as DocPath
  return { collection, id }
}
