/**
 * The store as ShareDB's database: what ShareDB asks, put to an op log (SQLite's or another's).
 *
 *   ShareDB   getSnapshot -> transform, apply -> commit(op, snapshot) -> publish, ack
 *   here      the op becomes text at once; the log says `committed`, `taken` (ShareDB transforms and tries again),
 *             `again` (ShareDB acknowledges it as it stands), or that the name cannot be given (an error)
 *
 * Snapshots that are handed out share their content with the cache: our types never change a document in place.
 */

import { HoldfastError } from '../../ops/errors.ts'
import type { DocKey, Name } from '../../ops/identity.ts'
import type { WireChange } from '../../ops/protocol.ts'
import {
  type DB,
  type Done,
  type Fields,
  type ReadOptions,
  type SharedbOp,
  type SharedbSnapshot,
  sharedb,
} from '../sharedb.ts'
import type { Refusal, Verdict } from './books.ts'
import { derivedSeal } from './seals.ts'
import type { ReceiptedOp, StoredOp, StoredSnapshot } from './store.ts'

/** A snapshot with ShareDB's metadata: `ctime` and `mtime` (ms since 1970) and `_create`, the op that made it. */
export type Full = StoredSnapshot & { readonly meta: Record<string, unknown> | null }

/** An op ready to be written, and what the document is after it. */
export interface Commit {
  readonly key: DocKey
  readonly op: StoredOp
  /** The change as JSON text. */
  readonly body: string
  /** What tells it from another op under its name, see seals.ts. */
  readonly seal: string
  readonly after: Full
  /** What the document was before, as it was asked for. */
  readonly base?: Full | undefined
}

/** What the adapter needs of an op log; each rejects with `STORE_FAILED` when the database cannot. */
export interface OpLog {
  commit(commit: Commit): Promise<Verdict>
  /** At its head; with `base`, for a commit, what is being written included, and perhaps behind it: the commit fails then. */
  snapshot(key: DocKey, base?: { v: number }): Promise<Full>
  receipted(key: DocKey, from: number, to: number | null): Promise<ReceiptedOp[]>
  /** Of a document that was asked for with `base`: those that led to its version `to`. */
  opsOnto(key: DocKey, from: number, to: number): Promise<ReceiptedOp[]>
  versionOf(key: DocKey, name: Name): Promise<number | null>
  close(): Promise<void>
}

export function adapterOf(log: OpLog): DB {
  return new Adapter(log)
}

class Adapter extends sharedb.DB {
  readonly #log: OpLog
  /** Of the snapshots that ops are applied to. */
  readonly #bases = new WeakMap<SharedbSnapshot, Full>()

  constructor(log: OpLog) {
    super()
    this.#log = log
  }

