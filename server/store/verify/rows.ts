/** The rows of a table, taken document by document in the order of their numbers: one pass over the whole table. */

import type { DocTable, Row } from '../layout.ts'
import { expect } from './difference.ts'

export class DocRows<T extends DocTable> {
  readonly #table: T
  readonly #batches: AsyncIterator<readonly Row<T>[]>
  #batch: readonly Row<T>[] = []
  #next = 0

  constructor(table: T, batches: AsyncIterable<readonly Row<T>[]>) {
    this.#table = table
    this.#batches = batches[Symbol.asyncIterator]()
  }

  /** The next rows of `doc`, some at a time; none when it has no more. Rows of a document that was passed are nobody's. */
  async take(doc: number): Promise<readonly Row<T>[]> {
    if (this.#next === this.#batch.length && !(await this.#read())) return []
    const start = this.#next
    const first = this.#batch[start]!.doc
    expect(first >= doc, 'row', null, `${this.#table} has rows of a document ${first} that is not there`)
    while (this.#next < this.#batch.length && this.#batch[this.#next]!.doc === doc) this.#next++
    return this.#batch.slice(start, this.#next)
  }

  /** All rows of `doc` that are left. */
  async all(doc: number): Promise<readonly Row<T>[]> {
    const rows: Row<T>[] = []
    for (let some = await this.take(doc); some.length > 0; some = await this.take(doc)) rows.push(...some)
    return rows
  }

  async #read(): Promise<boolean> {
    const { done, value } = await this.#batches.next()
    if (done) return false
    this.#batch = value
    this.#next = 0
    return true
  }
}
