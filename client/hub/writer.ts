/**
 * Hands what the engines decide to the log: everything that happened in one turn in one transaction, one transaction at
 * a time, and now and then a checkpoint in place of the events that it covers.
 *
 * A checkpoint waits until the events since the last one have cost as much as that did, and then for a moment in which
 * nobody types. The document itself stays apart, as it was at some earlier checkpoint (the bulk), and is written anew only
 * when what was committed since weighs half as much. So what is written in all is in proportion to the edits, whatever the
 * size of the document; and a document that is opened is few records, however many edits were made.
 */

import type { HoldfastError } from '../../ops/errors.ts'
import { type DocKey, keyText } from '../../ops/identity.ts'
import type { Clock } from '../clock.ts'
import { saveApart, saveOnBulk } from '../engine/checkpoint.ts'
import type { ReplicaEvent } from '../engine/replica.ts'
import type { SavedReplica } from '../engine/saved.ts'
import { type Replica, type TabEdit, unsent } from '../engine/state.ts'
import { lastFrom, pack } from '../engine/stored.ts'
import {
  type Bulk,
  type Log,
  type LogEvent,
  logFailed,
  nothingStored,
  type Stored,
  type Summary,
  type Write,
} from '../log/log.ts'
import { bytesOf } from '../log/packing.ts'

export interface CheckpointRule {
  /** Milliseconds without an event, up to twice as many, before a checkpoint that is due is written. */
  readonly idleMs: number
  /** Bytes of events that make one due, however small the last one was. */
  readonly minBytes: number
  /** So many times what makes one due is not waited with. */
  readonly urgency: number
  /** Nor are so many events: each is a record to read and an event to fold. */
  readonly maxEvents: number
  /**
   * Bytes that an event costs beside its text, saved by itself: its key, and what a database puts around a record and a
   * transaction. Chromium's files grow by 680 bytes with a letter.
   */
  readonly recordBytes: number
}

export const checkpointRule: CheckpointRule = {
  idleMs: 2_000,
  minBytes: 16 * 1024,
  urgency: 20,
  maxEvents: 1_024,
  recordBytes: 600,
}

/** A summary that says nothing else than the last one is not written within this time for its `at` alone. */
const SUMMARY_MS = 60_000

export interface Source {
  readonly key: DocKey
  readonly replica: Replica
  /** Number of the last event that was appended. */
  readonly logged: number
  readonly pinned?: boolean
}

interface Queue {
  readonly source: () => Source
  events: LogEvent[]
  /** The last edit of a tab among the events since the last checkpoint that were appended here. */
  from: TabEdit | null
  /** Bytes and number of the events since the last checkpoint, those being written included. */
  bytes: number
  count: number
  /** JSON bytes of that checkpoint without its bulk. */
  checkpoint: number
  /** What it stands on, and the JSON bytes of that. */
  bulk: { readonly n: number; readonly bytes: number } | null
  /** The next write is a checkpoint. */
  now: boolean
  /** The summary may have become another without an event, or is owed. */
  look: boolean
  /** The log says that something is unsent, and nothing is any more. */
  owes: boolean
  /** Whether anything was appended since the timer was set. */
  busy: boolean
  /** Cancels the timer that waits for idleness. */
  waiting: (() => void) | null
  /** As it was written last here. */
  summary: Summary | null
  /** What the log has of the document could not be read, and is not written over. */
  readonly blind: boolean
}

interface Item {
  readonly key: DocKey
  readonly n: number
  /** Null where nothing may be written. */
  readonly write: Write | null
}

export interface WriterEvents {
  saved(key: DocKey, n: number): void
  /** The base of the document is in the log apart, as it is now. */
  apart(key: DocKey): void
  /** The log refused, with `LOG_FAILED` or `LOG_TAKEN`; resolves with whether to try again. After a no, nothing is written. */
  refused(reason: HoldfastError): Promise<boolean>
}

