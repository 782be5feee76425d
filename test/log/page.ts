/** What the page of the log's browser tests offers to them: the contract, and a device log to drive by hand. */

import { deleteDB, type IDBPDatabase, openDB } from 'idb'
import { flipped } from '../../client/log/damage.ts'
import type { DatabaseOptions } from '../../client/log/database.ts'
import { openDeviceLog } from '../../client/log/device.ts'
import { openIdbLog } from '../../client/log/idb.ts'
import type { Checkpoint, Identity, Listed, Log, LogEvent, Stored, Write } from '../../client/log/log.ts'
import { eventAt, glance, numberAt, openToRead } from '../../client/log/reading.ts'
import type { DocKey } from '../../ops/identity.ts'
import type { Home } from './check.ts'
import { contract } from './contract.ts'

/** A settled call: a page cannot hand an error with its code to the test as it is. */
export type Settled<T> = { readonly value: T } | { readonly code: string; readonly message: string }

export interface LogPage {
  /** Runs a rule of the contract on a new database; the error's text, or null. */
  rule(title: string): Promise<string | null>
  /** Opens the device log `name` (or just its database) and keeps it for the calls below. */
  open(name: string, as: 'device' | 'database', options?: DatabaseOptions): Promise<Settled<null>>
  /** Makes the database as version 1 of the log did; `keep` leaves it open: a tab that lets go when asked, or never. */
  makeVersion1(name: string, docs: readonly Version1[], keep?: 'kind' | 'frozen'): Promise<Settled<null>>
  /** As versions 2 to 4 did: records are texts with their checksums, and a checkpoint may be compressed. */
  makeVersion2(name: string, docs: readonly Version2[], version?: 2 | 3 | 4): Promise<Settled<null>>
  /** How many documents' events have an end, and whose have none. */
  ends(name: string): Promise<{ readonly count: number; readonly without: readonly string[] }>
  /** Reads a document beside whoever has the log open, as a tab does. */
  read(name: string, key: DocKey): Promise<Settled<Stored | null>>
  /** Flips a bit of a document's bulk. */
  harmBulk(name: string, key: DocKey): Promise<void>
  identity(): Identity
  load(key: DocKey): Promise<Settled<Stored>>
  list(): Promise<Settled<readonly Listed[]>>
  unsent(): Promise<Settled<readonly DocKey[]>>
  /** What the log said when its database vanished; waits for it. */
  lost(): Promise<{ readonly code: string; readonly message: string }>
  /** The bytes of each checkpoint that is stored compressed; null for one that is text. */
  checkpoints(name: string): Promise<readonly (number | null)[]>
  write(writes: readonly Write[]): Promise<Settled<null>>
  /** Writes one event of `bytes` characters. */
  writeLarge(key: DocKey, n: number, bytes: number): Promise<Settled<null>>
  /** Writes the events `n`, `n + 1`, ... one by one without an end; `saved` says how far it came. */
  writeOnAndOn(key: DocKey, n: number): void
  readonly saved: number
  /** The numbers of the events that the log has. */
  numbers(key: DocKey): Promise<Settled<readonly number[]>>
  /** Opens the database as a newer version of the program would. */
  upgrade(name: string): Promise<Settled<null>>
  close(): Promise<Settled<null>>
}

/** A document in the database of version 1. */
export interface Version1 {
  readonly key: DocKey
  readonly head: { readonly last: number; readonly covered: number }
  readonly summary: object | null
  readonly checkpoint?: Checkpoint
  readonly events: readonly LogEvent[]
}

export interface Version2 {
  readonly key: DocKey
  /** None where nothing but edits was written. */
  readonly record?: object
  readonly checkpoint?: { readonly n: number; readonly record: string; readonly compressed?: true }
  readonly events: readonly { readonly n: number; readonly record: string }[]
}

let log: Log | null = null
let saved = 0
let homes = 0

async function settled<T>(task: Promise<T>): Promise<Settled<T>> {
  return task.then(
    value => ({ value }),
    error => ({ code: String(error.code), message: String(error.message) }),
  )
}

