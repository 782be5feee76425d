/**
 * What is done for a document after its commits, in the background and in small steps: rungs are composed, older ops are
 * packed. Nobody waits for it and nothing depends on it; what a crash or a failure leaves undone is done after the next
 * commits. Several servers may tend one document: each step is one transaction that does nothing when it was done.
 */

import { setImmediate as turn } from 'node:timers/promises'
import { type DocKey, keyText } from '../../ops/identity.ts'
import type { Summary } from '../../ops/sittings.ts'
import type { DocRow, Engine, KeptName, OpRow, PackName, PackRow } from './engine.ts'
import { notesIn, type Past } from './history.ts'
import { encodePack } from './packs.ts'
import { type GrowingLadder, raise } from './rungs.ts'
import { blocksOf } from './summaries.ts'

export interface TendingOptions {
  /** Versions of a rung, per level; each divides the next. */
  readonly rungSizes: readonly number[]
  /** Ops of a pack. */
  readonly packOps: number
}

export class Tending {
  readonly #past: Past
  readonly #sizes: readonly number[]
  readonly #packOps: number
  /** Documents that have moved far enough. */
  readonly #due = new Map<string, DocKey>()
  /** For each document and rung size: how far its ranges were looked at. */
  readonly #raised = new Map<number, number[]>()
  #running: Promise<void> | null = null
  #closed = false

  constructor(past: Past, { rungSizes, packOps }: TendingOptions) {
    this.#past = past
    this.#sizes = rungSizes
    this.#packOps = packOps
  }

  /** After the commit that took a document to version `v`. */
  moved(key: DocKey, v: number): void {
    if (v % this.#sizes[0]! !== 0 || this.#closed) return
    this.#due.set(keyText(key), key)
    this.#running ??= this.#run()
  }

  /** Resolves when there is nothing left to do. */
  async done(): Promise<void> {
    while (this.#running) await this.#running
  }

  /** Finishes the present step only. */
  async close(): Promise<void> {
    this.#closed = true
    this.#due.clear()
    await this.#running
  }

  async #run(): Promise<void> {
    for (;;) {
      await turn()
      const [key] = this.#due.values()
      if (!key) break
      this.#due.delete(keyText(key))
      // A failure is no loss: the log has every op, in rows or in packs.
      await this.#tend(key).catch(() => {})
    }
    this.#running = null
  }

  async #tend(key: DocKey): Promise<void> {
    const doc = await this.#past.engine.doc(key)
    if (!doc) return
    await this.raise(doc)
    await this.#pack(key, doc)
  }

  /** Builds the rungs that are missing. */
  async raise(doc: DocRow): Promise<void> {
    const ladder = ladderOf(this.#past, doc)
    for (const [level, size] of this.#sizes.entries()) {
      if (this.#closed) return
      const to = Math.floor(doc.v / size) * size
      const from = Math.max(await this.#raisedTo(doc.num, level, size), alignedFrom(doc, size))
      if (to > from) await raise(ladder, this.#sizes, level, from, to)
      this.#raised.get(doc.num)![level] = to
    }
  }

  async #raisedTo(doc: number, level: number, size: number): Promise<number> {
    const known = this.#raised.get(doc) ?? []
    this.#raised.set(doc, known)
    return known[level] ?? (await this.#past.engine.rungsTo(doc, size))
  }

  async #pack(key: DocKey, doc: DocRow): Promise<void> {
    const { engine } = this.#past
    for (;;) {
      const from = Math.max(await engine.packedTo(doc.num), doc.horizon)
      if (this.#closed || doc.v - from < 2 * this.#packOps) return
      const ops = await engine.ops(doc.num, from, from + this.#packOps)
      if (ops.length < this.#packOps || ops[0]!.v !== from) return
      await packRows(this.#past, key, doc, ops)
      await turn()
    }
  }
}

/** The first multiple of `size` whose ops are all still there. */
const alignedFrom = ({ horizon }: DocRow, size: number): number => Math.ceil(horizon / size) * size

/** Puts rows that follow each other into one pack. */
export async function packRows(past: Past, key: DocKey, doc: DocRow, ops: readonly OpRow[]): Promise<void> {
  const pack = packOf(ops, blocksOf(await notesIn(past, key, doc, ops)))
  await past.engine.pack(doc.num, pack, await namesIn(past.engine, doc.num, ops))
}

/** Ops that follow each other as one pack; `blocks` sum them up. */
export function packOf(ops: readonly OpRow[], blocks: readonly Summary[]): PackRow {
  const [first, last] = [ops[0]!, ops.at(-1)!]
  const times = ops.map(({ at }) => at)
  return {
    v: first.v,
    n: ops.length,
    start: Math.min(...times),
    end: Math.max(...times),
    hash: last.hash,
    about: JSON.stringify(blocks),
    body: encodePack(ops),
    names: null,
  }
}

function namesIn(engine: Engine, doc: number, ops: readonly OpRow[]): Promise<PackName[]> {
  const names = [...firstSeqs(ops)].map(async ([src, seq]) => {
    return { writer: (await engine.writer(doc, src))!.writer, seq }
  })
  return Promise.all(names)
}

/** The first seq of each src in the ops: its seqs rise. */
export function firstSeqs(ops: readonly KeptName[]): Map<string, number> {
  const firsts = new Map<string, number>()
  for (const { src, seq } of ops) if (src !== null && !firsts.has(src)) firsts.set(src, seq!)
  return firsts
}

export function ladderOf({ engine, log }: Past, doc: DocRow): GrowingLadder {
  return {
    rungs: (size, from, to) => engine.rungs(doc.num, size, from, to),
    changes: (from, to) => log.changes(doc, from, to),
    add: (size, rungs) => engine.addRungs(doc.num, size, rungs),
    typeAt: async v => (await engine.turnBefore(doc.num, v))?.type ?? null,
  }
}
