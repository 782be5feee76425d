/**
 * The log in IndexedDB.
 *
 *   docs         [collection, id]      -> {head, summary}    one record a document; the list reads only these
 *   checkpoints  [collection, id]      -> {n, state}         n = `head.covered`
 *   events       [collection, id, n]   -> {n, event}         `head.covered` < n <= `head.last`
 *
 * One `write` is one transaction. It is saved when the transaction is complete: a request may succeed and the
 * transaction abort after it (Chromium does so at the quota). Durability is `strict`, or a power cut could take a write
 * back that was reported as saved; it costs about 2 ms in Chromium, and the caller batches.
 *
 * The record of a document holds its head so that a lost event, at the end as well as in the middle, is noticed.
 */

import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from 'idb'
import { type DocKey, keyText } from '../../ops/identity.ts'
import {
  advance,
  type Checkpoint,
  checkGapless,
  type Head,
  type Log,
  type LogEvent,
  logFailed,
  noHead,
  type Stored,
  type Summary,
  type Write,
} from './log.ts'

const SCHEMA_VERSION = 1

type DocPath = [collection: string, id: string]

interface Schema extends DBSchema {
  docs: { key: DocPath; value: { head: Head; summary: Summary | null } }
  checkpoints: { key: DocPath; value: Checkpoint }
  events: { key: [...DocPath, n: number]; value: LogEvent }
}

const STORES = ['docs', 'checkpoints', 'events'] as const

type Database = IDBPDatabase<Schema>
type WriteTransaction = IDBPTransaction<Schema, typeof STORES, 'readwrite'>
type DocRecord = Schema['docs']['value']

/**
 * Opens the database `name` on this origin and makes it if need be. Rejects with `LOG_FAILED` when there is no
 * IndexedDB, when it does not open, or when a newer version of the program made it. Of two logs open on one database
 * the slower writer is refused: `openDeviceLog` sees to it that there is one.
 */
export async function openIdbLog(name: string): Promise<Log> {
  const db = await coded(openDatabase(name))
  let written: Promise<unknown> = Promise.resolve()
  return {
    load: key => coded(load(db, key)),
    write(writes) {
      const done = coded(write(db, writes.slice()))
      written = done.catch(() => {})
      return done
    },
    list: () => coded(list(db)),
    async close() {
      db.close() // lets the transactions that run come to their end, in order: the last one is the last of all
      await written
    },
  }
}

async function openDatabase(name: string): Promise<Database> {
  return openDB<Schema>(name, SCHEMA_VERSION, {
    upgrade(db) {
      for (const store of STORES) db.createObjectStore(store)
    },
    // A newer version of the program wants to change the schema: let it; our next write says that nothing was saved.
    blocking: (_current, _wanted, event) => (event.target as IDBDatabase).close(),
  })
}

/**
 * Asks for all changes at once, so that the values are copied before the caller can touch them, and settles the heads
 * when the old ones have been read; a head that does not follow on takes everything back.
 */
async function write(db: Database, writes: readonly Write[]): Promise<void> {
  const tx = db.transaction(STORES, 'readwrite', { durability: 'strict' })
  const failed = firstFailure()
  const complete = tx.done.catch(failed.note)
  try {
    const reading = readRecords(tx, writes)
    reading.catch(failed.note)
    for (const one of writes) for (const request of put(tx, one)) request.catch(failed.note)
    for (const [key, record] of next(await reading, writes)) {
      const docs = tx.objectStore('docs')
      const request: Promise<unknown> = record ? docs.put(record, path(key)) : docs.delete(path(key))
      request.catch(failed.note)
    }
    tx.commit()
  } catch (reason) {
    failed.note(reason)
    abort(tx)
  }
  await complete
  failed.check()
}

/** Everything that `write` changes but the document's record. */
function put(tx: WriteTransaction, { key, events = [], checkpoint, forget }: Write): Promise<unknown>[] {
  const states = tx.objectStore('checkpoints')
  const log = tx.objectStore('events')
  if (forget) return [states.delete(path(key)), log.delete(allEvents(key))]
  const requests: Promise<unknown>[] = events.map(event => log.add(event, [...path(key), event.n]))
  if (checkpoint) requests.push(states.put(checkpoint, path(key)), log.delete(eventsTo(key, checkpoint.n)))
  return requests
}

type Records = Map<string, readonly [DocKey, DocRecord | null]>

/** The records of the documents that `writes` are about, by `keyText`; null where there is none. */
async function readRecords(tx: WriteTransaction, writes: readonly Write[]): Promise<Records> {
  const keys = new Map(writes.map(({ key }) => [keyText(key), key]))
  const docs = tx.objectStore('docs')
  const reads = Array.from(
    keys,
    async ([at, key]) => [at, [key, (await docs.get(path(key))) ?? null]] as const,
  )
  return new Map(await Promise.all(reads))
}

/** The same records after `writes`; throws `LOG_FAILED` if one does not follow on. */
function next(records: Records, writes: readonly Write[]): Iterable<readonly [DocKey, DocRecord | null]> {
  const after: Records = new Map(records)
  for (const write of writes) {
    const [key, record] = after.get(keyText(write.key))!
    const head = advance(record?.head ?? noHead, write)
    const summary = write.summary ?? record?.summary ?? null
    after.set(keyText(key), [key, write.forget ? null : { head, summary }])
  }
  return after.values()
}

async function load(db: Database, key: DocKey): Promise<Stored> {
  const tx = db.transaction(STORES, 'readonly')
  const [record, checkpoint = null, events] = await Promise.all([
    tx.objectStore('docs').get(path(key)),
    tx.objectStore('checkpoints').get(path(key)),
    tx.objectStore('events').getAll(allEvents(key)),
    tx.done,
  ])
  return checkGapless({ checkpoint, events }, record?.head ?? noHead)
}

async function list(db: Database): Promise<(Summary & { key: DocKey })[]> {
  const tx = db.transaction('docs', 'readonly')
  const [paths, records] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll(), tx.done])
  return records.flatMap(({ summary }, i) => {
    const [collection, id] = paths[i]!
    return summary ? [{ ...summary, key: { collection, id } }] : []
  })
}

const path = ({ collection, id }: DocKey): DocPath => [collection, id]
const eventsTo = (key: DocKey, n: number) => IDBKeyRange.bound(path(key), [...path(key), n])
/** An array sorts after every number. */
const allEvents = (key: DocKey) => IDBKeyRange.bound(path(key), [...path(key), []])

/**
 * The cause among the failures of one transaction. A request that fails aborts the transaction, and idb's `done`
 * rejects before the transaction knows why; at the quota it is the other way round: only the transaction fails.
 */
function firstFailure() {
  let cause: { reason: unknown } | null = null
  return {
    note(reason: unknown): void {
      cause ??= { reason }
    },
    check(): void {
      if (cause) throw cause.reason
    },
  }
}

function abort(tx: WriteTransaction): void {
  try {
    tx.abort()
  } catch {
    // It was aborted already, by the failure that brought us here.
  }
}

async function coded<T>(task: Promise<T>): Promise<T> {
  try {
    return await task
  } catch (reason) {
    throw logFailed(reason)
  }
}