async function read(name: string, key: DocKey): Promise<Stored | null> {
  const db = await openToRead(name)
  try {
    return db && (await glance(db, key))
  } finally {
    db?.close()
  }
}

/** The database `name` behind its log's back. */
async function behind<T>(name: string, task: (db: IDBPDatabase) => Promise<T>): Promise<T> {
  const db = await openDB(name)
  try {
    return await task(db)
  } finally {
    db.close()
  }
}

const homeOf = (name: string): Home => ({
  open: () => openIdbLog(name),
  raw: () => behind(name, raw),
  lose: (key, n) => behind(name, async db => db.delete('events', await placeOf(db, key, n))),
  corrupt: (key, n) => behind(name, db => corrupt(db, key, n)),
  harmBulk: ({ collection, id }, how) =>
    behind(name, async db => {
      const path = [collection, id]
      const { n, record } = await db.get('bulks', path)
      if (how === 'lose') await db.delete('bulks', path)
      else await db.put('bulks', { n, record: flipped(record) }, path)
    }),
  swap: (one, n, other, m) =>
    behind(name, async db => {
      const [a, b] = [await placeOf(db, one, n), await placeOf(db, other, m)]
      const [former, latter] = [await db.get('events', a), await db.get('events', b)]
      await db.put('events', latter, a)
      await db.put('events', former, b)
    }),
  evict: () => deleteDB(name),
})

