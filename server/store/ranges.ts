/**
 * Composes the ops of a document, as they go by one after another, over aligned ranges of several sizes: what the rungs
 * of these ranges are (rungs.ts builds them from reads instead). Holds one range of each size.
 */

import { composeAll } from '../../ops/compose.ts'
import { typeOf } from '../../types/index.ts'
import type { Full } from './adapter.ts'

/** What a range composes to. `unknown`: not all of it went by, or its type cannot compose it. */
export type Composed =
  | { readonly kind: 'op'; readonly op: unknown }
  /** It holds a create or a delete. */
  | { readonly kind: 'turn' }
  | { readonly kind: 'unknown' }

export interface Range {
  readonly size: number
  readonly v: number
  /** The document at `v`, where that was seen. */
  readonly start: Full | null
  readonly composed: Composed
}

interface Level {
  readonly size: number
  /** The level that its parts come from; null: they are single ops. */
  readonly below: Level | null
  start: Full | null
  parts: Composed[]
}

export class Ranges {
  readonly #levels: Level[] = []
  readonly #done: (range: Range, end: Full) => void

  /** `done` is told every range of `sizes` (rising) when its last op has gone by, with what the document is then. */
  constructor(sizes: readonly number[], done: (range: Range, end: Full) => void) {
    this.#done = done
    for (const size of sizes) {
      const below = this.#levels.findLast(level => size % level.size === 0) ?? null
      this.#levels.push({ size, below, start: null, parts: [] })
    }
  }

  /** The op that took the document from `before` to `after`, one version later; undefined for a create or a delete. */
  take(before: Full, op: unknown, after: Full): void {
    if (this.#levels.length === 0) return
    const part: Composed = op === undefined ? { kind: 'turn' } : { kind: 'op', op }
    const ended = new Map<Level | null, Composed>([[null, part]])
    for (const level of this.#levels) {
      if (before.v % level.size === 0) level.start = before
      const from = ended.get(level.below)
      if (from) level.parts.push(from)
      if (after.v % level.size === 0) ended.set(level, this.#end(level, after))
    }
  }

  #end(level: Level, end: Full): Composed {
    const { size, start, parts } = level
    const composed: Composed = start ? joined(start, parts) : { kind: 'unknown' }
    this.#done({ size, v: end.v - size, start, composed }, end)
    level.start = null
    level.parts = []
    return composed
  }
}

function joined({ type }: Full, parts: readonly Composed[]): Composed {
  if (parts.some(({ kind }) => kind === 'turn')) return { kind: 'turn' }
  const ops = parts.flatMap(part => (part.kind === 'op' ? [part.op] : []))
  if (type === null || ops.length < parts.length) return { kind: 'unknown' }
  try {
    return { kind: 'op', op: composeAll(typeOf(type), ops) }
  } catch {
    return { kind: 'unknown' }
  }
}
