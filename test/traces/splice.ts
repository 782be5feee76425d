/**
 * One recorded edit, and how each system under test says it.
 *
 * A splice deletes and then inserts at one place. Positions count characters: Unicode code points for ot-text-unicode,
 * UTF-16 units for ot-text, Delta and Yjs. The two agree as long as no character lies beyond U+FFFF, which is so in
 * both sequential traces and is checked when they are read.
 */

export interface Splice {
  readonly at: number
  /** How many characters go. */
  readonly deleted: number
  readonly inserted: string
  /** In a rich document the inserted text is bold; elsewhere it means nothing. */
  readonly bold?: boolean
}

/** An op of ot-text-unicode and of ot-text, which write an op alike. */
export type TextOp = (number | string | { d: number })[]

export interface DeltaOp {
  ops: ({ retain: number } | { insert: string; attributes?: { bold: true } } | { delete: number })[]
}

/** As much of Yjs' `Y.Text` as an edit needs. */
export interface SharedText {
  insert(at: number, text: string, attributes: object): void
  delete(at: number, length: number): void
}

export function textOp({ at, deleted, inserted }: Splice): TextOp {
  const op: TextOp = []
  if (at > 0) op.push(at)
  if (inserted !== '') op.push(inserted)
  if (deleted > 0) op.push({ d: deleted })
  return op
}

export function deltaOp({ at, deleted, inserted, bold }: Splice): DeltaOp {
  const ops: DeltaOp['ops'] = []
  if (at > 0) ops.push({ retain: at })
  if (inserted !== '') ops.push({ insert: inserted, ...(bold && { attributes: { bold: true } }) })
  if (deleted > 0) ops.push({ delete: deleted })
  return { ops }
}

/** Without `bold` the text is plain whatever its neighbour is (Yjs would let it inherit), as in a Delta. */
export function spliceShared(text: SharedText, { at, deleted, inserted, bold }: Splice): void {
  if (deleted > 0) text.delete(at, deleted)
  if (inserted !== '') text.insert(at, inserted, bold ? { bold: true } : {})
}

export const spliceString = (document: string, { at, deleted, inserted }: Splice): string =>
  document.slice(0, at) + inserted + document.slice(at + deleted)
