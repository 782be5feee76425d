/**
 * What an edit is: the contract that every OT type keeps.
 *
 * Laws, for ops a and b on the same document d, checked for every type by `test/types`:
 *
 *   TP1      apply(apply(d, a), transform(b, a, 'right')) = apply(apply(d, b), transform(a, b, 'left'))
 *   compose  apply(d, compose(a, b2)) = apply(apply(d, a), b2)          for b2 on apply(d, a)
 *   invert   apply(apply(d, a), invert(a, d)) = d
 *   diff     apply(d, diff(d, e)) = e
 *
 * Documents and ops are plain JSON values, never mutated: they go over the wire, into IndexedDB and into the store
 * as they are. Values are read-only by agreement; sharing structure between them is welcome.
 */

export type TypeName = 'text' | 'json' | 'rich'

/** Who wins a tie: the client's pending op is always `left`, what the server has committed is `right`. */
export type Side = 'left' | 'right'

/** Why a type refuses an op or a document; each code stands in the table of `ops/errors.ts`. */
export type FaultCode = 'OP_MALFORMED' | 'OP_MISFIT' | 'OP_TOO_DEEP' | 'OP_ATTRIBUTE' | 'DATA_MALFORMED'

export interface Fault {
  readonly code: FaultCode
  /** What is wrong and what to do, for a developer to read; holds no document content. */
  readonly message: string
}

/** How much is put in and how much taken out, in the unit of the type (see its file). */
export interface Extent {
  readonly added: number
  readonly removed: number
}

export interface Type<Doc = unknown, Op = unknown> {
  readonly name: TypeName
  /** The name on the wire and in the store; the one the library of that type registers, so that stock clients agree. */
  readonly uri: string
  /** A new document; without `initial` the empty one. Throws on data that `checkData` refuses. */
  create(initial?: unknown): Doc
  /** Whether `data` is a document of this type. */
  checkData(data: unknown): Fault | null
  /** Whether `op` is well formed, whatever the document (for limits before the document is known). */
  checkOp(op: unknown): Fault | null
  /** Whether `op` is well formed and fits `doc`: nothing that the library would let through and that breaks it. */
  check(op: unknown, doc: Doc): Fault | null
  apply(doc: Doc, op: Op): Doc
  compose(a: Op, b: Op): Op
  transform(op: Op, other: Op, side: Side): Op
  /** The side on which an op gives way where two set the same thing (a key, a format). */
  readonly yields: Side
  /** The op that takes `apply(doc, op)` back to `doc`. */
  invert(op: Op, doc: Doc): Op
  /** An op that takes `a` to `b`, as small as is cheap to find. */
  diff(a: Doc, b: Doc): Op
  isNoop(op: Op): boolean
  equalDocs(a: Doc, b: Doc): boolean
  equalOps(a: Op, b: Op): boolean
  /** Moves a cursor over `op`; a tie at an insert goes after it when `own`. Unit: the type's own (see its file). */
  transformCursor(cursor: unknown, op: Op, own: boolean): unknown
  /** What a person would copy out of an op or a document: its inserted text, or JSON. */
  textOf(value: { doc: Doc } | { op: Op }): string
  /**
   * How much an op changes, or how much a document holds, which counts as added. What only changes the look of what is
   * there, or its place, adds and removes nothing. O(op).
   *
   * Law: `extent` of `invert(op, d)` is that of `op` with its two sides exchanged.
   */
  extent(value: { doc: Doc } | { op: Op }): Extent
}