export class Writer {
  readonly #log: Pick<Log, 'write'>
  readonly #clock: Clock
  readonly #events: WriterEvents
  readonly #rule: CheckpointRule
  readonly #queues = new Map<string, Queue>()
  #running: Promise<void> | null = null
  #failed = false
  #closed = false

  constructor(log: Pick<Log, 'write'>, clock: Clock, events: WriterEvents, rule = checkpointRule) {
    this.#log = log
    this.#clock = clock
    this.#events = events
    this.#rule = rule
  }

  /** Announces a document of which the log holds `stored`; null: what nobody can read. */
  open(source: () => Source, stored: Stored | null): void {
    const { checkpoint, bytes, events } = stored ?? nothingStored
    this.#queues.set(keyText(source().key), {
      source,
      events: [],
      from: null,
      bytes: bytes.events + events.length * this.#rule.recordBytes,
      count: events.length,
      checkpoint: bytes.checkpoint,
      bulk: checkpoint?.bulk ? { n: checkpoint.bulk.n, bytes: bytes.bulk } : null,
      now: false,
      look: false,
      owes: false,
      busy: false,
      waiting: null,
      summary: null,
      blind: stored === null,
    })
  }

  forget(key: DocKey): void {
    this.#queues.get(keyText(key))?.waiting?.()
    this.#queues.delete(keyText(key))
  }

  append(key: DocKey, n: number, event: ReplicaEvent): void {
    const queue = this.#queues.get(keyText(key))!
    const stored = pack(event, queue.from)
    queue.from = lastFrom(event, queue.from)
    queue.events.push({ n, event: stored })
    queue.busy = true
    queue.count++
    queue.bytes += bytesOf(stored) + this.#rule.recordBytes
    const due = this.#due(queue)
    queue.now ||= event.t === 'snapshot' || this.#urgent(queue, due)
    if (queue.bytes > due) this.#awaitIdle(queue)
    this.#running ??= this.#run()
  }

  /** Writes the summary if it says something new although nothing was appended, as when a document is pinned. */
  summarize(key: DocKey): void {
    this.#queues.get(keyText(key))!.look = true
    this.#running ??= this.#run()
  }

  /** Writes again after a no, first of all a checkpoint of each document; resolves with whether the log takes it. */
  async revive(): Promise<boolean> {
    this.#failed = false
    for (const queue of this.#queues.values()) Object.assign(queue, { bulk: null, summary: null, now: true })
    this.#running ??= this.#run()
    await this.flush()
    return !this.#failed
  }

  /** As `flush`, and the summary of a document is written if it was left for a moment in which nobody types. */
  rest(key: DocKey): Promise<void> {
    const queue = this.#queues.get(keyText(key))
    if (queue?.owes) this.summarize(key)
    return this.flush()
  }

  /** Resolves when all that was appended so far is written, or the log has failed. */
  async flush(): Promise<void> {
    while (this.#running) await this.#running
  }

  /** As `flush`, and no checkpoint is waited for any more. */
  async close(): Promise<void> {
    this.#closed = true
    for (const queue of this.#queues.values()) {
      this.#stopWaiting(queue)
      this.rest(queue.source().key)
    }
    await this.flush()
  }

  // ---- when a checkpoint is due ----

  #due({ checkpoint }: Queue): number {
    return Math.max(this.#rule.minBytes, checkpoint)
  }

  #urgent({ bytes, count }: Queue, due: number): boolean {
    return bytes > due * this.#rule.urgency || count >= this.#rule.maxEvents
  }

  /** One timer for all keystrokes of a spell: it starts again if there were any since it was set. */
  #awaitIdle(queue: Queue): void {
    if (queue.waiting || this.#closed || this.#failed) return
    queue.busy = false
    queue.waiting = this.#clock.after(this.#rule.idleMs, () => {
      queue.waiting = null
      if (queue.busy) return this.#awaitIdle(queue)
      queue.now = queue.bytes > this.#due(queue)
      queue.look = queue.owes
      this.#running ??= this.#run()
    })
  }

  #stopWaiting(queue: Queue): void {
    queue.waiting?.()
    queue.waiting = null
  }

  // ---- writing ----

  async #run(): Promise<void> {
    await Promise.resolve()
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      const writes = batch.flatMap(({ write }) => write ?? [])
      if (!this.#failed && writes.length > 0) await this.#write(writes)
      for (const { key, n } of batch) this.#events.saved(key, n)
    }
    this.#running = null
  }

  async #write(writes: readonly Write[]): Promise<void> {
    try {
      await this.#log.write(writes)
    } catch (reason) {
      if (await this.#events.refused(logFailed(reason))) return this.#write(writes)
      this.#failed = true
      for (const queue of this.#queues.values()) this.#stopWaiting(queue)
    }
  }

  #take(): Item[] {
    const batch: Item[] = []
    for (const queue of this.#queues.values()) {
      if (queue.events.length > 0 || queue.now || queue.look) batch.push(this.#itemOf(queue))
    }
    return batch
  }

  #itemOf(queue: Queue): Item {
    const source = queue.source()
    const { key, logged: n } = source
    const events = queue.events.splice(0)
    if (queue.blind) {
      queue.now = queue.look = false
      return { key, n, write: null }
    }
    if (!queue.now) return { key, n, write: { key, events, summary: this.#news(queue, source) } }
    const checkpoint = { n, ...this.#stateOf(queue, source) }
    queue.now = queue.look = queue.owes = false
    queue.from = null
    queue.bytes = queue.count = 0
    queue.checkpoint = bytesOf(checkpoint.state)
    this.#stopWaiting(queue)
    const summary = this.#summaryOf(queue, source)
    queue.summary = summary
    return { key, n, write: { key, checkpoint, summary } }
  }

  /** On the bulk that is there, or with a new one where that is too far back. */
  #stateOf(queue: Queue, { key, replica, logged: n }: Source): { state: SavedReplica; bulk?: Bulk } {
    const { since } = replica
    if (queue.bulk !== null && since !== null) {
      const state = saveOnBulk({ ...replica, since })
      if (2 * bytesOf(state.base) < queue.bulk.bytes) return { state, bulk: { n: queue.bulk.n } }
    }
    const { state, bulk } = saveApart(replica)
    queue.bulk = bulk ? { n, bytes: bytesOf(bulk.value) } : null
    this.#events.apart(key)
    return { state, ...(bulk && { bulk: { n, ...bulk } }) }
  }

  /**
   * The summary, if it says anything new that a list or an index must know. That nothing is unsent any more can wait until nobody
   * types, or the log would hear it with each keystroke and its opposite with the next; whoever believes the log meanwhile looks
   * into a document for nothing.
   */
  #news(queue: Queue, source: Source): Summary | undefined {
    const last = queue.summary
    const summary = this.#summaryOf(queue, source)
    const [was, is] = [last, summary].map(each => each !== null && each.unsent > 0)
    const same =
      last !== null &&
      last.type === summary.type &&
      last.held === summary.held &&
      last.pinned === summary.pinned &&
      Math.abs(summary.at - last.at) < SUMMARY_MS
    queue.owes = same && was! && !is && !queue.look
    queue.look = false
    if (queue.owes) this.#awaitIdle(queue)
    if (queue.owes || (same && was === is)) return undefined
    queue.summary = summary
    return summary
  }

  #summaryOf({ bytes, checkpoint, bulk }: Queue, { replica, pinned = false }: Source): Summary {
    return {
      type: replica.view.type,
      unsent: unsent(replica),
      held: replica.held.length,
      at: this.#clock.now(),
      pinned,
      bytes: bytes + checkpoint + (bulk?.bytes ?? 0),
    }
  }
}
