/** What a page offers to the bench, whatever system it runs: the bench calls `devicePage` through the DevTools protocol. */

import type { Splice } from '../../traces/splice.ts'
import type { Adapter, Address, OpenDocument } from './adapter.ts'
import { turn, watchGaps } from './gaps.ts'
import { count, type Written, written } from './meter.ts'

export interface DevicePage {
  /** Opens the document; how long that took until its text was there and could be edited, in ms. */
  open(server: string, at: Address): Promise<number>
  text(): string
  settled(): Promise<void>
  /** Types as a person does: each edit in a turn of its own, when the one before is `done`. What all that wrote. */
  type(splices: readonly Splice[], done: 'saved' | 'settled', quietMs: number): Promise<Written>
  /** Makes one edit; how long until it was in IndexedDB, in ms. */
  save(splice: Splice): Promise<number>
  /** Makes the edits quickly, some in each turn, each turn when the one before is saved. */
  burst(splices: readonly Splice[]): Promise<void>
  /** Resolves when nothing was written for `ms`. */
  quiet(ms: number): Promise<void>
  /** Has the bench mend the line, connects and merges. */
  merge(): Promise<Merge>
}

export interface Merge {
  /** From the mending until both sides have everything. */
  readonly ms: number
  /** The main thread's longest task meanwhile. */
  readonly longestMs: number
}

/** The bench's function that lets the server be reached again. */
declare const mendLine: () => Promise<void>

/** Edits in a turn of `burst`. */
const PER_TURN = 10

export function offer(adapter: Adapter): void {
  let doc: OpenDocument
  const page: DevicePage = {
    async open(server, at) {
      const start = performance.now()
      doc = await adapter.open(server, at)
      doc.text()
      return performance.now() - start
    },
    text: () => doc.text(),
    settled: () => doc.settled(),
    async type(splices, done, quietMs) {
      count(true)
      const before = await written(quietMs)
      for (const splice of splices) {
        await turn()
        doc.edit(splice)
        await doc.saved()
        if (done === 'settled') await doc.settled()
      }
      const after = await written(quietMs)
      count(false)
      return {
        bytes: after.bytes - before.bytes,
        transactions: after.transactions - before.transactions,
      }
    },
    async save(splice) {
      const start = performance.now()
      doc.edit(splice)
      await doc.saved()
      return performance.now() - start
    },
    async burst(splices) {
      for (let at = 0; at < splices.length; at += PER_TURN) {
        await turn()
        for (const splice of splices.slice(at, at + PER_TURN)) doc.edit(splice)
        await doc.saved()
      }
    },
    async quiet(ms) {
      count(true)
      await written(ms)
      count(false)
    },
    async merge() {
      const gaps = await watchGaps()
      const start = performance.now()
      await mendLine()
      doc.reconnect()
      await doc.settled()
      const ms = performance.now() - start
      return { ms, longestMs: await gaps.longest() }
    },
  }
  Object.assign(globalThis, { devicePage: page })
}
