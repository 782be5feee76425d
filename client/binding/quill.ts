/**
 * Binds a Quill to a `rich` document: what a person types becomes edits, what others type appears around their caret.
 * How the two cross stands in `crossing.ts`, the newline at the end in `newline.ts`.
 */

import Quill from 'quill/core.js'
import type { Change } from '../../ops/change.ts'
import { type RichDoc as RichData, type RichOp, rich } from '../../types/rich.ts'
import type { ChangeEvent } from '../api.ts'
import { makeCrossing } from './crossing.ts'
import type { Delta } from './delta.ts'
import { withoutForeign } from './formats.ts'
import { shown, toShown, toStored } from './newline.ts'
import { opOf, type RichDoc, richOf, visibleIn } from './rich.ts'
import { carry, endOf, type Span } from './selection.ts'
import { bindUndo } from './undo.ts'

export interface Binding {
  /** Leaves editor and document as they are, and no longer connected. */
  unbind(): void
}

export interface BindingEvents {
  /** The document refused what was typed (`edit` threw); the editor shows the document again. */
  refused(error: unknown): void
}

/**
 * `doc` is a handle that nobody else edits through: what it calls local, the editor shows already.
 *
 * What arrives is shown in a microtask, when the document has told all of a batch: before that, keystrokes that Quill
 * still has to report could not be carried over to the document as it is.
 */
export function bindQuill(quill: Quill, doc: RichDoc, events: BindingEvents): Binding {
  const crossing = makeCrossing()
  /** The document as it has been told so far; `doc.data` may be ahead while a batch is told. */
  let stored = doc.data
  let composing = false
  let showing = false
  /** What waits came by an undo: the person is shown where it was. */
  let undone = false
  /** Where the caret is has changed while the editor was without the focus. */
  let moved = false
  let bound = true

  const show = (delta: Delta) => {
    if (delta.ops.length === 0) return
    showing = true
    moved ||= !quill.hasFocus()
    try {
      update(quill, delta)
    } finally {
      showing = false
    }
  }
  const showArrived = () => {
    if (composing || !bound) return
    quill.update(Quill.sources.USER)
    const arrived = crossing.take()
    show(arrived)
    if (undone && arrived.ops.length > 0) lookAt(quill, endOf(arrived))
    undone = false
  }

  const onChange = ({ change, local, undone: byUndo }: ChangeEvent) => {
    const before = richOf(stored)
    stored = afterChange(stored, change)
    if (local) return
    const after = richOf(stored)
    const delta =
      'op' in change ? toShown(richOf(change.op), before, after) : shown(before).diff(shown(after))
    crossing.arrive(visibleIn(delta))
    undone ||= byUndo
    queueMicrotask(showArrived)
  }

  const onTyped = (typed: Delta) => {
    if (showing) return
    const allowed = withoutForeign(typed)
    const edit = crossing.cross(allowed)
    if (edit.ops.length > 0) send(toStored(edit, richOf(stored)))
    if (JSON.stringify(allowed.ops) !== JSON.stringify(typed.ops)) reset()
  }
  const send = (edit: Delta) => {
    try {
      doc.edit(opOf(edit))
    } catch (error) {
      reset()
      events.refused(error)
    }
  }

  /** Makes the editor show what the document has, whatever it showed. */
  const reset = () => {
    crossing.take()
    show(quill.getContents().diff(visibleIn(shown(richOf(stored)))))
  }

  const onFocus = () => {
    const { index, length } = quill.selection.savedRange
    if (moved) quill.setSelection(index, length, Quill.sources.SILENT)
    moved = false
  }
  const onCompositionStart = () => {
    composing = true
  }
  const onCompositionEnd = () => {
    composing = false
    showArrived()
  }

  quill.setContents(visibleIn(shown(richOf(stored))), Quill.sources.SILENT)
  quill.on(Quill.events.TEXT_CHANGE, onTyped)
  quill.on(Quill.events.COMPOSITION_START, onCompositionStart)
  quill.on(Quill.events.COMPOSITION_END, onCompositionEnd)
  quill.root.addEventListener('focus', onFocus)
  const unlisten = doc.on('change', onChange)
  const unbindUndo = bindUndo(quill.root, doc, () => quill.update(Quill.sources.USER))

  return {
    unbind() {
      quill.update(Quill.sources.USER)
      bound = false
      unlisten()
      unbindUndo()
      quill.root.removeEventListener('focus', onFocus)
      quill.off(Quill.events.TEXT_CHANGE, onTyped)
      quill.off(Quill.events.COMPOSITION_START, onCompositionStart)
      quill.off(Quill.events.COMPOSITION_END, onCompositionEnd)
    },
  }
}

function afterChange(stored: RichData, change: Change): RichData {
  if ('op' in change) return rich.apply(stored, change.op as RichOp)
  return rich.create('create' in change ? change.create.data : undefined)
}

/**
 * `updateContents` with the selection kept: Quill moves only the caret of an editor that has the focus, lets a
 * selection grow over what is inserted at its edges, and turns one that was made backwards around. Where a selection
 * stands in the editor while a button has the focus, Quill would take the focus to restore it.
 */
function update(quill: Quill, delta: Delta): void {
  const focused = quill.hasFocus() ? quill.getSelection() : null
  const native = document.getSelection()
  if (focused === null && quill.root.contains(native?.anchorNode ?? null)) native?.removeAllRanges()
  const backwards = focused !== null && native?.direction === 'backward'
  const saved = carry(quill.selection.savedRange, delta)
  carryLink(quill, delta)
  quill.updateContents(delta, Quill.sources.API)
  if (focused === null) {
    quill.selection.savedRange = { ...saved }
    return
  }
  const wanted = carry(focused, delta)
  const actual = quill.getSelection()
  if (actual?.index !== wanted.index || actual.length !== wanted.length) {
    quill.setSelection(wanted.index, wanted.length, Quill.sources.SILENT)
  }
  if (backwards && native && native.rangeCount > 0) {
    const { startContainer, startOffset, endContainer, endOffset } = native.getRangeAt(0)
    native.setBaseAndExtent(endContainer, endOffset, startContainer, startOffset)
  }
}

/** Puts the caret at `index` and brings it into view; an editor without the focus does not take it. */
function lookAt(quill: Quill, index: number): void {
  const { selection } = quill
  const at = Math.min(index, quill.getLength() - 1)
  if (quill.hasFocus()) quill.setSelection(at, 0, Quill.sources.API)
  else selection.savedRange = { index: at, length: 0 }
  const bounds = selection.getBounds(at, 0)
  if (bounds) quill.scrollRectIntoView(bounds)
}

/** The link that the person is just changing in the tooltip; Quill does not move it along, and does not type it. */
function carryLink(quill: Quill, delta: Delta): void {
  const { tooltip } = quill.theme as { tooltip?: { linkRange?: Span } }
  if (tooltip?.linkRange) tooltip.linkRange = carry(tooltip.linkRange, delta)
}
