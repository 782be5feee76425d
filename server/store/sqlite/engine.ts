/**
 * SQLite as an engine. `node:sqlite` is synchronous: every question is answered within the turn in which it was asked,
 * and a transaction lets nobody in between.
 */

import type { DatabaseSync } from 'node:sqlite'
import type { DocKey } from '../../../ops/identity.ts'
import type { Commit, Full } from '../adapter.ts'
import { type Books, type Decision, decide, type Verdict, verdictsOf } from '../books.ts'
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
import type { Change, ListedDoc, ListRequest, Mark } from '../store.ts'
import { type FullRow, fullOf, listValues, type OpArray, opRowOf } from '../stored.ts'
import { deflated, inflated, jsonOrNull, quoted, unquoted } from '../text.ts'
import { adoptInto, fillFrom, viewOf } from './rows.ts'
import {
  type DatabaseOptions,
  inLongTransaction,
  inTransaction,
  inUnsyncedTransaction,
  openDatabase,
  shrink,
} from './schema.ts'
import { type Statements, statementsOf } from './statements.ts'

/** Throws `STORE_NEWER`, or `STORE_FAILED` with SQLite's reason. */
export const openSqliteEngine = (options: DatabaseOptions): Engine => new SqliteEngine(options)

/** A small commit writes about eight pages of 4 kB. */
const PING_BYTES = 32_768

class SqliteEngine implements Engine {
  readonly local = true
  epoch: string
  readonly #db: DatabaseSync
  readonly #sql: Statements
  readonly #options: DatabaseOptions

