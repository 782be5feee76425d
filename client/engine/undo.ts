/**
 * Undo and redo of the person's own edits, over everybody else's. Pure.
 *
 * Both stacks are lists of layers, the newest last. A layer holds the way back from where it was pushed, and what others
 * did on top of that until the next layer (or until now):
 *
 *   content below --own edits--> content --since--> where the next layer begins          back: content -> content below
 *
 * So what others do costs one compose, and nothing is transformed before somebody undoes: then the newest layer crosses
 * its `since` (TP1), goes into the view, and the crossed `since` belongs to the layer below. A redo is the inverse of the
 * undo, on a stack of the same kind. A group, taken back at once, is a layer and the ones below it that it `joins`.
 *
 * Where an undo meets what others wrote later (one key, one format), it gives way: theirs stays.
 *
 * Laws: with nobody else editing, undoing gives back the document before the group [U1]; an undo and its redo, with
 * nothing between, give back the view [U2]; what others put into a text stays, and nothing of one's own [U3].
 */

import type { Change, Content } from '../../ops/change.ts'
import { append, type Composing, join, type Tiers, tiersOf } from '../../ops/compose.ts'
import { typeOf } from '../../types/index.ts'
import type { Type, TypeName } from '../../types/type.ts'

export interface Layer {
  /** Inverses, the newest edit's first. */
  readonly back: Tiers
  /** Belongs to the group of the layer below; a group has several where others wrote while it grew. */
  readonly joins: boolean
  readonly since: Tiers | null
}

type Stack = readonly Layer[]
export type Way = 'undo' | 'redo'

export interface Undo {
  readonly undo: Stack
  readonly redo: Stack
  /** At least the chars of JSON in both stacks: what was put in is summed, and measured once that grows large. */
  readonly chars: number
}

/** `groups` go from the stack: all but the last had become nothing. Without an op there was nothing in any of them. */
export interface Taken {
  readonly groups: number
  readonly op?: unknown
}

export const noUndo: Undo = { undo: [], redo: [], chars: 0 }

/** So many layers a stack may have; whole groups go, the oldest first. */
export const UNDO_LAYERS = 300
/** So many chars of JSON both stacks may have; beyond it the oldest groups go, down to the half. */
export const UNDO_CHARS = 1_000_000

// ---- what happens to the view ----

/** The person has made `change` on `view`. A group goes no further back than the document's creation or deletion. */
export function did(undo: Undo, change: Change, view: Content, joins: boolean): Undo {
  if (!('op' in change)) return noUndo
  const type = typeOf(view.type!)
  const back = type.invert(change.op, view.data)
  if (type.isNoop(back)) return undo
  const top = undo.undo.at(-1)
  const joined = joins && top !== undefined && undo.redo.length === 0
  const grown =
    joined && top.since === null
      ? withTop(undo.undo, { ...top, back: append(backwards(type), top.back, back) })
      : [...undo.undo, { back: tiersOf(back), joins: joined, since: null }]
  return limit(type, { undo: grown, redo: [], chars: undo.chars + charsOf(back) })
}

/** Anything but an edit, an undo or a redo of the person has changed the view. */
export function heard(undo: Undo, changes: readonly Change[], name: TypeName | null): Undo {
  if (undo.undo.length + undo.redo.length === 0) return noUndo
  let next = undo
  for (const change of changes) {
    if (!('op' in change)) return noUndo
    const type = typeOf(name!)
    const chars = next.chars + 2 * charsOf(change.op)
    next = limit(type, {
      undo: onTop(type, next.undo, change.op),
      redo: onTop(type, next.redo, change.op),
      chars,
    })
  }
  return next
}

/** The person has undone (or redone) `taken` on `view`. */
export function went(undo: Undo, way: Way, { groups, op }: Taken, view: Content): Undo {
  const type = typeOf(view.type!)
  let rest = undo[way]
  if (groups >= groupsIn(rest)) rest = []
  for (let i = 0; i < groups && rest.length > 0; i++) rest = pop(type, rest)[1]
  const left = { ...undo, [way]: rest }
  if (op === undefined) return left
  const back = type.invert(op, view.data)
  const other = way === 'undo' ? 'redo' : 'undo'
  const layer: Layer = { back: tiersOf(back), joins: false, since: null }
  return limit(type, { ...left, [other]: [...undo[other], layer], chars: undo.chars + charsOf(back) })
}

// ---- undoing ----

/**
 * The newest group that still does something, as an op on `view`; null with nothing on the stack. A group that does not
 * fit any more (a sum that others made too large, a move that has become too deep) ends the stack.
 */
export function takeBack(undo: Undo, way: Way, view: Content): Taken | null {
  const stack = undo[way]
  if (stack.length === 0 || view.type === null) return null
  const type = typeOf(view.type)
  let rest = stack
  for (let groups = 1; rest.length > 0; groups++) {
    const [op, below] = pop(type, rest)
    rest = below
    if (type.check(op, view.data) !== null) break
    if (!type.equalDocs(type.apply(view.data, op), view.data)) return { groups, op }
  }
  return { groups: groupsIn(stack) }
}

