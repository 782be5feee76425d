/**
 * The store as ShareDB's database of milestones, the snapshots from which it reads a document at a version or a time.
 *
 * Where the log has the ops, the very version that was asked for is made from rungs: ShareDB then has no op left to
 * apply. What was saved as a milestone is the answer where the log has none.
 */

import { HoldfastError } from '../../ops/errors.ts'
import type { DocKey } from '../../ops/identity.ts'
import { type Done, type MilestoneDB, type SharedbSnapshot, sharedb } from '../sharedb.ts'
import { answer, type Full } from './adapter.ts'
import type { Head, StoredSnapshot } from './store.ts'

/** What the adapter needs of a store. */
export interface MilestoneLog {
  head(key: DocKey): Promise<Head>
  at(key: DocKey, v: number): Promise<StoredSnapshot>
  versionBy(key: DocKey, at: number): Promise<number>
  saveMilestone(key: DocKey, full: Full): Promise<void>
  milestone(key: DocKey, to: number): Promise<Full | null>
  milestoneBy(key: DocKey, side: 'before' | 'after', at: number): Promise<Full | null>
}

type Found = SharedbSnapshot | undefined

/** `interval`: versions between two milestones that ShareDB saves by itself; the store needs none. */
export const milestonesOf = (log: MilestoneLog, interval?: number): MilestoneDB =>
  new Milestones(log, interval)

class Milestones extends sharedb.MilestoneDB {
  readonly #log: MilestoneLog

  constructor(log: MilestoneLog, interval: number | undefined) {
    super({ interval })
    this.#log = log
  }

  override saveMilestoneSnapshot(collection: string, snapshot: SharedbSnapshot, callback?: Done): void {
    const saved = this.#save(collection, snapshot)
    if (callback) answer(saved, error => callback(error))
    else {
      saved.then(
        () => this.emit('save', collection, snapshot),
        error => this.emit('error', error),
      )
    }
  }

  async #save(collection: string, snapshot: SharedbSnapshot): Promise<void> {
    if (!snapshot) throw invalid('a snapshot')
    const { v, type, data, m } = snapshot
    await this.#log.saveMilestone(checked(collection, snapshot.id), { v, type, data, meta: m })
  }

  override getMilestoneSnapshot(
    collection: string,
    id: string,
    version: number | null,
    callback: Done<Found>,
  ): void {
    answer(this.#get(collection, id, version), callback)
  }

  async #get(collection: string, id: string, version: number | null): Promise<Found> {
    const key = checked(collection, id)
    if (!this._isValidVersion(version)) throw invalid('a version')
    if (version !== null && (await this.#log.head(key)).v >= version) return this.#made(key, version)
    return found(id, await this.#log.milestone(key, version ?? Number.MAX_SAFE_INTEGER))
  }

  override getMilestoneSnapshotAtOrBeforeTime(
    collection: string,
    id: string,
    timestamp: number | null,
    callback: Done<Found>,
  ): void {
    // Without a time the stretch that ShareDB reads begins with the first milestone and ends with the last one.
    answer(this.#getBy(collection, id, timestamp ?? 0, timestamp === null ? 'after' : 'before'), callback)
  }

  override getMilestoneSnapshotAtOrAfterTime(
    collection: string,
    id: string,
    timestamp: number | null,
    callback: Done<Found>,
  ): void {
    const at = timestamp ?? Number.MAX_SAFE_INTEGER
    answer(this.#getBy(collection, id, at, timestamp === null ? 'before' : 'after'), callback)
  }

  /** Both ends of the stretch that ShareDB reads are the version of that time, so there is nothing between them. */
  async #getBy(collection: string, id: string, at: number, side: 'before' | 'after'): Promise<Found> {
    const key = checked(collection, id)
    if (!this._isValidTimestamp(at)) throw invalid('a time')
    const head = await this.#log.head(key)
    if (head.v > 0) return this.#made(key, await this.#log.versionBy(key, at))
    return found(id, await this.#log.milestoneBy(key, side, at))
  }

  async #made(key: DocKey, version: number): Promise<Found> {
    const { v, type, data } = await this.#log.at(key, version)
    return { id: key.id, v, type, data, m: null }
  }
}

const found = (id: string, full: Full | null): Found =>
  full ? { id, v: full.v, type: full.type, data: full.data, m: full.meta } : undefined

function checked(collection: unknown, id: unknown): DocKey {
  if (typeof collection !== 'string') throw invalid('a collection')
  if (typeof id !== 'string') throw invalid('an id')
  return { collection, id }
}

const invalid = (what: string) => new HoldfastError('PARAMETER_INVALID', `A milestone needs ${what}.`)
