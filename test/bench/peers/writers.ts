/**
 * The client process of `store`: writers in a closed loop. Each sends an edit, waits until it is acknowledged, and
 * sends the next one at once; so a system is asked for as much as it gives, and nothing queues on this side.
 *
 *   open all -> warm up -> the window that counts -> let the last edits be acknowledged -> close all
 */

import type { Splice } from '../../traces/splice.ts'
import { editOf } from '../store/edits.ts'

export interface Load {
  readonly url: string
  /** The document of each writer. */
  readonly documents: readonly string[]
  /** Characters of a document. */
  readonly size: number
  readonly warmMs: number
  readonly windowMs: number
}

export interface Measure {
  /** Of each edit that was acknowledged within the window: from sending to the acknowledgement, in ms. */
  readonly latencies: Float64Array
  /** How long the window was, in ms. */
  readonly ms: number
  /** CPU time of this process over the time of the window: near 1, this process is what was measured. */
  readonly busy: number
  /** Acknowledged edits, within the window or not. */
  readonly total: number
}

export type WritersCalls = { run(load: Load): Promise<Measure> }

/** A writer's connection; it is open, and knows its document. */
export interface Writer {
  /** Sends an edit; the answer is when it did so, in ms. The one before was acknowledged. */
  send(edit: Splice): number
  close(): void
}

export interface WriterEvents {
  acknowledged(): void
  failed(error: Error): void
}

export type OpenWriter = (url: string, document: string, events: WriterEvents) => Promise<Writer>

/** Rejects when a connection ends or an edit is refused. */
export async function runWriters(load: Load, open: OpenWriter): Promise<Measure> {
  const loop = new Loop(load.size)
  const opened = load.documents.map(async (document, number) => {
    const writer = await open(load.url, document, loop.eventsOf(number))
    loop.writers[number] = writer
  })
  try {
    await Promise.race([Promise.all(opened), loop.ended])
    return await loop.run(load)
  } finally {
    for (const writer of loop.writers) writer?.close()
  }
}

class Loop {
  readonly writers: Writer[] = []
  readonly #size: number
  readonly #sentAt: number[] = []
  readonly #sent: number[] = []
  readonly #ended = Promise.withResolvers<void>()
  #phase: 'warm' | 'window' | 'ending' = 'warm'
  #latencies: number[] = []
  #total = 0
  #running = 0

  constructor(size: number) {
    this.#size = size
  }

  /** When every writer has its last acknowledgement. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  eventsOf(number: number): WriterEvents {
    return {
      acknowledged: () => this.#acknowledged(number),
      failed: error => this.#ended.reject(error),
    }
  }

  async run({ warmMs, windowMs }: Load): Promise<Measure> {
    this.#running = this.writers.length
    for (const number of this.writers.keys()) this.#send(number)
    await this.#pause(warmMs)
    this.#phase = 'window'
    const from = performance.now()
    const cpuFrom = process.cpuUsage()
    await this.#pause(windowMs)
    this.#phase = 'ending'
    const ms = performance.now() - from
    const { user, system } = process.cpuUsage(cpuFrom)
    await this.#ended.promise
    return {
      latencies: Float64Array.from(this.#latencies),
      ms,
      busy: (user + system) / 1000 / ms,
      total: this.#total,
    }
  }

  #send(number: number): void {
    const index = this.#sent[number] ?? 0
    this.#sent[number] = index + 1
    this.#sentAt[number] = this.writers[number]!.send(editOf(number, index, this.#size))
  }

  #acknowledged(number: number): void {
    this.#total++
    if (this.#phase === 'window') this.#latencies.push(performance.now() - this.#sentAt[number]!)
    if (this.#phase !== 'ending') this.#send(number)
    else if (--this.#running === 0) this.#ended.resolve()
  }

  /** A failure ends it early. */
  async #pause(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const over = new Promise<void>(resolve => {
      timer = setTimeout(resolve, ms)
    })
    await Promise.race([over, this.#ended.promise])
    clearTimeout(timer)
  }
}
