/**
 * A store on an engine: group commit, the cache of snapshots, the log, and what is derived from it. Everything that is
 * the same whatever the database.
 */

import { setImmediate as turn } from 'node:timers/promises'
import { applyChange, type Content, difference, fromWire, toWire } from '../../ops/change.ts'
import { composeAll } from '../../ops/compose.ts'
import { HoldfastError } from '../../ops/errors.ts'
import type { DocKey, Name } from '../../ops/identity.ts'
import type { WireChange } from '../../ops/protocol.ts'
import { typeOf } from '../../types/index.ts'
import type { DB, MilestoneDB } from '../sharedb.ts'
import { adapterOf, type Commit, type Full, type OpLog } from './adapter.ts'
import { type Refusal, standingOf, type Verdict } from './books.ts'
import type { Receipt } from './chain.ts'
import { Drafts } from './drafts.ts'
import type { DocRow, Engine } from './engine.ts'
import { exportCollection } from './export.ts'
import { failed } from './failed.ts'
import { type Group, groupOf } from './group.ts'
import { type History, historyOf, type Past } from './history.ts'
import { type Imported, type ImportRules, importCollection } from './import.ts'
import { Log } from './log.ts'
import { type MilestoneLog, milestonesOf } from './milestones.ts'
import { PACK_OPS } from './packs.ts'
import { Recent } from './recent.ts'
import { contentOf, noDocument } from './replay.ts'
import { type Trimmed, trimAll } from './retention.ts'
import { climb, type Piece, RUNG_SIZES } from './rungs.ts'
import { Seqs } from './seqs.ts'
import { type SnapshotOptions, Snapshots } from './snapshots.ts'
import type {
  Change,
  Head,
  ListedDoc,
  ListRequest,
  ReceiptedOp,
  Store,
  StoreCounts,
  StoredOp,
  StoredSnapshot,
} from './store.ts'
import { ladderOf, Tending, type TendingOptions } from './tending.ts'

export interface StoreOptions extends Partial<SnapshotOptions>, Partial<TendingOptions> {
  /** Versions between two milestones that ShareDB saves by itself. Default: none; reading old versions needs none. */
  readonly milestoneInterval?: number
  /** Told of each transaction: how long it took, and how many ops it made durable. */
  readonly committed?: (ms: number, ops: number) => void
}

/** Facts that are memos begin so, for the first of them were cursors. */
const MEMO = 'cursor '

/** The store owns the engine and closes it. */
export const storeOn = (engine: Engine, options: StoreOptions = {}): Store => new EngineStore(engine, options)

class EngineStore implements Store, OpLog, MilestoneLog {
  readonly db: DB
  readonly milestones: MilestoneDB
  readonly history: History
  readonly #engine: Engine
  readonly #log: Log
  readonly #past: Past
  readonly #snapshots: Snapshots
  readonly #seqs = new Seqs()
  readonly #drafts = new Drafts()
  readonly #recent = new Recent()
  readonly #tending: Tending
  readonly #rungSizes: readonly number[]
  readonly #packOps: number
  readonly #group: Group<Commit, Verdict>
  readonly #committed: StoreOptions['committed']
  #commits = 0
  #groups = 0
  #closing: Promise<void> | null = null

