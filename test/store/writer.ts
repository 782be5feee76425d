/** Writing to a store as ShareDB does, and reading it back the slow and certain way. */

import assert from 'node:assert/strict'
import type { Committed, DocKey } from '../../ops/identity.ts'
import type { WireChange } from '../../ops/protocol.ts'
import type { Done, SharedbOp, SharedbSnapshot } from '../../server/sharedb.ts'
import type { Store, StoredOp } from '../../server/store/store.ts'
import { typeOf } from '../../types/index.ts'

export const keyOf = (id: string, collection = 'notes'): DocKey => ({ collection, id })

/** A call of ShareDB's kind as a promise. */
export const called = <T>(call: (done: Done<T>) => void): Promise<T> =>
  new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result as T)))
  })

export const fetched = (store: Store, { collection, id }: DocKey): Promise<SharedbSnapshot> =>
  called(done => store.db.getSnapshot(collection, id, { $submit: true }, null, done))

/** Commits a change at the version of `snapshot`, which becomes what the change makes of it. */
export async function commitOn(
  store: Store,
  { collection, id }: DocKey,
  snapshot: SharedbSnapshot,
  change: WireChange,
  { seal, ...name }: Partial<Committed> = {},
  at = Date.now(),
): Promise<boolean> {
  const op: SharedbOp = { ...change, ...name, v: snapshot.v, m: { ts: at, ...(seal && { seal }) } }
  return called(done => store.db.commit(collection, id, op, changed(snapshot, change), null, done))
}

/** Commits a change at the head; answers what ShareDB would be answered. */
export async function submit(
  store: Store,
  key: DocKey,
  change: WireChange,
  name?: Committed,
): Promise<boolean> {
  return commitOn(store, key, await fetched(store, key), change, name)
}

/** The document that the op log makes, one op after the other. */
export function replayed(key: DocKey, ops: readonly StoredOp[]): SharedbSnapshot {
  const nothing: SharedbSnapshot = { id: key.id, v: 0, type: null, data: undefined, m: null }
  return ops.reduce((snapshot, op) => {
    assert.equal(op.v, snapshot.v, 'versions have no gap')
    return changed(snapshot, op)
  }, nothing)
}

/** That the snapshot of the store is what its op log makes. */
export async function assertDerived(store: Store, key: DocKey): Promise<void> {
  const { v, type, data } = replayed(key, await store.ops(key, 0, null))
  const snapshot = await store.snapshot(key)
  assert.deepEqual([snapshot.v, snapshot.type, snapshot.data], [v, type, data])
}

/** The document one version later. */
export function changed({ id, v, type, data, m }: SharedbSnapshot, op: WireChange): SharedbSnapshot {
  if (op.del) return { id, v: v + 1, type: null, data: undefined, m }
  if (op.create) {
    const created = typeOf(op.create.type)
    return { id, v: v + 1, type: created.uri, data: created.create(op.create.data), m }
  }
  return { id, v: v + 1, type, data: typeOf(type!).apply(data, op.op), m }
}
