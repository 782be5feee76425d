/** The embedded store: op log and snapshots in one SQLite file. Who opens it owns it and closes it. */

import { HoldfastError } from '../../ops/errors.ts'
import type { DocKey } from '../../ops/identity.ts'
import { adapterOf, type Commit, type OpLog, type Verdict } from './adapter.ts'
import { groupOf } from './group.ts'
import { noDocument } from './replay.ts'
import { type DatabaseOptions, failed, inTransaction, openDatabase } from './schema.ts'
import { type SnapshotOptions, snapshotsOf } from './snapshots.ts'
import type { Store } from './store.ts'
import { tablesOf } from './tables.ts'

export type SqliteOptions = DatabaseOptions & Partial<SnapshotOptions>

/**
 * Opens a store, made if it is not there and brought up to date if it is old.
 * Throws `STORE_NEWER` for the database of a newer program, `STORE_FAILED` if it cannot be opened.
 */
export function openSqliteStore(options: SqliteOptions): Store {
  const { cacheBytes = 64 * 2 ** 20, quietMs = 5000 } = options
  const db = openDatabase(options)
  const tables = tablesOf(db)
  const counts = { commits: 0, groups: 0, snapshots: 0 }
  const transact = <T>(work: () => T): T => inTransaction(db, work)
  const snapshots = snapshotsOf(tables, transact, counts, { cacheBytes, quietMs })

  /** Runs one question; a failure of the database gets its code. */
  async function ask<T>(doing: string, work: () => T | Promise<T>): Promise<T> {
    if (!db.isOpen) throw new HoldfastError('STORE_FAILED', `The database could not ${doing}: it is closed.`)
    try {
      return await work()
    } catch (error) {
      throw failed(doing, error)
    }
  }

  const group = groupOf((commits: readonly Commit[]): Verdict[] => {
    const verdicts = transact(() => commits.map(commit => tables.append(commit)))
    counts.groups++
    commits.forEach(({ key, after, body }, i) => {
      if (verdicts[i] !== 'committed') return
      counts.commits++
      snapshots.moved(key, after, body.length)
    })
    return verdicts
  })

  function close(): Promise<void> {
    if (!db.isOpen) return Promise.resolve()
    group.flush()
    snapshots.close()
    return ask('close', () => db.close())
  }

  const latest = (key: DocKey) => ask('read', () => snapshots.latest(key, tables.doc(key)))
  /** Reads the part of a stretch of the log that is at or before the head. */
  const stretch =
    <T>(read: (doc: number, from: number, to: number) => T[]) =>
    (key: DocKey, from: number, to: number | null): Promise<T[]> =>
      ask('read', () => {
        const row = tables.doc(key)
        return row ? read(row.num, from, Math.min(to ?? row.v, row.v)) : []
      })
  const ops = stretch(tables.ops)
  const versionOf: Store['versionOf'] = (key, name) =>
    ask('read', () => {
      const row = tables.doc(key)
      return row && tables.versionOf(row.num, name)
    })
  const log: OpLog = {
    commit: commit => ask('write', () => group.add(commit)),
    latest,
    ops,
    versionOf,
    close,
  }

  return {
    db: adapterOf(log),
    counts,
    ops,
    changes: stretch(tables.changes),
    versionOf,
    close,
    snapshot: latest,
    head: key =>
      ask('read', () => {
        const { v, type } = tables.doc(key) ?? noDocument
        return { v, type }
      }),
    typeAt: (key, v) =>
      ask('read', () => {
        const row = tables.doc(key)
        return row && tables.typeAt(row.num, v)
      }),
    list: (collection, { limit, after }) => ask('read', () => tables.list(collection, limit, after)),
    // An empty write transaction: it needs the lock and a file that can be written, but no fsync.
    ping: () => ask('answer', () => transact(() => {})),
  }
}
