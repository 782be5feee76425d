/**
 * Hands what the engines decide to the log: everything that happened in one turn in one transaction, one transaction at
 * a time, and now and then a checkpoint in place of the events that it covers.
 */

import type { DocKey } from '../../ops/identity.ts'
import { keyText } from '../../ops/identity.ts'
import { save } from '../engine/checkpoint.ts'
import type { ReplicaEvent } from '../engine/replica.ts'
import { type Replica, unsent } from '../engine/state.ts'
import type { Log, LogEvent, Write } from '../log/log.ts'

/** Events after which a checkpoint takes their place. */
const CHECKPOINT_EVENTS = 256

export interface Source {
  readonly key: DocKey
  readonly replica: Replica
}

interface Queue {
  readonly source: () => Source
  readonly events: LogEvent[]
  /** Events in the log since its last checkpoint, those being written included. */
  since: number
  big: boolean
}

export interface WriterEvents {
  saved(key: DocKey, n: number): void
  /** The log refused; nothing is written after this. */
  failed(reason: unknown): void
}

export class Writer {
  readonly #log: Log
  readonly #now: () => number
  readonly #events: WriterEvents
  readonly #queues = new Map<string, Queue>()
  #running: Promise<void> | null = null
  #failed = false

  constructor(log: Log, now: () => number, events: WriterEvents) {
    this.#log = log
    this.#now = now
    this.#events = events
  }

  /** Announces a document whose log holds `since` events after its checkpoint. */
  open(source: () => Source, since: number): void {
    this.#queues.set(keyText(source().key), { source, events: [], since, big: false })
  }

  forget(key: DocKey): void {
    this.#queues.delete(keyText(key))
  }

  append(key: DocKey, n: number, event: ReplicaEvent): void {
    const queue = this.#queues.get(keyText(key))!
    queue.events.push({ n, event })
    queue.big ||= event.t === 'snapshot'
    this.#running ??= this.#run()
  }

  /** Resolves when all that was appended so far is written, or the log has failed. */
  async flush(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    await Promise.resolve()
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      if (!this.#failed) {
        try {
          await this.#log.write(batch.map(item => item.write))
        } catch (reason) {
          this.#failed = true
          this.#events.failed(reason)
        }
      }
      for (const { write, n } of batch) this.#events.saved(write.key, n)
    }
    this.#running = null
  }

  #take(): { write: Write; n: number }[] {
    const batch = []
    for (const queue of this.#queues.values()) {
      if (queue.events.length > 0) batch.push({ n: queue.events.at(-1)!.n, write: this.#writeOf(queue) })
    }
    return batch
  }

  #writeOf(queue: Queue): Write {
    const { key, replica } = queue.source()
    const events = queue.events.splice(0)
    queue.since += events.length
    const summary = {
      type: replica.view.type,
      unsent: unsent(replica),
      held: replica.held.length,
      at: this.#now(),
    }
    if (queue.since < CHECKPOINT_EVENTS && !queue.big) return { key, events, summary }
    queue.since = 0
    queue.big = false
    return { key, checkpoint: { n: events.at(-1)!.n, state: save(replica) }, summary }
  }
}
