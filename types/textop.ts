/**
 * Ops on plain text, as ot-text-unicode writes them: a list of components that walks over the document.
 *
 *   op        = component*            what is left of the document stays
 *   component = n                     keep n code points
 *             | "text"                insert text
 *             | {d: n}                delete n code points
 *             | {d: "text"}           the same, n being its code points; we read it and write {d: n}
 *
 * Two components of one kind never stand next to each other, and the last one is not a keep.
 *
 * `compose` and `transform` are one pass and give what the library gives (its own is quadratic in the length of an
 * insert that gets cut up: it counts the rest of the string at every cut). The library is the oracle in the tests.
 */

import { countPoints, forward } from './points.ts'
import type { Side } from './type.ts'

export type TextComponent = number | string | { readonly d: number | string }
export type TextOp = readonly TextComponent[]

/** Code points of the document that a keep or a delete walks over; of an insert, those that it adds. */
export function lengthOf(component: TextComponent): number {
  if (typeof component === 'number') return component
  if (typeof component === 'string') return countPoints(component)
  return typeof component.d === 'number' ? component.d : countPoints(component.d)
}

/** Law: `apply(d, compose(a, b)) = apply(apply(d, a), b)`. */
export function compose(a: TextOp, b: TextOp): TextOp {
  const out = new TextWriter()
  const first = new Reader(a)
  for (const component of b) {
    if (typeof component === 'string') {
      out.insert(component)
      continue
    }
    const keep = typeof component === 'number'
    let left = lengthOf(component)
    while (left > 0) {
      if (first.kind === 'delete') {
        out.delete(first.rest)
        first.next()
        continue
      }
      const n = Math.min(left, first.rest)
      if (first.kind === 'insert') {
        const text = first.takeText(n)
        if (keep) out.insert(text)
      } else {
        if (keep) out.keep(n)
        else out.delete(n)
        first.take(n)
      }
      left -= n
    }
  }
  first.drainTo(out)
  return out.op()
}

/** Law TP1, see `Type`. A tie between two inserts: the left one comes first. */
export function transform(op: TextOp, other: TextOp, side: Side): TextOp {
  const out = new TextWriter()
  const mine = new Reader(op)
  for (const component of other) {
    if (typeof component === 'string') {
      if (side === 'left') while (mine.kind === 'insert') mine.insertTo(out)
      out.keep(countPoints(component))
      continue
    }
    const kept = typeof component === 'number'
    let left = lengthOf(component)
    while (left > 0) {
      if (mine.kind === 'insert') {
        mine.insertTo(out)
        continue
      }
      const n = Math.min(left, mine.rest)
      if (kept && mine.kind === 'delete') out.delete(n)
      else if (kept) out.keep(n)
      mine.take(n)
      left -= n
    }
  }
  mine.drainTo(out)
  return out.op()
}

/** Where index `point` of the document goes; at an insert it stays before it, or goes after it when `own`. */
export function transformPoint(point: number, op: TextOp, own: boolean): number {
  let at = 0
  let moved = point
  for (const component of op) {
    if (at > moved || (at === moved && !own)) break
    const n = lengthOf(component)
    if (typeof component === 'object') moved -= Math.min(n, moved - at)
    else {
      if (typeof component === 'string') moved += n
      at += n
    }
  }
  return moved
}

/** Writes components in canonical form: neighbours of one kind joined, no keep at the end. */
export class TextWriter {
  readonly #op: TextComponent[] = []
  #kind: 'keep' | 'insert' | 'delete' = 'keep'
  #count = 0
  #text = ''

  keep(n: number): void {
    if (this.#kind !== 'keep') this.#turn('keep')
    this.#count += n
  }
  insert(text: string): void {
    if (this.#kind !== 'insert') this.#turn('insert')
    this.#text += text
  }
  delete(n: number): void {
    if (this.#kind !== 'delete') this.#turn('delete')
    this.#count += n
  }
  op(): TextOp {
    if (this.#kind !== 'keep') this.#turn('keep')
    return this.#op
  }

  #turn(kind: 'keep' | 'insert' | 'delete'): void {
    if (this.#kind === 'insert') this.#op.push(this.#text)
    else if (this.#count > 0) this.#op.push(this.#kind === 'keep' ? this.#count : { d: this.#count })
    this.#kind = kind
    this.#count = 0
    this.#text = ''
  }
}

/** Reads an op piece by piece; behind its end it keeps for ever. */
class Reader {
  kind: 'keep' | 'insert' | 'delete' | 'end' = 'end'
  /** Code points of the present component that were not taken yet. */
  rest = Number.POSITIVE_INFINITY
  readonly #op: TextOp
  #index = -1
  #text = ''
  #pairs = false
  /** Where the rest of an insert begins, in UTF-16 units. */
  #unit = 0

  constructor(op: TextOp) {
    this.#op = op
    this.next()
  }

  next(): void {
    const component = this.#op[++this.#index]
    if (component === undefined) {
      this.kind = 'end'
      this.rest = Number.POSITIVE_INFINITY
      return
    }
    this.rest = lengthOf(component)
    if (typeof component === 'number') this.kind = 'keep'
    else if (typeof component === 'object') this.kind = 'delete'
    else {
      this.kind = 'insert'
      this.#text = component
      this.#unit = 0
      this.#pairs = this.rest !== component.length
    }
  }
  take(n: number): void {
    if (this.kind === 'end') return
    this.rest -= n
    if (this.rest === 0) this.next()
  }
  takeText(n: number): string {
    const end = this.#pairs ? forward(this.#text, this.#unit, n) : this.#unit + n
    const text = this.#text.slice(this.#unit, end)
    this.#unit = end
    this.take(n)
    return text
  }
  /** The present insert, whole or what is left of it. */
  insertTo(out: TextWriter): void {
    out.insert(this.takeText(this.rest))
  }
  drainTo(out: TextWriter): void {
    while (this.kind !== 'end') {
      if (this.kind === 'insert') this.insertTo(out)
      else {
        if (this.kind === 'keep') out.keep(this.rest)
        else out.delete(this.rest)
        this.next()
      }
    }
  }
}
