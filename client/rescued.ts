/** What a held edit becomes as a document of its own. Pure. */

import { applyChange, type Content, checkChange } from '../ops/change.ts'
import { HoldfastError } from '../ops/errors.ts'
import { typeOf } from '../types/index.ts'
import type { HeldEdit } from './api.ts'

/**
 * The document as its writer saw it with the edit; where what lay under it is not known (`base` null), the text that the
 * edit puts in. Throws `OP_MISFIT` for a deletion, which leaves nothing.
 */
export function documentOf({ original, type, text }: HeldEdit, base: Content | null): Content {
  if ('del' in original) throw new HoldfastError('OP_MISFIT', 'A deletion leaves nothing to save.')
  if ('create' in original) return original.create
  if (base?.type != null && checkChange(original, base) === null) return applyChange(base, original)
  const data = type === 'rich' ? { ops: text === '' ? [] : [{ insert: text }] } : text
  return { type, data: typeOf(type).create(data) }
}
