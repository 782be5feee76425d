/**
 * The log in IndexedDB (its stores: schema.ts).
 *
 * One `write` is one transaction, and one runs at a time. It is saved when the transaction is complete: a request may
 * succeed and the transaction abort after it (Chromium does so at the quota). Durability is `strict`, or a power cut
 * could take a write back that was reported as saved; it costs about 2 ms in Chromium, and the caller batches.
 *
 * The owner of the log is the only writer, so it remembers how far each document goes instead of writing it down, and
 * reads in each transaction that it is still the owner. A typed character is 107 bytes of key and record in Chromium's
 * file, among some 580 that a transaction costs there.
 */

import type { IDBPTransaction } from 'idb'
import { type DocKey, keyText } from '../../ops/identity.ts'
import { type DatabaseOptions, openDatabase } from './database.ts'
import {
  advance,
  checkOwner,
  type Head,
  type Identity,
  type Listed,
  type Log,
  logFailed,
  losing,
  noHead,
  type Stored,
  type Summary,
} from './log.ts'
import { compress, type Packed, pack } from './packing.ts'
import { abort, type Database, decompressed, eventsAfter, path, READ, readRecords } from './reading.ts'
import { type Numbered, type Standing, unpack } from './record.ts'
import { type DocPath, docRecord, type Schema } from './schema.ts'

const WRITTEN = ['meta', 'docs', 'checkpoints', 'bulks', 'events'] as const

type WriteTransaction = IDBPTransaction<Schema, typeof WRITTEN, 'readwrite'>
type Ready = Omit<Packed, 'checkpoint' | 'bulk'> & {
  readonly checkpoint?: Standing<string | Uint8Array>
  readonly bulk?: Numbered<string | Uint8Array>
}

/** A document as the owner remembers it. */
interface Known {
  readonly head: Head
  readonly summary: Summary | null
}
type Docs = Map<string, readonly [DocKey, Known]>

/**
 * Opens the database `name` on this origin, makes it if need be, and takes it over: what a former owner writes from
 * here on is refused. Rejects with `LOG_FAILED` when there is no IndexedDB, when it does not open, when a newer version
 * of the program made it, or when a tab with an older one does not let go.
 */
export async function openIdbLog(name: string, options: DatabaseOptions = {}): Promise<Log> {
  const lost = losing()
  try {
    const { db, identity } = await openDatabase(name, options, lost.lose)
    return logOn(db, identity, lost)
  } catch (reason) {
    throw logFailed(reason)
  }
}

function logOn(db: Database, identity: Identity, lost: ReturnType<typeof losing>): Log {
  const docs: Docs = new Map()
  let written: Promise<unknown> = Promise.resolve()
  let closed = false

  /** Runs `task` when all writes that were called before it are done. */
  async function after<T>(task: () => Promise<T>): Promise<T> {
    if (closed) throw logFailed('the log is closed')
    await written
    lost.check()
    try {
      return await task()
    } catch (reason) {
      lost.check() // says more than a transaction that was cut off
      throw logFailed(reason)
    }
  }

  return {
    identity,
    load: key => after(() => load(db, key, docs.get(keyText(key))?.[1].head ?? noHead)),
    async write(writes) {
      const packed = writes.map(pack)
      const ready = Promise.all(packed.map(withCompression)) // while the writes before it are on their way
      ready.catch(() => {}) // nobody waits for it in a log that is closed or lost
      const done = after(async () => write(db, identity, docs, await ready))
      written = done.catch(() => {})
      return done
    },
    list: () => after(() => list(db)),
    unsent: () => after(() => unsent(db)),
    clean: limit => after(() => clean(db, limit)),
    onLost: lost.onLost,
    async close() {
      closed = true
      await written
      db.close() // lets the reads that run come to their end
    },
  }
}

// ---- writing ----

/** A transaction cannot wait for a stream, so this comes before it. */
const withCompression = async ({ checkpoint, bulk, ...write }: Packed): Promise<Ready> => ({
  ...write,
  ...(checkpoint && { checkpoint: { ...checkpoint, record: await compress(checkpoint.record) } }),
  ...(bulk && { bulk: { ...bulk, record: await compress(bulk.record) } }),
})

/** `docs` is what the owner remembers; it changes once the transaction is complete. */
async function write(db: Database, identity: Identity, docs: Docs, writes: readonly Ready[]): Promise<void> {
  const tx = db.transaction(WRITTEN, 'readwrite', { durability: 'strict' })
  const failed = firstFailure()
  const complete = tx.done.catch(failed.note)
  let after: Docs | null = null
  try {
    const [owner, found] = await Promise.all([tx.objectStore('meta').get('owner'), find(tx, docs, writes)])
    checkOwner(identity, owner)
    after = next(found, writes)
    for (const one of writes) for (const request of put(tx, one)) request.catch(failed.note)
    for (const request of putDocs(tx, after, writes)) request.catch(failed.note)
    tx.commit()
  } catch (reason) {
    failed.note(reason)
    abort(tx)
  }
  await complete
  failed.check()
  for (const [at, known] of after!) docs.set(at, known)
}