/** The newest group as one op on the view, and the stack on what that leads to. */
function pop(type: Type, stack: Stack): [op: unknown, rest: Stack] {
  let [op, rest] = popLayer(type, stack)
  for (let joins = stack.at(-1)!.joins; joins && rest.length > 0; ) {
    joins = rest.at(-1)!.joins
    const [more, below] = popLayer(type, rest)
    op = type.compose(op, more)
    rest = below
  }
  return [op, rest]
}

function popLayer(type: Type, stack: Stack): [op: unknown, rest: Stack] {
  const { back, since } = stack.at(-1)!
  const rest = stack.slice(0, -1)
  const op = join(backwards(type), back)
  if (since === null) return [op, rest]
  const theirs = join(type, since)
  const stays = type.yields === 'left' ? 'right' : 'left'
  return [type.transform(op, theirs, type.yields), onTop(type, rest, type.transform(theirs, op, stays))]
}

// ---- stacks ----

/** Others did `op` on what the stack leads to. */
function onTop(type: Type, stack: Stack, op: unknown): Stack {
  const top = stack.at(-1)
  if (top === undefined || type.isNoop(op)) return stack
  return withTop(stack, { ...top, since: top.since === null ? tiersOf(op) : append(type, top.since, op) })
}

const withTop = (stack: Stack, layer: Layer): Stack => [...stack.slice(0, -1), layer]

/** Inverses compose the other way round. */
const backwards = (type: Type): Composing<unknown> => ({ compose: (a, b) => type.compose(b, a) })

/** The oldest layer begins a group, whatever it joined once. */
const groupsIn = (stack: Stack): number => stack.filter(({ joins }, i) => i === 0 || !joins).length

function limit(type: Type, undo: Undo): Undo {
  const cut = { ...undo, undo: newest(undo.undo, UNDO_LAYERS), redo: newest(undo.redo, UNDO_LAYERS) }
  if (cut.chars <= UNDO_CHARS) return cut
  const chars = weightOf(type, cut.undo) + weightOf(type, cut.redo)
  if (chars <= UNDO_CHARS / 2) return { ...cut, chars }
  return lighten(type, cut)
}

function lighten(type: Type, { undo, redo }: Undo): Undo {
  const [done, doneChars] = lightest(type, undo, UNDO_CHARS / 2)
  const [undone, undoneChars] = lightest(type, redo, UNDO_CHARS / 2 - doneChars)
  return { undo: done, redo: undone, chars: doneChars + undoneChars }
}

/** The newest groups that weigh no more than `chars`. */
function lightest(type: Type, stack: Stack, chars: number): [Stack, number] {
  let count = 0
  for (let sum = 0; count < stack.length; count++) {
    sum += weightOf(type, [stack.at(-1 - count)!])
    if (sum > chars) break
  }
  const kept = newest(stack, count)
  return [kept, weightOf(type, kept)]
}

/** The newest groups of no more than `count` layers. */
function newest(stack: Stack, count: number): Stack {
  if (stack.length <= count) return stack
  const from = stack.findIndex(({ joins }, i) => i >= stack.length - count && !joins)
  return from < 0 ? [] : stack.slice(from)
}

const weightOf = (type: Type, stack: Stack): number => charsOf(saveStack(type, stack))
const charsOf = (value: unknown): number => JSON.stringify(value).length

// ---- in a checkpoint ----

export interface SavedLayer {
  readonly back: unknown
  readonly joins?: true
  readonly since?: unknown
}

export interface SavedUndo {
  readonly undo: readonly SavedLayer[]
  readonly redo: readonly SavedLayer[]
}

export function saveUndo({ undo, redo }: Undo, name: TypeName | null): SavedUndo {
  if (name === null) return { undo: [], redo: [] }
  const type = typeOf(name)
  return { undo: saveStack(type, undo), redo: saveStack(type, redo) }
}

const saveStack = (type: Type, stack: Stack): SavedLayer[] =>
  stack.map(({ back, joins, since }) => ({
    back: join(backwards(type), back),
    ...(joins && { joins }),
    ...(since && { since: join(type, since) }),
  }))

export function restoreUndo(saved: SavedUndo): Undo {
  const { undo, redo } = saved
  if (undo.length + redo.length === 0) return noUndo
  return { undo: restoreStack(undo), redo: restoreStack(redo), chars: charsOf(saved) }
}

const restoreStack = (saved: readonly SavedLayer[]): Stack =>
  saved.map(({ back, joins = false, since }) => ({
    back: tiersOf(back),
    joins,
    since: since === undefined ? null : tiersOf(since),
  }))
