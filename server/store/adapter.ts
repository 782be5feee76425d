/**
 * The store as ShareDB's database: what ShareDB asks, put to an op log (SQLite's or another's).
 *
 *   ShareDB   getSnapshot -> transform, apply -> commit(op, snapshot) -> publish, ack
 *   here      the op becomes text at once; the log says `committed`, `taken` (ShareDB transforms and tries again) or
 *             that it has this name already (ShareDB acknowledges it as it stands)
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
import type { StoredOp, StoredSnapshot } from './store.ts'

/** A snapshot with ShareDB's metadata: `ctime` and `mtime` (ms since 1970) and `_create`, the op that made it. */
export type Full = StoredSnapshot & { readonly meta: Record<string, unknown> | null }

/** An op ready to be written, and what the document is after it. */
export interface Commit {
  readonly key: DocKey
  readonly op: StoredOp
  /** The change as JSON text. */
  readonly body: string
  readonly after: Full
}

export type Verdict =
  | 'committed'
  /** Somebody else's op has this version. */
  | 'taken'
  /** The log has the name already, at this version. */
  | { readonly again: number }

/** What the adapter needs of an op log; each rejects with `STORE_FAILED` when the database cannot. */
export interface OpLog {
  commit(commit: Commit): Promise<Verdict>
  snapshot(key: DocKey): Promise<Full>
  ops(key: DocKey, from: number, to: number | null): Promise<StoredOp[]>
  versionOf(key: DocKey, name: Name): Promise<number | null>
  close(): Promise<void>
}

export function adapterOf(log: OpLog): DB {
  return new Adapter(log)
}

class Adapter extends sharedb.DB {
  readonly #log: OpLog

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
    const verdict = await this.#log.commit(prepare(key, op, snapshot))
    if (typeof verdict === 'string') return verdict === 'committed'
    // ShareDB acknowledges this error with the op's version, so let that be the one it has.
    op.v = verdict.again
    throw new sharedb.Error('ERR_OP_ALREADY_SUBMITTED', 'Op already submitted')
  }

  override getSnapshot(
    collection: string,
    id: string,
    fields: Fields,
    options: ReadOptions,
    callback: Done<SharedbSnapshot>,
  ): void {
    const withMeta = Boolean(fields?.$submit || options?.metadata)
    const found = this.#log
      .snapshot({ collection, id })
      .then(({ v, type, data, meta }) => ({ id, v, type, data, m: withMeta && meta ? { ...meta } : null }))
    answer(found, callback)
  }

  override getOps(
    collection: string,
    id: string,
    from: number | null,
    to: number | null,
    options: ReadOptions,
    callback: Done<SharedbOp[]>,
  ): void {
    const found = this.#log.ops({ collection, id }, from ?? 0, to ?? null)
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

/** Calls back from the event loop, where a throw of the callback is nobody else's and cannot call it twice. */
function answer<T>(promise: Promise<T>, callback: Done<T>): void {
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
  const meta = metaOf(op)
  const stored = {
    ...change,
    v: v - 1,
    ...name,
    at: Math.trunc(op.m?.ts ?? Date.now()),
    ...(meta && { meta }),
  }
  return {
    key,
    op: stored,
    body: JSON.stringify(change),
    after: { v, type, data, meta: type === null ? null : m },
  }
}

/** An op's metadata if it is more than the time. ShareDB notes what a delete removed; the log before it says that. */
function metaOf({ m, del }: SharedbOp): Record<string, unknown> | null {
  if (!m) return null
  const { data, ...rest } = m
  const meta = del ? rest : m
  return Object.keys(meta).some(key => key !== 'ts') ? meta : null
}

function sharedbOp({ at, meta, ...op }: StoredOp, withMeta: boolean): SharedbOp {
  return withMeta ? { ...op, m: meta ?? { ts: at } } : op
}