  constructor(options: DatabaseOptions) {
    this.#options = options
    this.#db = openDatabase(options)
    this.#sql = statementsOf(this.#db)
    this.epoch = (this.#sql.fact.get('epoch') as { value: string }).value
  }

  // ---- commits ----

  async append(commits: readonly Commit[]): Promise<Verdict[]> {
    return inTransaction(this.#db, () => {
      const decision = decide(commits, this.#books())
      this.#write(decision)
      return verdictsOf(decision)
    })
  }

  #books(): Books {
    return {
      doc: ({ collection, id }) => {
        const row = this.#sql.doc.get(quoted(collection), quoted(id))
        return (row as ReturnType<Books['doc']> | undefined) ?? null
      },
      writer: (doc, src) => (this.#sql.writer.get(doc, quoted(src)) as WriterRow | undefined) ?? null,
      changes: collection =>
        (this.#sql.collection.get(quoted(collection)) as { change: number } | undefined)?.change ?? 0,
    }
  }

  #write({ docs, ops, writers, changes }: Decision): void {
    const sql = this.#sql
    for (const [collection, change] of changes) sql.putCollection.run(quoted(collection), change)
    for (const doc of docs) {
      const { key, v, type, hash, at, change } = doc
      if (doc.num !== null) sql.moveDoc.run(v, type, hash, at, change, doc.writers, doc.num)
      else {
        const names = [quoted(key.collection), quoted(key.id)] as const
        doc.num = (sql.addDoc.get(...names, v, type, hash, at, change, doc.writers) as { num: number }).num
      }
    }
    for (const { doc, v, writer, commit, hash } of ops) {
      const { op, body, after } = commit
      sql.addOp.run(
        doc.num,
        v,
        writer,
        writer === null ? null : op.seq!,
        op.at,
        body,
        jsonOrNull(op.meta),
        hash,
      )
      if (op.create || op.del) sql.addTurn.run(doc.num, v, after.type)
    }
    for (const { doc, writer, src, seq, v, seal } of writers)
      sql.putWriter.run(doc.num, writer, quoted(src), seq, v, seal)
  }

  // ---- documents ----

  async doc({ collection, id }: DocKey): Promise<DocRow | null> {
    return (this.#sql.doc.get(quoted(collection), quoted(id)) as DocRow | undefined) ?? null
  }

  async heads(keys: readonly DocKey[]): Promise<number[]> {
    return keys.map(({ collection, id }) => {
      const row = this.#sql.doc.get(quoted(collection), quoted(id)) as DocRow | undefined
      return row?.v ?? 0
    })
  }

  async owner(src: string): Promise<string | null> {
    const row = this.#sql.owner.get(quoted(src)) as { who: string } | undefined
    return row ? unquoted(row.who) : null
  }

  async claim(src: string, who: string): Promise<void> {
    inTransaction(this.#db, () => this.#sql.claim.run(quoted(src), quoted(who)))
  }

  async touch({ collection, id }: DocKey): Promise<DocRow> {
    return inTransaction(this.#db, () => {
      const names = [quoted(collection), quoted(id)] as const
      if (!this.#sql.doc.get(...names)) this.#sql.addDoc.get(...names, 0, null, START, 0, 0, 0)
      return this.#sql.doc.get(...names) as unknown as DocRow
    })
  }

  async writer(doc: number, src: string): Promise<WriterRow | null> {
    return this.#books().writer(doc, src)
  }

  async list(collection: string, page: ListRequest): Promise<ListedDoc[]> {
    const rows = this.#sql.listed.all(...listValues(collection, page)) as unknown as ListedDoc[]
    return rows.map(row => ({ ...row, collection, id: unquoted(row.id) }))
  }

  async changed(collection: string, after: number, limit: number): Promise<Change[]> {
    const rows = this.#sql.changed.all(quoted(collection), after, limit) as unknown as Change[]
    return rows.map(row => ({ ...row, id: unquoted(row.id) }))
  }

  async keys(after: DocKey | null, limit: number, collection?: string): Promise<DocKey[]> {
    const id = after ? quoted(after.id) : ''
    const rows =
      collection === undefined
        ? this.#sql.keys.all(after ? quoted(after.collection) : '', id, limit)
        : this.#sql.keysIn.all(quoted(collection), id, limit)
    return (rows as unknown as DocKey[]).map(row => ({
      collection: unquoted(row.collection),
      id: unquoted(row.id),
    }))
  }

  async fact(name: string): Promise<string | null> {
    return (this.#sql.fact.get(name) as { value: string } | undefined)?.value ?? null
  }

  async changeFact(name: string, before: string | null, value: string | null): Promise<boolean> {
    return inTransaction(this.#db, () => {
      if ((this.#sql.fact.get(name)?.value ?? null) !== before) return false
      if (value === null) this.#sql.dropFact.run(name)
      else this.#sql.putFact.run(name, value)
      return true
    })
  }

  // ---- the log ----

  async ops(doc: number, from: number, to: number): Promise<OpRow[]> {
    const rows = this.#sql.ops.all(doc, from, to) as unknown as OpArray[]
    return rows.map(opRowOf)
  }

  async bodies(doc: number, from: number, to: number): Promise<(readonly [v: number, body: string])[]> {
    return this.#sql.bodies.all(doc, from, to) as unknown as [number, string][]
  }

  async named(doc: number, writer: number, seq: number): Promise<number | null> {
    return versionIn(this.#sql.named.get(doc, writer, seq))
  }

  async turnBefore(doc: number, v: number): Promise<TurnRow | null> {
    return (this.#sql.turnBefore.get(doc, v) as TurnRow | undefined) ?? null
  }

  async packs(doc: number, from: number, to: number): Promise<PackRow[]> {
    const first = versionIn(this.#sql.packAt.get(doc, from)) ?? from
    const rows = this.#sql.packs.all(doc, first, to) as unknown as PackRow[]
    return rows.filter(({ v, n }) => v + n > from)
  }

  async packedTo(doc: number): Promise<number> {
    return versionIn(this.#sql.packedTo.get(doc)) ?? 0
  }

  async packBy(doc: number, at: number): Promise<PackRow | null> {
    return (this.#sql.packBy.get(doc, at) as PackRow | undefined) ?? null
  }

  async packOf(doc: number, writer: number, seq: number): Promise<number | null> {
    return versionIn(this.#sql.packOf.get(doc, writer, seq))
  }

  async pack(doc: number, pack: PackRow, names: readonly PackName[]): Promise<void> {
    // No sync: a power cut takes all of it or nothing, and the rows were durable.
    this.#derive(() => {
      const { v, n, start, end, hash, about, body } = pack
      if (this.#sql.addPack.run(doc, v, n, start, end, hash, about, body).changes === 0) return
      for (const { writer, seq } of names) this.#sql.addPackName.run(doc, writer, seq, v)
      this.#sql.dropOps.run(doc, v, v + n)
      shrink(this.#db)
    })
  }

  // ---- what follows from the log ----

  async rungs(doc: number, size: number, from: number, to: number): Promise<RungRow[]> {
    const rows = this.#sql.rungs.all(doc, size, from, to) as unknown as { v: number; op: Uint8Array }[]
    return rows.map(({ v, op }) => ({ v, op: inflated(op) }))
  }

  async rungsTo(doc: number, size: number): Promise<number> {
    return versionIn(this.#sql.rungsTo.get(doc, size)) ?? 0
  }

  async addRungs(doc: number, size: number, rungs: readonly RungRow[]): Promise<void> {
    this.#derive(() => {
      for (const { v, op } of rungs) this.#sql.addRung.run(doc, size, v, deflated(op))
    })
  }

  async snapshot(doc: number): Promise<SnapshotRow | null> {
    const row = this.#sql.snapshot.get(doc) as FullRow | undefined
    return row ? { full: fullOf(row), bytes: row.data?.length ?? 0 } : null
  }

  async saveSnapshots(snapshots: readonly { doc: number; full: Full }[]): Promise<number[]> {
    return this.#derive(() =>
      snapshots.map(({ doc, full: { v, type, data, meta } }) => {
        const content = type === null ? null : JSON.stringify(data)
        this.#sql.putSnapshot.run(doc, v, type, content, jsonOrNull(meta))
        return content?.length ?? 0
      }),
    )
  }

  async saveMilestone(doc: number, { v, type, data, meta }: Full): Promise<void> {
    const mtime = typeof meta?.mtime === 'number' ? meta.mtime : null
    const content = type === null ? null : deflated(JSON.stringify(data))
    inTransaction(this.#db, () => {
      this.#sql.putMilestone.run(doc, v, mtime, type, content, jsonOrNull(meta))
    })
  }

  async milestone(doc: number, to: number): Promise<Full | null> {
    const row = this.#sql.milestone.get(doc, to) as FullRow | undefined
    return row ? fullOf(row) : null
  }

  async milestoneBy(doc: number, side: 'before' | 'after', at: number): Promise<Full | null> {
    const statement = side === 'before' ? this.#sql.milestoneBefore : this.#sql.milestoneAfter
    const row = statement.get(doc, at) as FullRow | undefined
    return row ? fullOf(row) : null
  }

  async saveMark(doc: number, { name, v, at }: Mark): Promise<void> {
    inTransaction(this.#db, () => this.#sql.putMark.run(doc, quoted(name), v, at))
  }

  async dropMark(doc: number, name: string): Promise<boolean> {
    return inTransaction(this.#db, () => this.#sql.dropMark.run(doc, quoted(name)).changes > 0)
  }

  async marks(doc: number): Promise<Mark[]> {
    const rows = this.#sql.marks.all(doc) as unknown as Mark[]
    return rows.map(row => ({ ...row, name: unquoted(row.name) }))
  }

  async credits(doc: number): Promise<{ v: number; runs: unknown } | null> {
    const row = this.#sql.credits.get(doc) as { v: number; runs: Uint8Array } | undefined
    return row ? { v: row.v, runs: JSON.parse(inflated(row.runs)) } : null
  }

  async saveCredits(doc: number, v: number, runs: unknown): Promise<void> {
    this.#derive(() => this.#sql.putCredits.run(doc, v, deflated(JSON.stringify(runs))))
  }

  async trim(doc: number, horizon: number, names: ReadonlyMap<number, Uint8Array>): Promise<void> {
    inTransaction(this.#db, () => {
      this.#sql.setHorizon.run(doc, horizon)
      for (const [v, left] of names) this.#sql.emptyPack.run(left, doc, v)
    })
  }

  async view(): Promise<View> {
    return viewOf(this.#options.path, this.#db)
  }

  async fill(from: View, epoch: string): Promise<void> {
    await inLongTransaction(this.#db, () => fillFrom(this.#db, from, epoch))
    this.epoch = epoch
  }

  async adopt(whole: WholeDoc): Promise<boolean> {
    return inTransaction(this.#db, () => adoptInto(this.#db, whole))
  }

  /** A write as large as a commit, because a full disk still reads and still takes locks. */
  async ping(): Promise<void> {
    this.#derive(() => this.#sql.putFact.run('asked', `${Date.now()}`.padEnd(PING_BYTES)))
  }

  async close(): Promise<void> {
    this.#db.close()
  }

  #derive<T>(work: () => T): T {
    return inUnsyncedTransaction(this.#db, this.#options.durability ?? 'full', work)
  }
}

const versionIn = (row: unknown): number | null => (row as { v: number } | undefined)?.v ?? null
