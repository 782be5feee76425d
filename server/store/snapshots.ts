/**
 * The documents as they are now: a bounded cache over the snapshots that are written down and the ops after them.
 *
 * An op costs nothing here that follows the document's length: its snapshot stays in the cache and is written down
 * only once enough ops have passed (the larger the document the more), when the document falls quiet, and at the end.
 * What is not written down is derived from the op log, so a crash loses nothing.
 * What the cache says is used if its version is the head's, or by a commit, which fails if it is not.
 */

import { type DocKey, keyText } from '../../ops/identity.ts'
import type { Full } from './adapter.ts'
import type { DocRow, Engine } from './engine.ts'
import type { Log } from './log.ts'
import { noDocument, replay } from './replay.ts'

export interface SnapshotOptions {
  /** Bound of the cache, by the length of its documents as JSON text. The document used last is always kept. */
  readonly cacheBytes: number
  /** A document without an op for so long is written down (ms). */
  readonly quietMs: number
}

interface Entry {
  readonly doc: number
  readonly full: Full
  /** Approximate length of the content as JSON text: what it was when it was read or written, and the ops since. */
  readonly bytes: number
  /** The version that is written down, or being written. */
  readonly stored: number
  /** When it last changed (ms, monotonic). */
  readonly at: number
}

/** A snapshot is due after so many ops: an op then costs about 1 kB of writing, a cold read 1024 ops at most. */
const isDue = ({ full, stored, bytes }: Entry): boolean =>
  full.v - stored >= Math.min(1024, Math.max(64, bytes / 1024))

export class Snapshots {
  readonly #engine: Engine
  readonly #log: Log
  readonly #options: SnapshotOptions
  // A Map keeps the order of insertion: the entry used last is put at the end, the first ones are evicted.
  readonly #entries = new Map<string, Entry>()
  #bytes = 0
  /** Due, and remembered apart from the cache, which may evict them before their turn. */
  readonly #due = new Map<string, Entry>()
  #scheduled: NodeJS.Immediate | undefined
  #sweeping: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  /** How many were written down. */
  written = 0

  constructor(engine: Engine, log: Log, options: SnapshotOptions) {
    this.#engine = engine
    this.#log = log
    this.#options = options
  }

  /** The document as it is remembered, which may be behind what others have committed. */
  remembered(key: DocKey): Full | undefined {
    return this.#entries.get(keyText(key))?.full
  }

  /** Forgets what is remembered of the document; answers whether there was anything. */
  forget(key: DocKey): boolean {
    const text = keyText(key)
    this.#bytes -= this.#entries.get(text)?.bytes ?? 0
    return this.#entries.delete(text)
  }

  /** The document at its head, which `row` names. */
  async latest(key: DocKey, row: DocRow): Promise<Full> {
    const text = keyText(key)
    let entry = this.#entries.get(text)
    // Another server may have trimmed the ops after what is remembered here; it wrote a snapshot down before.
    if (!entry || entry.full.v > row.v || entry.full.v < row.horizon) entry = await this.#stored(row)
    if (entry.full.v < row.v) {
      const ops = await this.#log.ops(row, entry.full.v, row.v)
      const grown = JSON.stringify(ops).length
      entry = { ...entry, full: replay(entry.full, ops), bytes: entry.bytes + grown }
    }
    // A commit may have come meanwhile.
    if ((this.#entries.get(text)?.full.v ?? 0) <= row.v) this.#keep(text, entry)
    return entry.full
  }

  /** Takes over what a commit made of the document; `grown` is the length of its op. */
  moved(key: DocKey, doc: number, full: Full, grown: number): void {
    const text = keyText(key)
    const former = this.#entries.get(text)
    // Evicted between its read and its commit, or overtaken: the next read derives it.
    if (former ? former.full.v !== full.v - 1 : full.v > 1) return
    const bytes = full.type === null ? 0 : (former?.bytes ?? 0) + grown
    const entry = { doc, full, bytes, stored: former?.stored ?? 0, at: performance.now() }
    this.#keep(text, entry)
    this.#schedule(text, entry)
  }

  /** Writes down what is not; ends the waiting. */
  async close(): Promise<void> {
    clearImmediate(this.#scheduled)
    clearTimeout(this.#sweeping)
    await this.#write(this.#unwritten())
  }

  /** The newest that is written down, and not beyond the head. */
  async #stored({ num, v }: DocRow): Promise<Entry> {
    const found = await this.#engine.snapshot(num)
    const { full, bytes } = found && found.full.v <= v ? found : { full: noDocument, bytes: 0 }
    return { doc: num, full, bytes, stored: full.v, at: performance.now() }
  }

  #keep(text: string, entry: Entry): void {
    this.#bytes += entry.bytes - (this.#entries.get(text)?.bytes ?? 0)
    this.#entries.delete(text)
    this.#entries.set(text, entry)
    for (const [oldest, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#options.cacheBytes || oldest === text) break
      this.#entries.delete(oldest)
      this.#bytes -= bytes
    }
  }

  #schedule(text: string, entry: Entry): void {
    if (isDue(entry)) {
      this.#due.set(text, entry)
      this.#scheduled ??= setImmediate(() => {
        this.#scheduled = undefined
        const due = [...this.#due]
        this.#due.clear()
        void this.#write(due)
      })
    }
    this.#sweeping ??= setTimeout(() => void this.#sweep(), this.#options.quietMs).unref()
  }

  async #sweep(): Promise<void> {
    const { quietMs } = this.#options
    const since = performance.now() - quietMs
    const quiet = this.#unwritten().filter(([, { at }]) => at <= since)
    // One at a time: several large documents in one go would keep everybody else waiting.
    await this.#write(quiet.slice(0, 1))
    const left = this.#unwritten().length > 0
    const pause = quiet.length > 1 ? quietMs / 100 : quietMs
    this.#sweeping = left ? setTimeout(() => void this.#sweep(), pause).unref() : undefined
  }

  #unwritten(): [text: string, entry: Entry][] {
    return [...this.#entries].filter(([, { full, stored }]) => stored < full.v)
  }

  /** One write after the other; a failure is no loss: the entry's turn comes again, and the log has every op. */
  #write(chosen: readonly (readonly [text: string, entry: Entry])[]): Promise<void> {
    if (chosen.length === 0) return this.#writing
    // Counted as written from now on: while it is being written, not every further op is to write it again.
    for (const [text, { full }] of chosen) this.#keepStored(text, stored => Math.max(stored, full.v))
    const write = () =>
      this.#writeNow(chosen).catch(() => {
        for (const [text, { full, stored }] of chosen)
          this.#keepStored(text, present => (present === full.v ? stored : present))
      })
    this.#writing = this.#writing.then(write)
    return this.#writing
  }

  async #writeNow(chosen: readonly (readonly [text: string, entry: Entry])[]): Promise<void> {
    const lengths = await this.#engine.saveSnapshots(chosen.map(([, { doc, full }]) => ({ doc, full })))
    this.written += chosen.length
    for (const [i, [text, { full }]] of chosen.entries()) {
      const entry = this.#entries.get(text)
      if (entry?.full !== full) continue
      this.#bytes += lengths[i]! - entry.bytes
      this.#entries.set(text, { ...entry, bytes: lengths[i]! })
    }
  }

  #keepStored(text: string, change: (stored: number) => number): void {
    const entry = this.#entries.get(text)
    if (entry) this.#entries.set(text, { ...entry, stored: change(entry.stored) })
  }
}
