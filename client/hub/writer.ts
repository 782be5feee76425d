/**
 * Hands what the engines decide to the log: everything that happened in one turn in one transaction, one transaction at
 * a time, and now and then a checkpoint in place of the events that it covers.
 *
 * A checkpoint costs as much as the document, so it waits until the events since the last one have cost as much, and
 * then for a moment in which nobody types. So what is written in all is in proportion to the edits, whatever the size of
 * the document, but for one checkpoint in `maxEvents`; and what is read when it is opened is in proportion to the document.
 */

import type { HoldfastError } from '../../ops/errors.ts'
import { type DocKey, keyText } from '../../ops/identity.ts'
import type { Clock } from '../clock.ts'
import { save } from '../engine/checkpoint.ts'
import type { ReplicaEvent } from '../engine/replica.ts'
import { type Replica, unsent } from '../engine/state.ts'
import { pack } from '../engine/stored.ts'
import { type Log, type LogEvent, logFailed, type Stored, type Summary, type Write } from '../log/log.ts'
import { bytesOf } from '../log/record.ts'

export interface CheckpointRule {
  /** Milliseconds without an event, up to twice as many, before a checkpoint that is due is written. */
  readonly idleMs: number
  /** Bytes of events that make one due, however small the last one was. */
  readonly minBytes: number
  /** So many times what makes one due is not waited with. */
  readonly urgency: number
  /** Nor are so many events: each is a record to read and an event to fold. */
  readonly maxEvents: number
}

export const checkpointRule: CheckpointRule = {
  idleMs: 2_000,
  minBytes: 16 * 1024,
  urgency: 4,
  maxEvents: 4_096,
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
  /** JSON bytes and number of the events since the last checkpoint, those being written included. */
  bytes: number
  count: number
  /** JSON bytes of that checkpoint. */
  checkpoint: number
  /** The next write is a checkpoint. */
  now: boolean
  /** The summary may have become another without an event. */
  look: boolean
  /** Whether anything was appended since the timer was set. */
  busy: boolean
  /** Cancels the timer that waits for idleness. */
  waiting: (() => void) | null
  /** As it was written last here. */
  summary: Summary | null
}

interface Item {
  readonly key: DocKey
  readonly n: number
  readonly write: Write
}

export interface WriterEvents {
  saved(key: DocKey, n: number): void
  /** The log refused, with `LOG_FAILED` or `LOG_TAKEN`; nothing is written after this. */
  failed(reason: HoldfastError): void
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

  /** Announces a document of which the log holds `stored`. */
  open(source: () => Source, { bytes, events }: Stored): void {
    this.#queues.set(keyText(source().key), {
      source,
      events: [],
      bytes: bytes.events,
      count: events.length,
      checkpoint: bytes.checkpoint,
      now: false,
      look: false,
      busy: false,
      waiting: null,
      summary: null,
    })
  }

  forget(key: DocKey): void {
    this.#queues.get(keyText(key))?.waiting?.()
    this.#queues.delete(keyText(key))
  }

  append(key: DocKey, n: number, event: ReplicaEvent): void {
    const queue = this.#queues.get(keyText(key))!
    const stored = pack(event)
    queue.events.push({ n, event: stored })
    queue.busy = true
    queue.count++
    queue.bytes += bytesOf(stored)
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

  /** Resolves when all that was appended so far is written, or the log has failed. */
  async flush(): Promise<void> {
    while (this.#running) await this.#running
  }

  /** As `flush`, and no checkpoint is waited for any more. */
  async close(): Promise<void> {
    this.#closed = true
    for (const queue of this.#queues.values()) this.#stopWaiting(queue)
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
      queue.now = true
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
      if (!this.#failed) {
        try {
          await this.#log.write(batch.map(({ write }) => write))
        } catch (reason) {
          this.#fail(reason)
        }
      }
      for (const { key, n } of batch) this.#events.saved(key, n)
    }
    this.#running = null
  }

  #fail(reason: unknown): void {
    this.#failed = true
    for (const queue of this.#queues.values()) this.#stopWaiting(queue)
    this.#events.failed(logFailed(reason))
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
    queue.look = false
    if (!queue.now) return { key, n, write: { key, events, summary: this.#news(queue, source) } }
    const state = save(source.replica)
    queue.now = false
    queue.bytes = queue.count = 0
    queue.checkpoint = bytesOf(state)
    this.#stopWaiting(queue)
    const summary = this.#summaryOf(queue, source)
    queue.summary = summary
    return { key, n, write: { key, checkpoint: { n, state }, summary } }
  }

  /** The summary, if it says anything new that a list or an index must know. */
  #news(queue: Queue, source: Source): Summary | undefined {
    const last = queue.summary
    const summary = this.#summaryOf(queue, source)
    const same =
      last !== null &&
      last.type === summary.type &&
      last.held === summary.held &&
      last.pinned === summary.pinned &&
      last.unsent > 0 === summary.unsent > 0 &&
      Math.abs(summary.at - last.at) < SUMMARY_MS
    if (same) return undefined
    queue.summary = summary
    return summary
  }

  #summaryOf({ bytes, checkpoint }: Queue, { replica, pinned = false }: Source): Summary {
    return {
      type: replica.view.type,
      unsent: unsent(replica),
      held: replica.held.length,
      at: this.#clock.now(),
      pinned,
      bytes: bytes + checkpoint,
    }
  }
}
