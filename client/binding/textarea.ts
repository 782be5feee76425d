/**
 * Binds a textarea to a `text` document. A textarea tells its new value only; the caret says which of several
 * possible edits it was. The same crossing as in `quill.ts` keeps an input method's composition undisturbed.
 */

import type { Change } from '../../ops/change.ts'
import { type TextOp, text } from '../../types/text.ts'
import type { ChangeEvent, Doc } from '../api.ts'
import { makeCrossing } from './crossing.ts'
import type { Delta } from './delta.ts'
import { applyTo, fromTextOp, replacement, toTextOp } from './plain.ts'
import type { Binding, BindingEvents } from './quill.ts'
import { visible, visibleIn } from './rich.ts'
import { carry, endOf } from './selection.ts'
import { bindUndo } from './undo.ts'

export type TextDoc = Doc<string, TextOp>

/** `doc` is a handle that nobody else edits through: what it calls local, the field shows already. */
export function bindTextarea(area: HTMLTextAreaElement, doc: TextDoc, events: BindingEvents): Binding {
  const crossing = makeCrossing()
  let stored = doc.data
  let value = visible(stored)
  let composing = false
  /** What waits came by an undo: the person is shown where it was. */
  let undone = false

  const showWaiting = () => {
    if (composing) return
    const arrived = crossing.take()
    show(arrived)
    if (undone && arrived.ops.length > 0) lookAt(area, endOf(arrived))
    undone = false
  }
  const show = (delta: Delta) => {
    if (delta.ops.length === 0) return
    value = applyTo(value, delta)
    replaceKeepingCaret(area, value, delta)
  }

  const onChange = ({ change, local, undone: byUndo }: ChangeEvent) => {
    const before = stored
    stored = afterChange(stored, change)
    if (local) return
    const delta =
      'op' in change ? fromTextOp(change.op as TextOp, before) : replacement(before, stored, stored.length)
    crossing.arrive(visibleIn(delta))
    undone ||= byUndo
    showWaiting()
  }

  const onInput = () => {
    if (composing || area.value === value) return
    const typed = replacement(value, area.value, area.selectionEnd)
    value = area.value
    const op = toTextOp(crossing.cross(typed), stored)
    if (op.length > 0) send(op)
    showWaiting()
  }

  const send = (op: TextOp) => {
    try {
      doc.edit(op)
    } catch (error) {
      reset()
      events.refused(error)
    }
  }

  /** Makes the field show what the document has, whatever it showed. */
  const reset = () => {
    crossing.take()
    show(replacement(value, visible(stored), area.selectionEnd))
  }

  const onCompositionStart = () => {
    composing = true
  }
  const onCompositionEnd = () => {
    composing = false
    onInput()
    showWaiting()
  }

  area.value = value
  area.addEventListener('input', onInput)
  area.addEventListener('compositionstart', onCompositionStart)
  area.addEventListener('compositionend', onCompositionEnd)
  const unlisten = doc.on('change', onChange)
  const unbindUndo = bindUndo(area, doc, onInput)
  return {
    unbind() {
      unlisten()
      unbindUndo()
      area.removeEventListener('input', onInput)
      area.removeEventListener('compositionstart', onCompositionStart)
      area.removeEventListener('compositionend', onCompositionEnd)
    },
  }
}

function afterChange(stored: string, change: Change): string {
  if ('op' in change) return text.apply(stored, change.op as TextOp)
  return text.create('create' in change ? change.create.data : undefined)
}

/** Setting a value throws the caret to the end and the view to the top: both are put back where they belong. */
function replaceKeepingCaret(area: HTMLTextAreaElement, value: string, delta: Delta): void {
  const { selectionStart, selectionEnd, selectionDirection, scrollTop } = area
  const span = carry({ index: selectionStart, length: selectionEnd - selectionStart }, delta)
  area.value = value
  area.setSelectionRange(span.index, span.index + span.length, selectionDirection)
  area.scrollTop = scrollTop
}

/**
 * Puts the caret at `index`. A browser scrolls to it only when the field gains the focus; a keyboard on the screen would
 * close at that.
 */
function lookAt(area: HTMLTextAreaElement, index: number): void {
  area.setSelectionRange(index, index)
  if (document.activeElement !== area || matchMedia('(pointer: coarse)').matches) return
  area.blur()
  area.focus()
}
