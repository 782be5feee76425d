/**
 * The documents as they are now: a bounded cache over the snapshots that are written down and the ops after them.
 *
 * An op costs nothing here that follows the document's length: its snapshot stays in the cache and is written down
 * only once enough ops have passed (the larger the document the more), when the document falls quiet, and at the end.
 * What is not written down is derived from the op log, so a crash loses nothing.
 * What the cache says is used only if its version is the head's, so another process on the same file does no harm.
 */

import { type DocKey, keyText } from '../../ops/identity.ts'
import type { Full } from './adapter.ts'
import { noDocument, replay } from './replay.ts'
import type { DocRow, Tables } from './tables.ts'

export interface SnapshotOptions {
  /** Bound of the cache, by the length of its documents as JSON text. The document used last is always kept. */
  readonly cacheBytes: number
  /** A document without an op for so long is written down (ms). */
  readonly quietMs: number
}

export interface Snapshots {
  /** The document at its head, which `row` names; null: nobody ever wrote it. */
  latest(key: DocKey, row: DocRow | null): Full
  /** Takes over what a commit made of the document; `grown` is the length of its op. */
  moved(key: DocKey, full: Full, grown: number): void
  /** Writes down what is not; ends the waiting. */
  close(): void
}

interface Entry {
  readonly doc: number
  readonly full: Full
  /** Approximate length of the content as JSON text: what it was when it was read or written, and the ops since. */
  readonly bytes: number
  /** The version that is written down. */
  readonly stored: number
  /** When it last changed (ms, monotonic). */
  readonly at: number
}

const dirty = ({ full, stored }: Entry): boolean => stored < full.v

/** A snapshot is due after so many ops: an op then costs about 1 kB of writing, a cold read 1024 ops at most. */
const due = ({ full, stored, bytes }: Entry): boolean =>
  full.v - stored >= Math.min(1024, Math.max(64, bytes / 1024))

/** `transact` runs its argument in one write transaction. */
export function snapshotsOf(
  tables: Tables,
  transact: (work: () => void) => void,
  counts: { snapshots: number },
  { cacheBytes, quietMs }: SnapshotOptions,
): Snapshots {
  // A Map keeps the order of insertion: the entry used last is put at the end, the first ones are evicted.
  const entries = new Map<string, Entry>()
  let total = 0
  const overdue = new Map<string, Entry>()
  let writing: NodeJS.Immediate | undefined
  let sweeping: NodeJS.Timeout | undefined

  function keep(text: string, entry: Entry): void {
    total += entry.bytes - (entries.get(text)?.bytes ?? 0)
    entries.delete(text)
    entries.set(text, entry)
    for (const [oldest, { bytes }] of entries) {
      if (total <= cacheBytes || oldest === text) break
      entries.delete(oldest)
      total -= bytes
    }
  }

  /** A failure is no loss: the entry stays dirty and its turn comes again, and the log has every op. */
  function write(chosen: readonly (readonly [text: string, entry: Entry])[]): void {
    if (chosen.length === 0) return
    const lengths: number[] = []
    try {
      transact(() => {
        for (const [, { doc, full }] of chosen) lengths.push(tables.saveSnapshot(doc, full))
      })
    } catch {
      return
    }
    counts.snapshots += chosen.length
    chosen.forEach(([text, { full }], i) => {
      const entry = entries.get(text)
      if (!entry) return
      const bytes = entry.full === full ? lengths[i]! : entry.bytes
      total += bytes - entry.bytes
      entries.set(text, { ...entry, bytes, stored: Math.max(entry.stored, full.v) })
    })
  }

  const unwritten = () => [...entries].filter(([, entry]) => dirty(entry))

  function schedule(text: string, entry: Entry): void {
    if (due(entry)) {
      // Remembered apart from the cache, which may evict it before its turn.
      overdue.set(text, entry)
      writing ??= setImmediate(() => {
        writing = undefined
        write([...overdue])
        overdue.clear()
      })
    }
    sweeping ??= setTimeout(sweep, quietMs).unref()
  }

  function sweep(): void {
    const since = performance.now() - quietMs
    write(unwritten().filter(([, { at }]) => at <= since))
    sweeping = unwritten().length > 0 ? setTimeout(sweep, quietMs).unref() : undefined
  }

  /** The newest that is known of the document, in the cache or written down, and not beyond its head. */
  function known(text: string, { num, v }: DocRow): Entry {
    const entry = entries.get(text)
    if (entry && entry.full.v <= v) return entry
    const found = tables.snapshot(num)
    const { full, bytes } = found && found.full.v <= v ? found : { full: noDocument, bytes: 0 }
    return { doc: num, full, bytes, stored: full.v, at: performance.now() }
  }

  return {
    latest(key, row) {
      if (!row) return noDocument
      const text = keyText(key)
      let entry = known(text, row)
      if (entry.full.v < row.v) {
        const ops = tables.ops(row.num, entry.full.v, row.v)
        const grown = JSON.stringify(ops).length
        entry = { ...entry, full: replay(entry.full, ops), bytes: entry.bytes + grown }
      }
      keep(text, entry)
      return entry.full
    },

    moved(key, full, grown) {
      const text = keyText(key)
      const former = entries.get(text)
      // Evicted between its read and its commit, or overtaken: the next read derives it.
      if (!former && full.v > 1) return
      if (former && former.full.v !== full.v - 1) return
      const doc = former?.doc ?? tables.doc(key)!.num
      const bytes = full.type === null ? 0 : (former?.bytes ?? 0) + grown
      const entry = { doc, full, bytes, stored: former?.stored ?? 0, at: performance.now() }
      keep(text, entry)
      schedule(text, entry)
    },

    close() {
      clearImmediate(writing)
      clearTimeout(sweeping)
      write(unwritten())
    },
  }
}
