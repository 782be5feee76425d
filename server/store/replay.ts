/** What a stretch of the op log makes of a document, with ShareDB's metadata as ShareDB itself would have set it. */

import { absent, type Content } from '../../ops/change.ts'
import { HoldfastError } from '../../ops/errors.ts'
import { typeOf } from '../../types/index.ts'
import { type SharedbType, sharedb } from '../sharedb.ts'
import type { Full } from './adapter.ts'
import type { StoredOp, StoredSnapshot } from './store.ts'

export const noDocument: Full = { v: 0, type: null, data: undefined, meta: null }

export const contentOf = ({ type, data }: Pick<StoredSnapshot, 'type' | 'data'>): Content =>
  type === null ? absent : { type: typeOf(type).name, data }

/**
 * `from` after `ops`, which follow on it without a gap: one by one, because that is what the log means.
 * Throws `STORE_FAILED` for an op that this program cannot apply.
 */
export function replay(from: Full, ops: readonly StoredOp[]): Full {
  return ops.reduce((full, op) => {
    try {
      return after(full, op)
    } catch (error) {
      throw new HoldfastError(
        'STORE_FAILED',
        `The op of version ${op.v} cannot be applied: ${(error as Error).message}`,
      )
    }
  }, from)
}

function after({ v, type, data, meta }: Full, op: StoredOp): Full {
  if (op.del) return { v: v + 1, type: null, data: undefined, meta: null }
  if (op.create) {
    const created = typeNamed(op.create.type)
    const by = { src: op.src, seq: op.seq, v: op.v }
    const data = created.create(op.create.data)
    return { v: v + 1, type: created.uri, data, meta: { ctime: op.at, mtime: op.at, _create: by } }
  }
  if (type === null) throw new Error('there is no document')
  return { v: v + 1, type, data: typeNamed(type).apply(data, op.op), meta: { ...meta, mtime: op.at } }
}

function typeNamed(name: string): SharedbType {
  const type = sharedb.types.map[name]
  if (!type) throw new Error(`no type is called ${name}`)
  return type
}
