/**
 * Postgres as an engine: any number of servers on one database. A question is a round trip, so the store remembers what
 * it can (`local` is false) and lets a commit fail that rests on what is behind.
 */

import type { DocKey } from '../../../ops/identity.ts'
import type { Commit, Full } from '../adapter.ts'
import type { Verdict } from '../books.ts'
import { START } from '../chain.ts'
import type {
  DocRow,
  Engine,
  OpRow,
  PackName,
  PackRow,
  RungRow,
  SnapshotRow,
  TurnRow,
  View,
  WholeDoc,
  WriterRow,
} from '../engine.ts'
import { failed } from '../failed.ts'
import type { Change, ListedDoc, ListRequest, Mark } from '../store.ts'
import { type FullRow, fullOf, listValues, type OpArray, opRowOf } from '../stored.ts'
import { deflated, inflated, jsonOrNull, quoted, unquoted } from '../text.ts'
import { Appending } from './append.ts'
import { byteaArray } from './arrays.ts'
import {
  ask,
  askArrays,
  type Connections,
  connectAlone,
  connectionsOf,
  inTransaction,
  type PostgresOptions,
  type Statement,
} from './connections.ts'
import { adoptInto, fillFrom, viewBy } from './rows.ts'
import { migrate } from './schema.ts'
import { reading, writing } from './statements.ts'

/**
 * Connects, and makes the tables if they are not there. Rejects with `SETTING_INVALID` for an address that is none,
 * `STORE_NEWER`, `STORE_MISSING`, and `STORE_FAILED` with Postgres's reason.
 */
export async function openPostgresEngine(options: PostgresOptions): Promise<Engine> {
  const connections = connectionsOf(options)
  const epoch = await migrate(options).catch(error => {
    throw failed('be opened', error)
  })
  return new PostgresEngine(options, connections, epoch)
}

class PostgresEngine implements Engine {
  readonly local = false
  epoch: string
  readonly #options: PostgresOptions
  readonly #connections: Connections
  #appending: Appending

  constructor(options: PostgresOptions, connections: Connections, epoch: string) {
    this.#options = options
    this.#connections = connections
    this.#appending = new Appending(connections.commits)
    this.epoch = epoch
  }

  // ---- commits ----

  append(commits: readonly Commit[]): Promise<Verdict[]> {
    return this.#appending.append(commits)
  }

  // ---- documents ----

  doc({ collection, id }: DocKey): Promise<DocRow | null> {
    return this.#one<DocRow>(reading.doc, quoted(collection), quoted(id))
  }

  async heads(keys: readonly DocKey[]): Promise<number[]> {
    const collections = keys.map(({ collection }) => quoted(collection))
    const ids = keys.map(({ id }) => quoted(id))
    const heads = new Array<number>(keys.length).fill(0)
    const rows = await this.#all<{ n: number; v: number | null }>(reading.heads, collections, ids)
    for (const { n, v } of rows) heads[n - 1] = v ?? 0
    return heads
  }

  async touch(key: DocKey): Promise<DocRow> {
    await this.#save(writing.touch, quoted(key.collection), quoted(key.id), START)
    return (await this.doc(key))!
  }

  async owner(src: string): Promise<string | null> {
    const row = await this.#one<{ who: string }>(reading.owner, quoted(src))
    return row && unquoted(row.who)
  }

  async claim(src: string, who: string): Promise<void> {
    await this.#save(writing.claim, quoted(src), quoted(who))
  }

  writer(doc: number, src: string): Promise<WriterRow | null> {
    return this.#one<WriterRow>(reading.writer, doc, quoted(src))
  }

  async list(collection: string, page: ListRequest): Promise<ListedDoc[]> {
    const rows = await this.#all<ListedDoc>(reading.listed, ...listValues(collection, page))
    return rows.map(row => ({ ...row, collection, id: unquoted(row.id) }))
  }

  async changed(collection: string, after: number, limit: number): Promise<Change[]> {
    const rows = await this.#all<Change>(reading.changed, quoted(collection), after, limit)
    return rows.map(row => ({ ...row, id: unquoted(row.id) }))
  }

