/**
 * The log in IndexedDB (its stores: schema.ts).
 *
 * One `write` is one transaction, and one runs at a time. It is saved when the transaction is complete: a request may
 * succeed and the transaction abort after it (Chromium does so at the quota). Durability is `strict`, or a power cut
 * could take a write back that was reported as saved; it costs about 2 ms in Chromium, and the caller batches.
 *
 * The owner of the log is the only writer, so it remembers how far each document goes instead of writing it down, and
 * reads in each transaction that it is still the owner. A typed character is some 40 bytes of key and record, among
 * several hundred that a transaction costs in Chromium's file.
 */

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
import { decompressed, eventAt, eventsAfter, numberAt, path, READ, readRecords } from './reading.ts'
import { type Numbered, type Standing, unpack } from './record.ts'
import { abort, asked, completed } from './requests.ts'
import { type DocRecord, docRecord, keyAt, type Owner, putEnd } from './schema.ts'

const WRITTEN = ['meta', 'docs', 'checkpoints', 'bulks', 'events'] as const

type Ready = Omit<Packed, 'checkpoint' | 'bulk'> & {
  readonly checkpoint?: Standing<string | Uint8Array>
  readonly bulk?: Numbered<string | Uint8Array>
}

/** A document as the owner remembers it. */
interface Known {
  /** See schema.ts; null if it has none yet. */
  readonly no: number | null
  readonly head: Head
  readonly summary: Summary | null
}
type Docs = Map<string, readonly [DocKey, Known]>

const unknown: Known = { no: null, head: noHead, summary: null }

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