/** A line for each record. */
async function raw(db: IDBPDatabase): Promise<string[]> {
  const lines: string[] = []
  for (const store of db.objectStoreNames) {
    const [keys, values] = [await db.getAllKeys(store), await db.getAll(store)]
    for (const [i, value] of values.entries())
      lines.push(
        `${store} ${JSON.stringify(keys[i])} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
      )
  }
  return lines
}

async function placeOf(db: IDBPDatabase, { collection, id }: DocKey, n: number): Promise<number> {
  return eventAt((await db.get('docs', [collection, id])).no, n)
}

async function corrupt(db: IDBPDatabase, { collection, id }: DocKey, n: number): Promise<void> {
  const at = await placeOf(db, { collection, id }, n)
  const event: string | undefined = await db.get('events', at)
  if (event !== undefined) return void (await db.put('events', flipped(event), at))
  const stored = await db.get('checkpoints', [collection, id])
  const { record } = stored
  if (typeof record === 'string') stored.record = flipped(record)
  else record[record.length >> 1] ^= 1
  await db.put('checkpoints', stored, [collection, id])
}

const page: LogPage = {
  async rule(title) {
    const name = `rule-${homes++}`
    const { run } = contract.find(rule => rule.title === title)!
    try {
      await run(homeOf(name))
      return null
    } catch (error) {
      return error instanceof Error ? `${error.message}\n${error.stack}` : String(error)
    }
  },
  open: (name, as, options) =>
    settled(
      (as === 'device' ? openDeviceLog(name) : openIdbLog(name, options)).then(opened => {
        log = opened
        return null
      }),
    ),
  makeVersion1: (name, docs, keep) => settled(makeVersion1(name, docs, keep)),
  makeVersion2: (name, docs, version) => settled(makeVersion2(name, docs, version)),
  ends: name =>
    behind(name, async db => {
      const ends = new Set((await db.getAllKeys('events')).filter(at => numberAt(at) === 0))
      const [paths, docs] = [await db.getAllKeys('docs'), await db.getAll('docs')]
      const without = docs.flatMap(({ no }, i) => (ends.has(eventAt(no + 1, 0)) ? [] : [String(paths[i])]))
      return { count: ends.size, without }
    }),
  read: (name, key) => settled(read(name, key)),
  harmBulk: (name, key) => homeOf(name).harmBulk(key, 'flip'),
  identity: () => log!.identity,
  load: key => settled(log!.load(key)),
  list: () => settled(log!.list()),
  unsent: () => settled(log!.unsent()),
  lost: () =>
    new Promise(resolve => {
      log!.onLost(({ code, message }) => resolve({ code, message }))
    }),
  checkpoints: name =>
    behind(name, async db => {
      const stored: { record: string | Uint8Array }[] = await db.getAll('checkpoints')
      return stored.map(({ record }) => (typeof record === 'string' ? null : record.length))
    }),
  write: writes => settled(log!.write(writes).then(() => null)),
  writeLarge: (key, n, bytes) =>
    settled(log!.write([{ key, events: [{ n, event: randomText(bytes) }] }]).then(() => null)),
  writeOnAndOn(key, n) {
    log!.write([{ key, events: [{ n, event: n }] }]).then(() => {
      saved = n
      page.writeOnAndOn(key, n + 1)
    })
  },
  get saved() {
    return saved
  },
  numbers: key => settled(log!.load(key).then(({ events }) => events.map(({ n }) => n))),
  upgrade: name =>
    settled(
      openDB(name, 1_000).then(db => {
        db.close()
        return null
      }),
    ),
  close: () => settled(log!.close().then(() => null)),
}

/** By the platform's own words, as there is nothing left of that version. */
function makeVersion1(name: string, docs: readonly Version1[], keep?: 'kind' | 'frozen'): Promise<null> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, 1)
    opening.onerror = () => reject(opening.error)
    opening.onupgradeneeded = () => {
      for (const store of ['docs', 'checkpoints', 'events']) opening.result.createObjectStore(store)
    }
    opening.onsuccess = () => {
      const db = opening.result
      if (keep === 'kind') db.onversionchange = () => db.close()
      const tx = db.transaction(['docs', 'checkpoints', 'events'], 'readwrite')
      for (const { key, head, summary, checkpoint, events } of docs) {
        const path = [key.collection, key.id]
        tx.objectStore('docs').put({ head, summary }, path)
        if (checkpoint) tx.objectStore('checkpoints').put(checkpoint, path)
        for (const event of events) tx.objectStore('events').add(event, [...path, event.n])
      }
      tx.onabort = () => reject(tx.error)
      tx.oncomplete = () => {
        if (!keep) db.close()
        resolve(null)
      }
    }
  })
}

async function makeVersion2(name: string, docs: readonly Version2[], version = 2): Promise<null> {
  const checkpoints = await Promise.all(
    docs.map(({ checkpoint }) => checkpoint && packedCheckpoint(checkpoint)),
  )
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, version)
    opening.onerror = () => reject(opening.error)
    opening.onupgradeneeded = () => {
      for (const store of ['docs', 'checkpoints', 'events', 'meta', ...(version > 2 ? ['bulks'] : [])])
        opening.result.createObjectStore(store)
      const at = opening.transaction!
      for (const index of ['due', 'clean']) at.objectStore('docs').createIndex(index, index)
      const owner = { device: 'ab'.repeat(16), epoch: 7, ...(version > 3 && { docs: docs.length }) }
      at.objectStore('meta').put(owner, 'owner')
      for (const [i, { key, record, events }] of docs.entries()) {
        const path = [key.collection, key.id]
        if (record) at.objectStore('docs').put(version > 3 ? { ...record, no: i + 1 } : record, path)
        if (checkpoints[i]) at.objectStore('checkpoints').put(checkpoints[i], path)
        for (const { n, record } of events)
          at.objectStore('events').add(record, version > 3 ? eventAt(i + 1, n) : [...path, n])
      }
      at.oncomplete = () => {
        opening.result.close()
        resolve(null)
      }
    }
  })
}

async function packedCheckpoint({ n, record, compressed }: NonNullable<Version2['checkpoint']>) {
  if (!compressed) return { n, record }
  const stream = new Blob([record]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  return { n, record: new Uint8Array(await new Response(stream).arrayBuffer()) }
}

/** Text that does not compress, or a storage that compresses would not fill. */
function randomText(length: number): string {
  const bytes = new Uint8Array(65_536)
  let text = ''
  while (text.length < length) {
    crypto.getRandomValues(bytes)
    text += Array.from(bytes, byte => String.fromCharCode(32 + (byte % 90))).join('')
  }
  return text.slice(0, length)
}

Object.assign(globalThis, { logPage: page })
