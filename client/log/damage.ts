/** What can happen to a storage behind its log's back, done to a `MemoryStorage`: for tests and the simulation. */

import { type DocKey, keyText } from '../../ops/identity.ts'
import { commitAll, type MemoryStorage, memoryStorage } from './memory.ts'

/**
 * Goes back to what `fraction` (0 to 1) of all commits made, the openings among them, over all documents in the order in
 * which they were written: what Chromium finds in a LevelDB that was cut. The storage must have its `history`.
 */
export function truncate(storage: MemoryStorage, fraction: number): void {
  const { docs, history } = storage
  if (history === null) throw new Error('a storage without its history cannot be cut')
  const rest = history.slice(0, Math.floor(history.length * fraction))
  history.length = 0
  docs.clear()
  storage.owner = null
  for (const committed of rest) {
    if ('writes' in committed) commitAll(storage, committed.writes)
    else {
      storage.owner = committed.owner
      history.push(committed)
    }
  }
}

/** Flips a bit in the record of event `n`, or else in that of the checkpoint at `n`. */
export function corrupt({ docs }: MemoryStorage, key: DocKey, n: number): void {
  const record = docs.get(keyText(key))
  const event = record?.events.findIndex(event => event.n === n) ?? -1
  if (event >= 0) record!.events[event] = { n, record: flipped(record!.events[event]!.record) }
  else if (record?.checkpoint?.n === n)
    record.checkpoint = { ...record.checkpoint, record: flipped(record.checkpoint.record) }
  else throw new Error(`there is no record ${n} of ${keyText(key)}`)
}

/** A bit of the character in the middle. */
export function flipped(record: string): string {
  const middle = record.length >> 1
  return (
    record.slice(0, middle) + String.fromCharCode(record.charCodeAt(middle) ^ 1) + record.slice(middle + 1)
  )
}

/** The browser evicts it: all is gone, the logs that are open on it are told, and the next one makes it anew. */
export function wipe(storage: MemoryStorage): void {
  storage.docs.clear()
  storage.owner = null
  storage.history?.splice(0)
  for (const lose of [...storage.open]) lose('the storage was evicted')
  storage.open.clear()
}

/** The same storage on another device, as a copied profile is: with the same id, and its logs raise the same epochs. */
export function clone({ docs, owner, history }: MemoryStorage): MemoryStorage {
  const copy = memoryStorage({ history: history !== null })
  copy.owner = owner
  copy.history?.push(...history!)
  for (const [at, record] of docs) copy.docs.set(at, { ...record, events: [...record.events] })
  return copy
}