  constructor(engine: Engine, options: StoreOptions) {
    const { cacheBytes = 64 * 2 ** 20, quietMs = 5000, rungSizes = RUNG_SIZES, packOps = PACK_OPS } = options
    this.#engine = engine
    this.#committed = options.committed
    this.#rungSizes = rungSizes
    this.#packOps = packOps
    this.#log = new Log(engine)
    const past = { engine, log: this.#log, contentAt: (key: DocKey, v: number) => this.at(key, v) }
    this.#past = past
    this.#snapshots = new Snapshots(engine, this.#log, { cacheBytes, quietMs })
    this.#tending = new Tending(past, { rungSizes, packOps })
    this.#group = groupOf(commits => this.#write(commits))
    this.db = adapterOf(this)
    this.milestones = milestonesOf(this, options.milestoneInterval)
    this.history = historyOf(past)
  }

  get epoch(): string {
    return this.#engine.epoch
  }

  get counts(): StoreCounts {
    return { commits: this.#commits, groups: this.#groups, snapshots: this.#snapshots.written }
  }

  // ---- commits ----

  async commit(commit: Commit): Promise<Verdict> {
    const verdict = await this.#ask('write', () => {
      // Where others write as well, a commit may fail at any time: nothing is made on top of it.
      if (this.#engine.local && !this.#drafts.add(commit)) throw lost()
      return this.#group.add(commit)
    })
    if (verdict.kind === 'committed') return verdict
    if (this.#drafts.isLost(commit)) throw lost()
    this.forget(commit.key)
    if (verdict.kind !== 'passed') return verdict
    const { src, seq } = commit.op
    return (await this.refusalOf(commit.key, { src: src!, seq: seq! }, commit.seal)) ?? verdict
  }

  async #write(commits: readonly Commit[]): Promise<Verdict[]> {
    const start = performance.now()
    const verdicts = await this.#engine.append(commits).catch(error => {
      for (const commit of commits) this.#drafts.settle(commit, false)
      throw error
    })
    this.#groups++
    const committed = verdicts.filter(({ kind }) => kind === 'committed').length
    this.#committed?.(performance.now() - start, committed)
    for (const [i, commit] of commits.entries()) {
      const { key, op, after, body } = commit
      const verdict = verdicts[i]!
      this.#drafts.settle(commit, verdict.kind === 'committed')
      if (verdict.kind !== 'committed') continue
      this.#commits++
      const { doc, receipt } = verdict
      this.#snapshots.moved(key, doc, after, body.length)
      this.#recent.moved(key, { ...op, hash: receipt.hash }, body.length)
      if (op.src !== undefined) this.#seqs.moved(key, { src: op.src, seq: op.seq! })
      this.#tending.moved(key, receipt.v)
    }
    return verdicts
  }

  async refusalOf(
    key: DocKey,
    name: Name,
    seal: string,
  ): Promise<Exclude<Refusal, { kind: 'taken' }> | null> {
    let last = this.#drafts.lastSeq(key, name.src)
    // Nobody is told that it is there before it is durable, nor before who sent it first is told.
    for (; last !== null && last >= name.seq; last = this.#drafts.lastSeq(key, name.src)) {
      await this.#group.flush()
      await turn()
    }
    if (last !== null || this.#seqs.isNew(key, name)) return null
    return this.#read(key, null, async ({ num }) => {
      const last = await this.#engine.writer(num, name.src)
      const standing = last && standingOf(last, name.seq, seal)
      if (standing?.kind !== 'passed') return standing as Exclude<Refusal, { kind: 'taken' }> | null
      const v = await this.#log.versionOf(num, name)
      return v === null ? standing : { kind: 'again', v }
    })
  }

  ownerOf(src: string): Promise<string | null> {
    return this.#ask('read', () => this.#engine.owner(src))
  }

  claim(src: string, who: string): Promise<string> {
    return this.#ask('write', async () => {
      const owner = await this.#engine.owner(src)
      if (owner !== null) return owner
      await this.#engine.claim(src, who)
      // Somebody else may have been first.
      return (await this.#engine.owner(src))!
    })
  }

  forget(key: DocKey): boolean {
    const forgotten = [this.#snapshots.forget(key), this.#seqs.forget(key)]
    return forgotten.includes(true)
  }

  // ---- now ----

  get shared(): boolean {
    return !this.#engine.local
  }

  heads(keys: readonly DocKey[]): Promise<number[]> {
    return this.#ask('read', () => this.#engine.heads(keys))
  }

  head(key: DocKey, base?: { v: number }): Promise<Head> {
    const known = this.#known(key, base)
    if (known) return Promise.resolve({ v: known.v, type: known.type, horizon: 0 })
    return this.#read<Head>(key, { v: 0, type: null, horizon: 0 }, async ({ v, type, hash, horizon }) => ({
      v,
      type,
      hash,
      horizon,
    }))
  }

  snapshot(key: DocKey, base?: { v: number }): Promise<Full> {
    const known = this.#known(key, base)
    if (known) return Promise.resolve(known)
    return this.#read(key, noDocument, row => this.#snapshots.latest(key, row))
  }

  /** Of what is at hand, for who is about to commit. */
  #known(key: DocKey, base: { v: number } | undefined): Full | null {
    if (!base || this.#closing) return null
    const known = this.#drafts.latest(key) ?? this.#snapshots.remembered(key) ?? null
    if (known === null || known.v >= base.v) return known
    // Who asks has seen more: nothing should rest on this any longer.
    this.#snapshots.forget(key)
    return null
  }

  list(collection: string, page: ListRequest): Promise<ListedDoc[]> {
    return this.#ask('read', () => this.#engine.list(collection, page))
  }

  changed(collection: string, { after, limit }: { after: number; limit: number }): Promise<Change[]> {
    return this.#ask('read', () => this.#engine.changed(collection, after, limit))
  }

  // ---- before ----

  typeAt(key: DocKey, v: number): Promise<string | null> {
    const known = this.#snapshots.remembered(key)
    const created = (known?.meta?._create as { v: number } | undefined)?.v
    if (known && created !== undefined && v > created && v <= known.v) return Promise.resolve(known.type)
    return this.#read(key, null, async ({ num }) => (await this.#engine.turnBefore(num, v))?.type ?? null)
  }

  ops(key: DocKey, from: number, to: number | null): Promise<StoredOp[]> {
    return this.#read(key, [], row => this.#log.ops(row, from, Math.min(to ?? row.v, row.v)))
  }

  receipted(key: DocKey, from: number, to: number | null): Promise<ReceiptedOp[]> {
    return this.#read(key, [], row => this.#log.receipted(row, from, Math.min(to ?? row.v, row.v)))
  }

  async opsOnto(key: DocKey, from: number, to: number): Promise<ReceiptedOp[]> {
    const onTheWay = this.#drafts.ops(key, from, to)
    const end = onTheWay[0]?.v ?? to
    return [...(this.#recent.ops(key, from, end) ?? (await this.receipted(key, from, end))), ...onTheWay]
  }

  changes(key: DocKey, from: number, to: number | null, apart: readonly number[] = []): Promise<Piece[]> {
    return this.#read(key, [], row => this.#climb(row, from, Math.min(to ?? row.v, row.v), apart))
  }

  versionOf(key: DocKey, name: Name): Promise<number | null> {
    return this.#read(key, null, ({ num }) => this.#log.versionOf(num, name))
  }

  committed(key: DocKey, name: Name): Promise<{ v: number; seal?: string } | null> {
    return this.#read(key, null, ({ num }) => this.#log.committed(num, name))
  }

  receiptAt(key: DocKey, v: number): Promise<Receipt | null> {
    return this.#read(key, null, async row => {
      const hash = await this.#log.hashAt(row, v)
      return hash === null ? null : { v, hash }
    })
  }

  agrees(key: DocKey, { v, hash }: Receipt): Promise<boolean> {
    return this.#read(key, true, row => this.#log.agrees(row, v, hash))
  }

  at(key: DocKey, v: number): Promise<StoredSnapshot> {
    return this.#read<StoredSnapshot>(key, noDocument, async row => {
      checkVersion(row, v)
      const { type, data } = await this.#contentAt(key, row, v)
      return { v, type: type && typeOf(type).uri, data }
    })
  }

  delta(key: DocKey, from: number, to: number): Promise<WireChange[]> {
    return this.#read(key, [], async row => {
      checkVersion(row, Math.max(from, to))
      const turn = await this.#engine.turnBefore(row.num, Math.max(from, to))
      if (from <= to && turn && turn.v < from) return this.#composed(row, turn.type, from, to)
      const [before, after] = [await this.#contentAt(key, row, from), await this.#contentAt(key, row, to)]
      return difference(before, after).map(toWire)
    })
  }

  versionBy(key: DocKey, at: number): Promise<number> {
    return this.#read(key, 0, row => this.#log.versionBy(row, at))
  }

  saveMilestone(key: DocKey, full: Full): Promise<void> {
    return this.#ask('write', async () =>
      this.#engine.saveMilestone((await this.#engine.touch(key)).num, full),
    )
  }

  milestone(key: DocKey, to: number): Promise<Full | null> {
    return this.#read(key, null, ({ num }) => this.#engine.milestone(num, to))
  }

  milestoneBy(key: DocKey, side: 'before' | 'after', at: number): Promise<Full | null> {
    return this.#read(key, null, ({ num }) => this.#engine.milestoneBy(num, side, at))
  }

  /** Edits only, as one. */
  async #composed(row: DocRow, uri: string | null, from: number, to: number): Promise<WireChange[]> {
    const pieces = await this.#climb(row, from, to, [])
    if (uri === null || pieces.length === 0) return []
    const type = typeOf(uri)
    const op = composeAll(
      type,
      pieces.map(piece => piece.op),
    )
    return type.isNoop(op) ? [] : [{ op }]
  }

  /** From the nearest content before `v` that is at hand, by the rungs after it. */
  async #contentAt(key: DocKey, row: DocRow, v: number): Promise<Content> {
    if (v === row.v) return contentOf(await this.#snapshots.latest(key, row))
    const start = await this.#startBefore(row, v)
    const pieces = await this.#climb(row, start.v, v, [])
    return pieces.reduce<Content>((content, piece) => applyChange(content, fromWire(piece)), contentOf(start))
  }

  async #startBefore(row: DocRow, v: number): Promise<StoredSnapshot> {
    const turn = await this.#engine.turnBefore(row.num, v)
    if (turn === null || turn.type === null) return { v, type: null, data: undefined }
    for (let to = v; to > turn.v; ) {
      const milestone = await this.#engine.milestone(row.num, to)
      if (!milestone || milestone.v <= turn.v) break
      // From between two rungs there is no way on where the ops were trimmed.
      const leadsOn =
        milestone.v === v || milestone.v >= row.horizon || milestone.v % this.#rungSizes[0]! === 0
      if (leadsOn) return milestone
      to = milestone.v - 1
    }
    return { v: turn.v, type: null, data: undefined }
  }

  #climb(row: DocRow, from: number, to: number, apart: readonly number[]): Promise<Piece[]> {
    return climb(ladderOf(this.#past, row), this.#rungSizes, from, to, apart)
  }

  // ---- the whole ----

  trim(until: number): Promise<Trimmed> {
    const trimming = {
      ...this.#past,
      step: this.#rungSizes[0]!,
      raise: (doc: DocRow) => this.#tending.raise(doc),
      latest: (key: DocKey) => this.snapshot(key),
    }
    return this.#ask('trim', () => trimAll(trimming, until, () => this.#closing !== null))
  }

  export(collection: string): AsyncGenerator<string> {
    return exportCollection(this.#engine, collection)
  }

  import(into: string, chunks: AsyncIterable<Uint8Array>, rules: ImportRules = {}): Promise<Imported> {
    const options = { into, ...rules, rungSizes: this.#rungSizes, packOps: this.#packOps }
    return this.#ask('write', () => importCollection(this.#engine, chunks, options))
  }

  memo(name: string): Promise<string | null> {
    return this.#ask('read', () => this.#engine.fact(MEMO + name))
  }

  changeMemo(name: string, from: string | null, to: string | null): Promise<boolean> {
    return this.#ask('write', () => this.#engine.changeFact(MEMO + name, from, to))
  }

  tended(): Promise<void> {
    return this.#tending.done()
  }

  ping(): Promise<void> {
    return this.#ask('answer', () => this.#engine.ping())
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  async #finish(): Promise<void> {
    await this.#group.flush()
    await this.#tending.close()
    await this.#snapshots.close()
    await this.#engine.close()
  }

  /** Asks about a document: `none` if nobody ever wrote it. */
  #read<T>(key: DocKey, none: T, question: (row: DocRow) => Promise<T>): Promise<T> {
    return this.#ask('read', async () => {
      const row = await this.#engine.doc(key)
      return row ? question(row) : none
    })
  }

  /** A failure of the database gets its code, and what it said. */
  async #ask<T>(doing: string, work: () => Promise<T>): Promise<T> {
    if (this.#closing)
      throw new HoldfastError('STORE_FAILED', `The database could not ${doing}: it is closed.`)
    try {
      return await work()
    } catch (error) {
      throw failed(doing, error)
    }
  }
}

const lost = () =>
  new HoldfastError('STORE_FAILED', 'What this edit was made on top of could not be written; send it again.')

function checkVersion(row: DocRow, v: number): void {
  if (v <= row.v) return
  throw new HoldfastError('VERSION_UNKNOWN', `The document stands at version ${row.v}, not at ${v} or later.`)
}
