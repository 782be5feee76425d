/** The naive attribution: an array with the writer of every unit of the document, changed op by op. Histories to try it on. */

import type { Writer } from '../../ops/attribution.ts'
import { type RichOp, type TextOp, type Type, text } from '../../types/index.ts'
import { isDelete, isInsert, lengthOf } from '../../types/runs.ts'
import { Random } from '../random.ts'
import { firstEdits, type History } from '../traces/history.ts'
import { randomDoc, randomOp } from '../types/generators.ts'

export type Step = readonly [op: unknown, writer: Writer]

export interface Told {
  readonly type: Type
  readonly start: unknown
  readonly steps: readonly Step[]
  readonly end: unknown
}

/** One writer for each unit: code points of `text`, UTF-16 units of `rich`. */
export function writersOf(type: Type, doc: unknown, writer: Writer): Writer[] {
  const units = type.name === 'text' ? [...(doc as string)].length : type.textOf({ doc }).length
  return new Array(units).fill(writer)
}

/** The writers after an op: `units` is walked over and copied, kept, left out or added to. */
export function stepWriters(type: Type, units: readonly Writer[], [op, writer]: Step): Writer[] {
  const after: Writer[] = []
  let at = 0
  for (const [verb, n] of type.name === 'text' ? verbsOfText(op as TextOp) : verbsOfRich(op as RichOp)) {
    if (verb === 'add') for (let i = 0; i < n; i++) after.push(writer)
    if (verb === 'keep') after.push(...units.slice(at, at + n))
    if (verb !== 'add') at += n
  }
  return [...after, ...units.slice(at)]
}

type Verb = readonly ['keep' | 'add' | 'drop', number]

const verbsOfText = (op: TextOp): Verb[] =>
  op.map(part => {
    if (typeof part === 'number') return ['keep', part]
    return typeof part === 'string' ? ['add', [...part].length] : ['drop', part.d as number]
  })

const verbsOfRich = ({ ops }: RichOp): Verb[] =>
  ops.map(run => [isInsert(run) ? 'add' : isDelete(run) ? 'drop' : 'keep', lengthOf(run)])

const WRITERS: readonly Writer[] = ['ann', 'bob', 7]

/** A random history of up to 30 ops by three writers. */
export function randomHistory(type: Type, seed: number): Told {
  const rng = new Random(seed)
  const start = randomDoc(type, rng)
  let end = start
  const steps = Array.from({ length: 1 + rng.int(30) }, (): Step => {
    const op = randomOp(type, end, rng)
    end = type.apply(end, op)
    return [op, rng.pick(WRITERS)]
  })
  return { type, start, steps, end }
}

/** A recorded history of several authors as one line of single-character ops, each where its rank belongs. */
export function toldInOrder(history: History, edits = history.edits.length): Told {
  const ranks: number[] = []
  const steps: Step[] = []
  const say = (rank: number, author: number, part: string | { d: 1 }, gone: 0 | 1) => {
    const at = ranks.filter(other => other < rank).length
    ranks.splice(at, gone, ...(gone ? [] : [rank]))
    steps.push([at > 0 ? [at, part] : [part], author])
  }
  const { chars, edits: list } = firstEdits(history, edits)
  for (const { author, inserted, deleted } of list) {
    for (const rank of inserted) say(rank, author, chars[rank]!, 0)
    for (const rank of deleted) say(rank, author, { d: 1 }, 1)
  }
  return { type: text as Type, start: '', steps, end: ranks.map(rank => chars[rank]).join('') }
}
