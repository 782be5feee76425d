/**
 * Which edits are undone at once, as editors have it: a word being typed, a run of one key that erases, the same value of
 * a json document set again and again. Pure: times are arguments (ms), positions those of the type.
 *
 *   typed    one character, perhaps over a selection (which begins a group)
 *   erased   one character, by Backspace or Delete
 *   set      one value of a json document
 *   alone    anything else: a paste, a format, a move, a creation
 */

import type { Change } from '../../ops/change.ts'
import { type JsonOp, type RichOp, type TextOp, typeOf } from '../../types/index.ts'
import { countPoints } from '../../types/points.ts'
import type { TypeName } from '../../types/type.ts'

/** A pause of more than so long (ms) ends a group. */
export const JOIN_MS = 1_000
/** Units that one key erases: `rich` counts a character outside the basic plane as two. */
const ERASED_UNITS = 2

export type Stroke =
  | {
      readonly kind: 'typed'
      readonly at: number
      readonly start: number
      readonly end: number
      readonly char: string
      /**
       * What it replaced: something selected; or the space before it, which Chromium writes as a no-break space at the end
       * of a line and writes again with the next letter.
       */
      readonly over: 'nothing' | 'selection' | 'space'
    }
  | { readonly kind: 'erased'; readonly at: number; readonly start: number; readonly count: number }
  | { readonly kind: 'set'; readonly at: number; readonly path: readonly (string | number)[] }
  | { readonly kind: 'alone' }

type Typed = Extract<Stroke, { kind: 'typed' }>

export const alone: Stroke = { kind: 'alone' }

/** What `change`, made at `at`, is to the groups. */
export function strokeOf(change: Change, type: TypeName, at: number): Stroke {
  if (!('op' in change) || typeOf(type).checkOp(change.op) !== null) return alone
  if (type === 'json') return setting(change.op as JsonOp, at)
  return keyOf(type === 'text' ? ofText(change.op as TextOp) : ofRich(change.op as RichOp), at)
}

/** Whether `next` belongs to the group that `former` is the last edit of. */
export function joins(former: Stroke, next: Stroke): boolean {
  if (former.kind === 'alone' || next.kind === 'alone' || next.at - former.at > JOIN_MS) return false
  if (former.kind === 'typed' && next.kind === 'typed')
    return continues(former, next) && !beginsWord(former.char, next.char)
  if (former.kind === 'erased' && next.kind === 'erased')
    return next.start === former.start || next.start + next.count === former.start
  return former.kind === 'set' && next.kind === 'set' && samePath(former.path, next.path)
}

/** `stroke` after somebody else's `change`; nothing joins what the change has taken the ground from. */
export function carried(stroke: Stroke, change: Change, type: TypeName): Stroke {
  if (stroke.kind === 'alone' || !('op' in change)) return alone
  const move = <Cursor>(cursor: Cursor): Cursor | null =>
    typeOf(type).transformCursor(cursor, change.op, false) as Cursor | null
  if (stroke.kind === 'set') {
    const path = move(stroke.path)
    return path ? { ...stroke, path } : alone
  }
  const start = move(stroke.start)!
  return stroke.kind === 'erased' ? { ...stroke, start } : { ...stroke, start, end: move(stroke.end)! }
}

const continues = (former: Typed, next: Typed): boolean =>
  next.over === 'space'
    ? next.start + 1 === former.end && isSpace(former.char)
    : next.over === 'nothing' && next.start === former.end

/** A space after a word, and every new line, begins a group: what is undone is the space and the word after it. */
const beginsWord = (former: string, next: string): boolean =>
  next === '\n' || (isSpace(next) && !isSpace(former))

const isSpace = (char: string): boolean => /\s/.test(char)

const samePath = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((key, i) => key === b[i])

// ---- what was one key ----

/** One replacement, in the units of the type; null if the op is more than that. */
interface Replacement {
  readonly start: number
  readonly insert: string
  readonly length: number
  readonly erased: number
}

function keyOf(made: Replacement | null, at: number): Stroke {
  if (made === null) return alone
  const { start, insert, length, erased } = made
  // The first key in an empty Quill brings the newline of the document along.
  const keys = insert.length > 1 && insert.endsWith('\n') ? insert.slice(0, -1) : insert
  const end = start + length - (insert.length - keys.length)
  if (countPoints(keys) === 1)
    return { kind: 'typed', at, start, end, char: keys, over: erased > 0 ? 'selection' : 'nothing' }
  if (erased === 1 && countPoints(keys) === 2 && isSpace(keys[0]!))
    return { kind: 'typed', at, start, end, char: keys.slice(1), over: 'space' }
  return insert === '' && erased > 0 && erased <= ERASED_UNITS
    ? { kind: 'erased', at, start, count: erased }
    : alone
}

function ofText(op: TextOp): Replacement | null {
  const start = typeof op[0] === 'number' ? op[0] : 0
  let insert = ''
  let erased = 0
  for (const part of start > 0 ? op.slice(1) : op) {
    if (typeof part === 'number') return null
    if (typeof part === 'string') insert += part
    else erased += typeof part.d === 'number' ? part.d : countPoints(part.d)
  }
  return { start, insert, length: countPoints(insert), erased }
}

function ofRich({ ops }: RichOp): Replacement | null {
  const [first] = ops
  const skips = first !== undefined && 'retain' in first && !first.attributes
  let insert = ''
  let erased = 0
  for (const run of skips ? ops.slice(1) : ops) {
    if ('delete' in run) erased += run.delete
    else if ('insert' in run && typeof run.insert === 'string') insert += run.insert
    else return null
  }
  return { start: skips ? first.retain : 0, insert, length: insert.length, erased }
}

/** An op with one path and no move. */
function setting(op: JsonOp, at: number): Stroke {
  const keys = op ?? []
  const depth = keys.findIndex(part => typeof part === 'object')
  const last = keys[depth]
  if (typeof last !== 'object' || depth !== keys.length - 1) return alone
  if (Array.isArray(last) || 'p' in last || 'd' in last) return alone
  return { kind: 'set', at, path: keys.slice(0, depth) as (string | number)[] }
}
