/** What one edit does to a document: creates it, edits it or deletes it; and what it leaves. Pure. */

import { typeOf } from '../types/index.ts'
import type { Extent, Fault, TypeName } from '../types/type.ts'
import { composeAll } from './compose.ts'
import type { WireChange } from './protocol.ts'

export type Change =
  | { readonly create: { readonly type: TypeName; readonly data: unknown } }
  | { readonly op: unknown }
  | { readonly del: true }

/** A document's content; `type` is null while the document does not exist. */
export type Content =
  | { readonly type: TypeName; readonly data: unknown }
  | { readonly type: null; readonly data: undefined }

export const absent: Content = { type: null, data: undefined }

/** `check` first: a change that does not fit throws. */
export function applyChange(content: Content, change: Change): Content {
  if ('create' in change) {
    if (content.type !== null) throw new Error('create on a document that exists')
    return { type: change.create.type, data: typeOf(change.create.type).create(change.create.data) }
  }
  if (content.type === null) throw new Error('edit of a document that does not exist')
  if ('del' in change) return absent
  return { type: content.type, data: typeOf(content.type).apply(content.data, change.op) }
}

/** Whether `change` can be applied to `content`. */
export function checkChange(change: Change, content: Content): Fault | null {
  if ('create' in change) {
    if (content.type !== null) return misfit('The document exists already: edit it instead of creating it.')
    return typeOf(change.create.type).checkData(change.create.data)
  }
  if (content.type === null) return misfit('The document does not exist: create it first.')
  return 'del' in change ? null : typeOf(content.type).check(change.op, content.data)
}

/** The change that takes `applyChange(content, change)` back to `content`. */
export function invertChange(change: Change, content: Content): Change {
  if ('create' in change) return { del: true }
  if (content.type === null) throw new Error('invert of a change to a document that does not exist')
  if ('del' in change) return { create: { type: content.type, data: content.data } }
  return { op: typeOf(content.type).invert(change.op, content.data) }
}

/**
 * How much `change` to `content` puts in and takes out, in the unit of the type; O(change), of a delete O(content).
 * Where nothing is (or nothing is known any more), a delete takes nothing out.
 */
export function extentOfChange(change: Change, content: Content): Extent {
  if ('create' in change) {
    const type = typeOf(change.create.type)
    return type.extent({ doc: type.create(change.create.data) })
  }
  if (content.type === null && 'del' in change) return { added: 0, removed: 0 }
  if (content.type === null) throw new Error('extent of a change to a document that does not exist')
  const type = typeOf(content.type)
  if ('op' in change) return type.extent({ op: change.op })
  const { added } = type.extent({ doc: content.data })
  return { added: 0, removed: added }
}

export function equalContents(a: Content, b: Content): boolean {
  if (a.type === null || b.type === null) return a.type === b.type
  return a.type === b.type && typeOf(a.type).equalDocs(a.data, b.data)
}

/** The changes that take one content to another. */
export function difference(from: Content, to: Content): Change[] {
  if (equalContents(from, to)) return []
  if (from.type !== null && from.type === to.type) return [{ op: typeOf(from.type).diff(from.data, to.data) }]
  const changes: Change[] = from.type === null ? [] : [{ del: true }]
  if (to.type !== null) changes.push({ create: to })
  return changes
}

/** A change as it stands on the wire and in the store, where types go by their URIs. */
export function toWire(change: Change): WireChange {
  if ('create' in change)
    return { create: { type: typeOf(change.create.type).uri, data: change.create.data } }
  return 'del' in change ? { del: true } : { op: change.op }
}

/** Throws on a type that is not known. */
export function fromWire(change: WireChange): Change {
  if (change.create) {
    const type = typeOf(change.create.type)
    return { create: { type: type.name, data: type.create(change.create.data) } }
  }
  return change.del ? { del: true } : { op: change.op }
}

/**
 * The same changes in fewer pieces: ops become part of the create before them, ops next to each other one op.
 * `after` is the content that they led to.
 */
export function composeChanges(changes: readonly Change[], after: Content): readonly Change[] {
  const [first, ...rest] = changes
  if (rest.length === 0 || after.type === null || !rest.every(isEdit)) return changes
  if ('create' in first!) return [{ create: after }]
  if (!isEdit(first!)) return changes
  return [
    {
      op: composeAll(
        typeOf(after.type),
        [first, ...rest].map(({ op }) => op),
      ),
    },
  ]
}

const isEdit = (change: Change): change is { op: unknown } => 'op' in change

const misfit = (message: string): Fault => ({ code: 'OP_MISFIT', message })