  override close(callback?: Done): void {
    answer(this.#log.close(), callback ?? (() => {}))
  }

  override commit(
    collection: string,
    id: string,
    op: SharedbOp,
    snapshot: SharedbSnapshot,
    _options: unknown,
    callback: Done<boolean>,
  ): void {
    answer(this.#commit({ collection, id }, op, snapshot), callback)
  }

  async #commit(key: DocKey, op: SharedbOp, snapshot: SharedbSnapshot): Promise<boolean> {
    const verdict = await this.#log.commit({ ...prepare(key, op, snapshot), base: this.#bases.get(snapshot) })
    if (verdict.kind === 'taken') return false
    if (verdict.kind !== 'committed') throw refusalOf(op, verdict)
    // An op without a seal did not come through our backend: whoever made it has no use for the receipt.
    if (op.m?.seal !== undefined) op.hash = verdict.receipt.hash
    return true
  }

  override getSnapshot(
    collection: string,
    id: string,
    fields: Fields,
    options: ReadOptions,
    callback: Done<SharedbSnapshot>,
  ): void {
    const toChange = fields?.$submit === true
    const withMeta = toChange || options?.metadata === true
    const found = this.#log.snapshot({ collection, id }, toChange ? { v: 0 } : undefined)
    const told = found.then(full => {
      const { v, type, data, meta } = full
      const snapshot = { id, v, type, data, m: withMeta && meta ? { ...meta } : null }
      if (toChange) this.#bases.set(snapshot, full)
      return snapshot
    })
    answer(told, callback)
  }

  override getOps(
    collection: string,
    id: string,
    from: number | null,
    to: number | null,
    options: ReadOptions,
    callback: Done<SharedbOp[]>,
  ): void {
    const found = this.#log.receipted({ collection, id }, from ?? 0, to ?? null)
    answer(
      found.then(ops => ops.map(op => sharedbOp(op, options?.metadata === true))),
      callback,
    )
  }

  override getOpsToSnapshot(
    collection: string,
    id: string,
    from: number,
    { v }: SharedbSnapshot,
    options: ReadOptions,
    callback: Done<SharedbOp[]>,
  ): void {
    const found = this.#log.opsOnto({ collection, id }, from, v)
    answer(
      found.then(ops => ops.map(op => sharedbOp(op, options?.metadata === true))),
      callback,
    )
  }

  override getCommittedOpVersion(
    collection: string,
    id: string,
    snapshot: SharedbSnapshot,
    op: SharedbOp,
    _options: unknown,
    callback: Done<number | null>,
  ): void {
    const { src, seq } = op
    const found =
      src === undefined || seq === undefined
        ? Promise.resolve(null)
        : this.#log.versionOf({ collection, id }, { src, seq })
    answer(
      found.then(v => (v !== null && v < snapshot.v ? v : null)),
      callback,
    )
  }
}

/** What a submit is answered when its op cannot be committed. */
export function refusalOf(op: SharedbOp, refusal: Exclude<Refusal, { kind: 'taken' }>): Error {
  if (refusal.kind === 'another') return new HoldfastError('NAME_REUSED')
  if (refusal.kind === 'passed') {
    return new HoldfastError(
      'SEQ_PASSED',
      `Seq ${refusal.seq} of this src was committed before seq ${op.seq}.`,
    )
  }
  // ShareDB acknowledges this error with the op's version, so let that be the one it has.
  op.v = refusal.v
  return new sharedb.Error('ERR_OP_ALREADY_SUBMITTED', 'Op already submitted')
}

/** Calls back from the event loop, where a throw of the callback is nobody else's and cannot call it twice. */
export function answer<T>(promise: Promise<T>, callback: Done<T>): void {
  promise.then(
    value => process.nextTick(callback, null, value),
    error => process.nextTick(callback, error),
  )
}

function prepare(key: DocKey, op: SharedbOp, { v, type, data, m }: SharedbSnapshot): Commit {
  const change = (op.create ? { create: op.create } : op.del ? { del: true } : { op: op.op }) as WireChange
  if (op.src != null && !Number.isSafeInteger(op.seq)) {
    throw new HoldfastError('OP_MALFORMED', 'The seq of an op must be a safe integer.')
  }
  const name = op.src == null ? null : { src: op.src, seq: op.seq }
  const { meta, seal } = metaOf(op)
  const stored = {
    ...change,
    v: v - 1,
    ...name,
    at: Math.trunc(op.m?.ts ?? Date.now()),
    ...(meta && { meta }),
  }
  const body = JSON.stringify(change)
  return {
    key,
    op: stored,
    body,
    seal: seal ?? derivedSeal(v - 1, body),
    after: { v, type, data, meta: type === null ? null : m },
  }
}

/**
 * An op's metadata if it is more than the time, and apart from it the seal that the gateway put there. ShareDB notes what
 * a delete removed; the log before it says that.
 */
function metaOf({ m, del }: SharedbOp): { meta: Record<string, unknown> | null; seal?: string } {
  if (!m) return { meta: null }
  const { data, seal, ...rest } = m
  const meta = del || data === undefined ? rest : { ...rest, data }
  return { meta: Object.keys(meta).some(key => key !== 'ts') ? meta : null, seal: seal as string | undefined }
}

/** The receipt goes along for whoever knows of it; it is no part of the op, so nothing that lists or copies one finds it. */
function sharedbOp({ at, meta, hash, ...op }: ReceiptedOp, withMeta: boolean): SharedbOp {
  const told: SharedbOp = withMeta ? { ...op, m: meta ?? { ts: at } } : op
  return hash === undefined ? told : Object.defineProperty(told, 'hash', { value: hash })
}
