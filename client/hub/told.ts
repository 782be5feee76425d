/** What both sides of a port make of what is told over it. Pure. */

import type { Change } from '../../ops/change.ts'
import type { WireError } from '../../ops/protocol.ts'
import type { TypeName } from '../../types/type.ts'
import type { Truth } from '../api.ts'
import type { Passing } from './messages.ts'

/** An op's type is that of the document that it is an op on. */
export function passingsOf(changes: readonly Change[], before: TypeName | null): Passing[] {
  let type = before
  return changes.map(change => {
    const passing = { change, type }
    if ('create' in change) type = change.create.type
    if ('del' in change) type = null
    return passing
  })
}

export const sameTruth = (a: Truth, b: Truth): boolean =>
  a.status === b.status &&
  a.unsent === b.unsent &&
  a.saved === b.saved &&
  a.settled === b.settled &&
  a.held === b.held &&
  a.exists === b.exists &&
  a.canUndo === b.canUndo &&
  a.canRedo === b.canRedo &&
  a.wentBack === b.wentBack &&
  a.error?.code === b.error?.code

/** Why an edit lost its ground on the way from its tab to the hub. */
export const lostGround = (mismatch: boolean): WireError =>
  mismatch
    ? { code: 'TYPE_MISMATCH', message: 'Somebody created this document with another type.' }
    : { code: 'DOCUMENT_DELETED', message: 'The document was deleted.' }
