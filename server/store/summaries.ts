/** Who changed how much, op by op: what history is listed from, and what stays of a pack when its ops are trimmed. */

import { type Change, extentOfChange, fromWire } from '../../ops/change.ts'
import { type Summary, sittingsOf, summaryOf } from '../../ops/sittings.ts'
import { typeOf } from '../../types/index.ts'
import type { Extent } from '../../types/type.ts'
import type { KeptOp } from './engine.ts'
import type { StoredSnapshot } from './store.ts'

/** An op without its content. */
export interface OpNote extends Extent {
  readonly v: number
  readonly src: string | null
  readonly seq: number | null
  readonly at: number
  readonly kind: 'create' | 'edit' | 'delete'
  /** The version that it restored, if it did. */
  readonly restored?: number
}

/**
 * Notes of `ops`, which follow on each other. `uri` is the document's type before them; what a delete removed is told by
 * `contentAt`, the document at a version.
 */
export async function notesOf(
  ops: readonly KeptOp[],
  uri: string | null,
  contentAt: (v: number) => Promise<StoredSnapshot>,
): Promise<OpNote[]> {
  const notes: OpNote[] = []
  let type = uri
  for (const { v, src, seq, at, body, meta } of ops) {
    const change = fromWire(JSON.parse(body))
    const restored = meta === null ? undefined : (JSON.parse(meta) as { restored?: number }).restored
    const kind = 'create' in change ? 'create' : 'del' in change ? 'delete' : 'edit'
    const extent = await extentOf(change, type, () => contentAt(v))
    notes.push({ v, src, seq, at, kind, ...extent, ...(restored !== undefined && { restored }) })
    if ('create' in change) type = typeOf(change.create.type).uri
    if ('del' in change) type = null
  }
  return notes
}

async function extentOf(
  change: Change,
  uri: string | null,
  content: () => Promise<StoredSnapshot>,
): Promise<Extent> {
  if ('op' in change) return typeOf(uri!).extent({ op: change.op })
  const { type, data } = 'del' in change ? await content() : { type: null, data: undefined }
  return extentOfChange(change, type === null ? { type, data: undefined } : { type: typeOf(type).name, data })
}

/** Ops without a src have the writer ''. */
export const summaryOfNote = ({ v, at, src, added, removed }: OpNote): Summary =>
  summaryOf(v, at, src ?? '', { added, removed })

/** What a pack says about its ops, oldest first: a summary for each sitting, so that these can be told when it is trimmed. */
export const blocksOf = (notes: readonly OpNote[]): Summary[] =>
  sittingsOf(notes.map(summaryOfNote).reverse()).reverse()
