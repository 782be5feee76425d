/**
 * Versions in headers (RFC 9110, 13.1). An ETag is "vV.EPOCH": another epoch is another history, and a form other than JSON
 * has a tag of its own, "vV.EPOCH-html". A client may write "vV" by itself.
 */

import type { Request } from 'express'
import { HoldfastError } from '../../ops/errors.ts'

const TAG = /^(?:W\/)?"v(\d{1,15})(?:\.([0-9a-f]{8})(?:-(\w+))?)?"$/
const EPOCH_CHARS = 8

export type Form = 'json' | 'text' | 'html'

export const etagOf = (v: number, epoch: string, form: Form = 'json'): string =>
  `"v${v}.${epoch.slice(0, EPOCH_CHARS)}${form === 'json' ? '' : `-${form}`}"`

/** Whether what the client has is what it would be told. */
export const isKnown = (request: Request, etag: string): boolean =>
  (request.get('if-none-match') ?? '').split(',').some(tag => tag.trim().replace(/^W\//, '') === etag)

/** What a write is allowed on. */
export interface Condition {
  /** Only on these versions; null: on any. */
  readonly versions: ReadonlySet<number> | null
  /** Whether the document must be there (true), must not be (false), or either. */
  readonly exists: boolean | null
}

/** Throws PARAMETER_INVALID. */
export function conditionOf(request: Request, epoch: string): Condition {
  const match = request.get('if-match')
  const none = request.get('if-none-match')
  if (none !== undefined && (none.trim() !== '*' || match !== undefined))
    throw new HoldfastError(
      'PARAMETER_INVALID',
      'If-None-Match of a write is *, and stands without If-Match.',
    )
  if (none !== undefined) return { versions: null, exists: false }
  if (match === undefined) return { versions: null, exists: null }
  if (match.trim() === '*') return { versions: null, exists: true }
  const tags = match.split(',').map(tag => TAG.exec(tag.trim()))
  if (tags.some(tag => tag === null))
    throw new HoldfastError('PARAMETER_INVALID', 'If-Match must be * or a list of ETags like "v7".')
  // Of another history no version is this one.
  const ours = tags.filter(tag => tag![2] === undefined || tag![2] === epoch.slice(0, EPOCH_CHARS))
  return { versions: new Set(ours.map(tag => Number(tag![1]))), exists: true }
}

/** Throws VERSION_MISMATCH; answers the one version on which the write may be done, undefined for any. */
export function checkCondition(
  { versions, exists }: Condition,
  { v, type }: { v: number; type: string | null },
): number | undefined {
  const met = (exists === null || exists === (type !== null)) && (versions?.has(v) ?? true)
  if (!met) throw new HoldfastError('VERSION_MISMATCH')
  return versions !== null || exists === false ? v : undefined
}
