/**
 * Who wrote what: the writer of each stretch of a `text` or `rich` document. Pure.
 *
 * An authored op is an op in which whatever is inserted is replaced by how much it is and who wrote it; lengths are in the
 * unit of the document's type. An attribution is what authored ops make of the empty document.
 *
 *   authored op = component*           what is left of the document stays
 *   component   = n                    keep n units, n > 0
 *               | -n                   delete n units
 *               | [n, writer]          insert n units of that writer
 *   attribution = [n, writer]*         covers the document exactly
 *
 * Canonical form: neighbours of one kind (and one writer) are joined, inserts stand before a delete at the same place, the
 * last component is no keep. An op has one canonical form, so composing is associative to the letter: in a row, as a
 * tree (`composeAll(authorship, ops)`), and continued from what was stored, the result is the same.
 *
 * There is no content to carry, so this shares nothing with the compose of the types themselves but its shape.
 */

import type { RichOp, TextOp, Type } from '../types/index.ts'
import { isDelete, isInsert, lengthOf as unitsOf } from '../types/runs.ts'
import { lengthOf as pointsOf } from '../types/textop.ts'
import type { Composing } from './compose.ts'

/** Whatever the caller knows a writer by; a small number that stands for one keeps what is stored small. */
export type Writer = string | number
export type Written = readonly [length: number, writer: Writer]
export type AuthoredOp = readonly (number | Written)[]
export type Attribution = readonly Written[]

/** Whether documents of `type` have an attribution; those of `json` have none. */
export const isAttributed = ({ name }: Type): boolean => name === 'text' || name === 'rich'

/** `op` as one that `writer` made. Formats alone make no one a writer. */
export function authored(type: Type, op: unknown, writer: Writer): AuthoredOp {
  const out = new AuthoredWriter()
  if (type.name === 'text') readText(op as TextOp, writer, out)
  else if (type.name === 'rich') readRich(op as RichOp, writer, out)
  else throw new Error(`a document of type ${type.name} has no attribution`)
  return out.op()
}

/** The attribution of a document that was created with content `data` (one that `type.create` takes). */
export function attributionOf(type: Type, data: unknown, writer: Writer): Attribution {
  if (!isAttributed(type)) throw new Error(`a document of type ${type.name} has no attribution`)
  const { added } = type.extent({ doc: type.create(data) })
  return added > 0 ? [[added, writer]] : []
}

/**
 * The attribution after `op`. Throws where the op reaches beyond the document. O(op + runs).
 *
 * Law: `attribute(attribute(d, a), b) = attribute(d, composeAuthored(a, b))`.
 */
export function attribute(attribution: Attribution, op: AuthoredOp): Attribution {
  const after = composeAuthored(attribution, op)
  if (!after.every(component => typeof component === 'object'))
    throw new Error('The op reaches beyond the end of the attribution.')
  return after as Attribution
}

/** Law: `composeAuthored(composeAuthored(a, b), c)` equals `composeAuthored(a, composeAuthored(b, c))`. */
export function composeAuthored(a: AuthoredOp, b: AuthoredOp): AuthoredOp {
  const first = new AuthoredReader(a)
  const second = new AuthoredReader(b)
  const out = new AuthoredWriter()
  while (second.kind !== 'end') {
    if (second.kind === 'insert') second.moveTo(out)
    else if (first.kind === 'delete') first.moveTo(out)
    else {
      const n = Math.min(first.rest, second.rest)
      if (second.kind === 'delete') {
        if (first.kind !== 'insert') out.delete(n)
      } else if (first.kind === 'insert') out.insert(n, first.writer)
      else out.keep(n)
      first.take(n)
      second.take(n)
    }
  }
  while (first.kind !== 'end') first.moveTo(out)
  return out.op()
}

/** For `composeAll`, `append` and `join`. */
export const authorship: Composing<AuthoredOp> = { compose: composeAuthored }

function readText(op: TextOp, writer: Writer, out: AuthoredWriter): void {
  for (const component of op) {
    const n = pointsOf(component)
    if (typeof component === 'string') out.insert(n, writer)
    else if (typeof component === 'number') out.keep(n)
    else out.delete(n)
  }
}

function readRich({ ops }: RichOp, writer: Writer, out: AuthoredWriter): void {
  for (const run of ops) {
    const n = unitsOf(run)
    if (isInsert(run)) out.insert(n, writer)
    else if (isDelete(run)) out.delete(n)
    else out.keep(n)
  }
}

/** Writes components in canonical form: what is pending is a keep, or else an insert and a delete behind it. */
class AuthoredWriter {
  readonly #op: (number | Written)[] = []
  #kept = 0
  #inserted = 0
  #writer: Writer = 0
  #deleted = 0

  keep(n: number): void {
    this.#endChange()
    this.#kept += n
  }
  insert(n: number, writer: Writer): void {
    this.#endKeep()
    if (writer !== this.#writer) this.#endInsert()
    this.#writer = writer
    this.#inserted += n
  }
  delete(n: number): void {
    this.#endKeep()
    this.#deleted += n
  }
  op(): AuthoredOp {
    this.#endChange()
    return this.#op
  }

  #endChange(): void {
    this.#endInsert()
    if (this.#deleted > 0) this.#op.push(-this.#deleted)
    this.#deleted = 0
  }
  #endInsert(): void {
    if (this.#inserted > 0) this.#op.push([this.#inserted, this.#writer])
    this.#inserted = 0
  }
  #endKeep(): void {
    if (this.#kept > 0) this.#op.push(this.#kept)
    this.#kept = 0
  }
}

/** Reads an op piece by piece; behind its end it keeps for ever. */
class AuthoredReader {
  kind: 'keep' | 'insert' | 'delete' | 'end' = 'end'
  /** Units of the present component that were not taken yet. */
  rest = Number.POSITIVE_INFINITY
  writer: Writer = 0
  readonly #op: AuthoredOp
  #index = 0

  constructor(op: AuthoredOp) {
    this.#op = op
    this.#open()
  }

  /** Walks over `n` units, at most the rest of the present component. */
  take(n: number): void {
    this.rest -= n
    if (this.rest > 0) return
    this.#index++
    this.#open()
  }
  /** The rest of the present component, which is not the end. */
  moveTo(out: AuthoredWriter): void {
    if (this.kind === 'insert') out.insert(this.rest, this.writer)
    else if (this.kind === 'keep') out.keep(this.rest)
    else out.delete(this.rest)
    this.take(this.rest)
  }

  #open(): void {
    const component = this.#op[this.#index]
    if (component === undefined) {
      this.kind = 'end'
      this.rest = Number.POSITIVE_INFINITY
    } else if (typeof component === 'object') {
      this.kind = 'insert'
      this.rest = component[0]
      this.writer = component[1]
    } else {
      this.kind = component > 0 ? 'keep' : 'delete'
      this.rest = Math.abs(component)
    }
  }
}