/** The documents that `writes` are about, as they are remembered, or else as the database has them. */
async function find(tx: WriteTransaction, docs: Docs, writes: readonly Ready[]): Promise<Docs> {
  const found: Docs = new Map()
  for (const { key } of writes) {
    const at = keyText(key)
    if (!found.has(at)) found.set(at, docs.get(at) ?? [key, await read(tx, key)])
  }
  return found
}

async function read(tx: WriteTransaction, key: DocKey): Promise<Known> {
  const [record, newest] = await Promise.all([
    tx.objectStore('docs').get(path(key)),
    tx.objectStore('events').openKeyCursor(allEvents(key), 'prev'),
  ])
  const { last, covered } = record?.head ?? noHead
  return { head: { last: Math.max(last, newest?.key[2] ?? 0), covered }, summary: record?.summary ?? null }
}

/** The same documents after `writes`; throws `LOG_FAILED` if one does not follow on. */
function next(found: Docs, writes: readonly Ready[]): Docs {
  const after: Docs = new Map(found)
  for (const write of writes) {
    const [key, { head, summary }] = after.get(keyText(write.key))!
    const known = {
      head: advance(head, write),
      summary: write.forget ? null : (write.summary ?? summary),
    }
    after.set(keyText(key), [key, known])
  }
  return after
}

/** Everything that `write` changes but the document's record. */
function put(tx: WriteTransaction, { key, events, checkpoint, bulk, forget }: Ready): Promise<unknown>[] {
  const states = tx.objectStore('checkpoints')
  const bulks = tx.objectStore('bulks')
  const log = tx.objectStore('events')
  if (forget) return [states.delete(path(key)), bulks.delete(path(key)), log.delete(allEvents(key))]
  const requests: Promise<unknown>[] = events.map(({ n, record }) => log.add(record, [...path(key), n]))
  if (checkpoint) requests.push(states.put(checkpoint, path(key)), log.delete(eventsTo(key, checkpoint.n)))
  if (bulk) requests.push(bulks.put(bulk, path(key)))
  else if (checkpoint && checkpoint.bulk === undefined) requests.push(bulks.delete(path(key)))
  return requests
}

/** The records of those documents that get a summary or a checkpoint; an edit alone changes none. */
function* putDocs(tx: WriteTransaction, after: Docs, writes: readonly Ready[]): Iterable<Promise<unknown>> {
  const store = tx.objectStore('docs')
  const forgotten = new Map<string, boolean>()
  for (const { key, summary, checkpoint, forget } of writes)
    if (summary || checkpoint || forget) forgotten.set(keyText(key), forget === true)
  for (const [at, gone] of forgotten) {
    const [key, { head, summary }] = after.get(at)!
    yield gone ? store.delete(path(key)) : store.put(docRecord(head, summary), path(key))
  }
}

// ---- reading ----

/** `head` is what the owner remembers of the document. */
async function load(db: Database, key: DocKey, head: Head): Promise<Stored> {
  const tx = db.transaction(READ, 'readonly')
  const [record, records] = await Promise.all([
    tx.objectStore('docs').get(path(key)),
    readRecords(tx, key),
    tx.done,
  ])
  const { last, covered } = record?.head ?? noHead
  const upTo = { last: Math.max(last, head.last), covered }
  const read = await decompressed(key, records)
  try {
    return unpack(key, read, upTo)
  } catch {
    const keys = await db.getAllKeys('events', eventsAfter(key, read.checkpoint?.n ?? 0))
    const events = read.events.map(({ record }, i) => ({ n: keys[i]![2], record }))
    return unpack(key, { ...read, events }, upTo) // says what is missing
  }
}

async function list(db: Database): Promise<Listed[]> {
  const tx = db.transaction('docs', 'readonly')
  const [paths, records] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll(), tx.done])
  return listed(paths, records)
}

async function unsent(db: Database): Promise<DocKey[]> {
  return (await db.getAllKeysFromIndex('docs', 'due')).map(keyOf)
}

async function clean(db: Database, limit: number): Promise<Listed[]> {
  if (limit < 1) return [] // to IndexedDB, 0 is no limit
  const tx = db.transaction('docs', 'readonly')
  const index = tx.store.index('clean')
  const [paths, records] = await Promise.all([
    index.getAllKeys(null, limit),
    index.getAll(null, limit),
    tx.done,
  ])
  return listed(paths, records)
}

const listed = (paths: readonly DocPath[], records: readonly { summary: Summary | null }[]): Listed[] =>
  records.flatMap(({ summary }, i) => (summary ? [{ ...summary, key: keyOf(paths[i]!) }] : []))

const keyOf = ([collection, id]: DocPath): DocKey => ({ collection, id })
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