function logOn(db: IDBDatabase, identity: Identity, lost: ReturnType<typeof losing>): Log {
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
async function write(
  db: IDBDatabase,
  identity: Identity,
  docs: Docs,
  writes: readonly Ready[],
): Promise<void> {
  const tx = db.transaction(WRITTEN, 'readwrite', { durability: 'strict' })
  const complete = completed(tx)
  complete.catch(() => {}) // it fails below, unless what is awaited before has failed
  const after = await ask(tx, identity, docs, writes).catch(async reason => {
    abort(tx)
    await complete.catch(() => {})
    throw reason
  })
  await complete
  for (const [at, known] of after) docs.set(at, known)
}

/** Asks for all that is to be written, and resolves to the documents as they will be. */
async function ask(
  tx: IDBTransaction,
  identity: Identity,
  docs: Docs,
  writes: readonly Ready[],
): Promise<Docs> {
  const meta = tx.objectStore('meta')
  const [owner, after] = await Promise.all([
    asked<Owner | undefined>(meta.get('owner')),
    find(tx, docs, writes),
  ])
  checkOwner(identity, owner)
  let { docs: given } = owner!
  /** Those whose record changes; an edit alone changes none. */
  const changed = new Set<string>()
  for (const write of writes) {
    const at = keyText(write.key)
    const [key, known] = after.get(at)!
    const no = known.no ?? (write.forget ? 0 : ++given)
    if (known.no === null && !write.forget) putEnd(tx, no)
    put(tx, write, no)
    after.set(at, [key, follow(known, write, no)])
    if (known.no === null || write.summary || write.checkpoint || write.forget) changed.add(at)
  }
  for (const at of changed) putDoc(tx, ...after.get(at)!)
  if (given > owner!.docs) meta.put({ ...owner!, docs: given } satisfies Owner, 'owner')
  tx.commit()
  return after
}

/** The documents that `writes` are about, as they are remembered, or else as the database has them. */
async function find(tx: IDBTransaction, docs: Docs, writes: readonly Ready[]): Promise<Docs> {
  const found: Docs = new Map()
  for (const { key } of writes) {
    const at = keyText(key)
    if (!found.has(at)) found.set(at, docs.get(at) ?? [key, await read(tx, key)])
  }
  return found
}

async function read(tx: IDBTransaction, key: DocKey): Promise<Known> {
  const record = await asked<DocRecord | undefined>(tx.objectStore('docs').get(path(key)))
  if (record === undefined) return unknown
  const { no, head, summary } = record
  const newest = await asked(tx.objectStore('events').openKeyCursor(allEvents(no), 'prev'))
  const n = newest ? numberAt(newest.key) : 0
  return { no, head: { ...head, last: Math.max(head.last, n) }, summary }
}

/** The document after a write; throws `LOG_FAILED` if that does not follow on. */
const follow = ({ head, summary }: Known, write: Ready, no: number): Known => ({
  no: write.forget ? null : no,
  head: advance(head, write),
  summary: write.forget ? null : (write.summary ?? summary),
})

/** Everything that `write` changes but the document's record. */
function put(tx: IDBTransaction, { key, events, checkpoint, bulk, forget }: Ready, no: number): void {
  const states = tx.objectStore('checkpoints')
  const bulks = tx.objectStore('bulks')
  const log = tx.objectStore('events')
  if (forget) {
    states.delete(path(key))
    bulks.delete(path(key))
    log.delete(IDBKeyRange.bound(eventAt(no, 0), eventAt(no + 1, 0), true))
    return
  }
  for (const { n, record } of events) log.add(record, eventAt(no, n))
  if (checkpoint) {
    states.put(checkpoint, path(key))
    if (checkpoint.n > 0) log.delete(eventsTo(no, checkpoint.n))
  }
  if (bulk) bulks.put(bulk, path(key))
  else if (checkpoint && checkpoint.bulk === undefined) bulks.delete(path(key))
}

function putDoc(tx: IDBTransaction, key: DocKey, { no, head, summary }: Known): void {
  const store = tx.objectStore('docs')
  if (no === null) store.delete(path(key))
  else store.put(docRecord(no, head, summary), path(key))
}

// ---- reading ----

/** `head` is what the owner remembers of the document. */
async function load(db: IDBDatabase, key: DocKey, head: Head): Promise<Stored> {
  const tx = db.transaction(READ, 'readonly')
  const [[records, record]] = await Promise.all([readRecords(tx, key), completed(tx)])
  const { last, covered } = record?.head ?? noHead
  const upTo = { last: Math.max(last, head.last), covered }
  const read = await decompressed(key, records)
  try {
    return unpack(key, read, upTo)
  } catch {
    const after = eventsAfter(record?.no ?? 0, read.checkpoint?.n ?? 0)
    const keys = await asked(db.transaction('events').objectStore('events').getAllKeys(after))
    const events = read.events.map(({ record }, i) => ({ n: numberAt(keys[i]!), record }))
    return unpack(key, { ...read, events }, upTo) // says what is missing
  }
}

async function list(db: IDBDatabase): Promise<Listed[]> {
  return listed(docsOf(db))
}

async function unsent(db: IDBDatabase): Promise<DocKey[]> {
  return (await asked(docsOf(db).index('due').getAllKeys())).map(keyAt)
}

async function clean(db: IDBDatabase, limit: number): Promise<Listed[]> {
  if (limit < 1) return [] // to IndexedDB, 0 is no limit
  return listed(docsOf(db).index('clean'), limit)
}

const docsOf = (db: IDBDatabase): IDBObjectStore => db.transaction('docs').objectStore('docs')

async function listed(docs: IDBObjectStore | IDBIndex, limit?: number): Promise<Listed[]> {
  const [paths, records] = await Promise.all([
    asked(docs.getAllKeys(null, limit)),
    asked<DocRecord[]>(docs.getAll(null, limit)),
  ])
  return records.flatMap(({ summary }, i) => (summary ? [{ ...summary, key: keyAt(paths[i]!) }] : []))
}
const eventsTo = (no: number, n: number) => IDBKeyRange.bound(eventAt(no, 0), eventAt(no, n), true)
const allEvents = (no: number) => eventsAfter(no, 0)