  async keys(after: DocKey | null, limit: number, collection?: string): Promise<DocKey[]> {
    const id = after ? quoted(after.id) : ''
    const rows =
      collection === undefined
        ? await this.#all<DocKey>(reading.keys, after ? quoted(after.collection) : '', id, limit)
        : await this.#all<DocKey>(reading.keysIn, quoted(collection), id, limit)
    return rows.map(row => ({ collection: unquoted(row.collection), id: unquoted(row.id) }))
  }

  async fact(name: string): Promise<string | null> {
    return (await this.#one<{ value: string }>(reading.fact, name))?.value ?? null
  }

  async changeFact(name: string, before: string | null, value: string | null): Promise<boolean> {
    if (before === null) {
      if (value === null) return (await this.fact(name)) === null
      return (await this.#save(writing.addFact, name, value)).length > 0
    }
    const rows =
      value === null
        ? await this.#save(writing.dropFact, name, before)
        : await this.#save(writing.changeFact, name, before, value)
    return rows.length > 0
  }

  // ---- the log ----

  async ops(doc: number, from: number, to: number): Promise<OpRow[]> {
    const rows = await askArrays<OpArray>(this.#connections.reads, reading.ops, [doc, from, to])
    return rows.map(opRowOf)
  }

  bodies(doc: number, from: number, to: number): Promise<(readonly [v: number, body: string])[]> {
    return askArrays<[number, string]>(this.#connections.reads, reading.bodies, [doc, from, to])
  }

  named(doc: number, writer: number, seq: number): Promise<number | null> {
    return this.#version(reading.named, doc, writer, seq)
  }

  turnBefore(doc: number, v: number): Promise<TurnRow | null> {
    return this.#one<TurnRow>(reading.turnBefore, doc, v)
  }

  async packs(doc: number, from: number, to: number): Promise<PackRow[]> {
    const rows = await this.#all<PackRow>(reading.packs, doc, from, to)
    return rows.filter(({ v, n }) => v + n > from)
  }

  async packedTo(doc: number): Promise<number> {
    return (await this.#version(reading.packedTo, doc)) ?? 0
  }

  packBy(doc: number, at: number): Promise<PackRow | null> {
    return this.#one<PackRow>(reading.packBy, doc, at)
  }

  packOf(doc: number, writer: number, seq: number): Promise<number | null> {
    return this.#version(reading.packOf, doc, writer, seq)
  }

  /** One statement: where two servers pack the same, the later one waits, finds the pack and deletes nothing. */
  async pack(doc: number, pack: PackRow, names: readonly PackName[]): Promise<void> {
    const { v, n, start, end, hash, about, body } = pack
    const writers = names.map(({ writer }) => writer)
    const seqs = names.map(({ seq }) => seq)
    await this.#derive(writing.pack, doc, v, n, start, end, hash, about, body, writers, seqs)
  }

  // ---- what follows from the log ----

  async rungs(doc: number, size: number, from: number, to: number): Promise<RungRow[]> {
    const rows = await this.#all<{ v: number; op: Uint8Array }>(reading.rungs, doc, size, from, to)
    return rows.map(({ v, op }) => ({ v, op: inflated(op) }))
  }

  async rungsTo(doc: number, size: number): Promise<number> {
    return (await this.#version(reading.rungsTo, doc, size)) ?? 0
  }

  async addRungs(doc: number, size: number, rungs: readonly RungRow[]): Promise<void> {
    const versions = rungs.map(({ v }) => v)
    const ops = byteaArray(rungs.map(({ op }) => deflated(op)))
    await this.#derive(writing.addRungs, doc, size, versions, ops)
  }

  async snapshot(doc: number): Promise<SnapshotRow | null> {
    const row = await this.#one<FullRow>(reading.snapshot, doc)
    return row && { full: fullOf(row), bytes: row.data?.length ?? 0 }
  }

  async saveSnapshots(snapshots: readonly { doc: number; full: Full }[]): Promise<number[]> {
    const lengths: number[] = []
    // One by one: together, large documents would be a message of a size that nobody chose.
    for (const { doc, full } of snapshots) {
      const content = full.type === null ? null : JSON.stringify(full.data)
      await this.#derive(writing.putSnapshot, doc, full.v, full.type, content, jsonOrNull(full.meta))
      lengths.push(content?.length ?? 0)
    }
    return lengths
  }

  async saveMilestone(doc: number, { v, type, data, meta }: Full): Promise<void> {
    const mtime = typeof meta?.mtime === 'number' ? meta.mtime : null
    const content = type === null ? null : deflated(JSON.stringify(data))
    await this.#save(writing.putMilestone, doc, v, mtime, type, content, jsonOrNull(meta))
  }

  async milestone(doc: number, to: number): Promise<Full | null> {
    const row = await this.#one<FullRow>(reading.milestone, doc, to)
    return row && fullOf(row)
  }

  async milestoneBy(doc: number, side: 'before' | 'after', at: number): Promise<Full | null> {
    const statement = side === 'before' ? reading.milestoneBefore : reading.milestoneAfter
    const row = await this.#one<FullRow>(statement, doc, at)
    return row && fullOf(row)
  }

  async saveMark(doc: number, { name, v, at }: Mark): Promise<void> {
    await this.#save(writing.putMark, doc, quoted(name), v, at)
  }

  async dropMark(doc: number, name: string): Promise<boolean> {
    return (await this.#save(writing.dropMark, doc, quoted(name))).length > 0
  }

  async marks(doc: number): Promise<Mark[]> {
    const rows = await this.#all<Mark>(reading.marks, doc)
    return rows.map(row => ({ ...row, name: unquoted(row.name) }))
  }

  async credits(doc: number): Promise<{ v: number; runs: unknown } | null> {
    const row = await this.#one<{ v: number; runs: Uint8Array }>(reading.credits, doc)
    return row && { v: row.v, runs: JSON.parse(inflated(row.runs)) }
  }

  async saveCredits(doc: number, v: number, runs: unknown): Promise<void> {
    await this.#derive(writing.putCredits, doc, v, deflated(JSON.stringify(runs)))
  }

  async trim(doc: number, horizon: number, names: ReadonlyMap<number, Uint8Array>): Promise<void> {
    await this.#save(writing.trim, doc, horizon, [...names.keys()], byteaArray([...names.values()]))
  }

  async view(): Promise<View> {
    return viewBy(await connectAlone(this.#options))
  }

  async fill(from: View, epoch: string): Promise<void> {
    const client = await connectAlone(this.#options)
    try {
      await inTransaction(client, () => fillFrom(client, from, epoch))
    } finally {
      await client.end()
    }
    this.epoch = epoch
    // It knows collections that are not there any more.
    this.#appending = new Appending(this.#connections.commits)
  }

  async adopt(whole: WholeDoc): Promise<boolean> {
    const client = await this.#connections.reads.connect()
    try {
      const adopted = await inTransaction(client, () => adoptInto(client, whole))
      client.release()
      return adopted
    } catch (error) {
      client.release(true)
      throw error
    }
  }

  async ping(): Promise<void> {
    const row = await this.#one<{ writable: boolean }>(reading.writable)
    if (!row!.writable) throw new Error('it can be read only')
  }

  close(): Promise<void> {
    return this.#connections.close()
  }

  // ---- asking ----

  #all<Row extends object>(statement: Statement, ...values: unknown[]): Promise<Row[]> {
    return ask<Row>(this.#connections.reads, statement, values)
  }

  async #one<Row extends object>(statement: Statement, ...values: unknown[]): Promise<Row | null> {
    return (await this.#all<Row>(statement, ...values))[0] ?? null
  }

  async #version(statement: Statement, ...values: unknown[]): Promise<number | null> {
    return (await this.#one<{ v: number }>(statement, ...values))?.v ?? null
  }

  /** Durable when it resolves. */
  #save(statement: Statement, ...values: unknown[]): Promise<object[]> {
    return ask(this.#connections.reads, statement, values)
  }

  #derive(statement: Statement, ...values: unknown[]): Promise<object[]> {
    return ask(this.#connections.derived, statement, values)
  }
}
