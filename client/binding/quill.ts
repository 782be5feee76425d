/**
 * Binds a Quill to a `rich` document: what a person types becomes edits, what others type appears around their caret.
 * How the two cross stands in `crossing.ts`, the newline at the end in `newline.ts`.
 */

import Quill from 'quill/core.js'
import type { ChangeEvent } from '../api.ts'
import { makeCrossing } from './crossing.ts'
import type { Delta } from './delta.ts'
import { withoutForeign } from './formats.ts'
import { shown, toShown, toStored } from './newline.ts'
import { opOf, type RichDoc, richOf, visibleIn } from './rich.ts'
import { carry } from './selection.ts'

export interface Binding {
  /** Leaves editor and document as they are, and no longer connected. */
  unbind(): void
}

export interface BindingEvents {
  /** The document refused what was typed (`edit` threw); the editor shows the document again. */
  refused(error: unknown): void
}

export function bindQuill(quill: Quill, doc: RichDoc, events: BindingEvents): Binding {
  const crossing = makeCrossing()
  /** The document as of the last change that was looked at. */
  let stored = richOf(doc.data)
  let composing = false
  let sending = false
  let showing = false

  const show = (delta: Delta) => {
    if (delta.ops.length === 0) return
    showing = true
    try {
      update(quill, delta)
    } finally {
      showing = false
    }
  }

  const onChange = ({ change, local }: ChangeEvent) => {
    const before = stored
    stored = richOf(doc.data)
    if (local && sending) return
    const delta =
      'op' in change ? toShown(richOf(change.op), before, stored) : shown(before).diff(shown(stored))
    crossing.arrive(visibleIn(delta))
    if (composing) return
    quill.update(Quill.sources.USER)
    show(crossing.take())
  }

  const onTyped = (typed: Delta) => {
    if (showing) return
    const allowed = withoutForeign(typed)
    const edit = crossing.cross(allowed)
    if (edit.ops.length > 0) send(toStored(edit, stored))
    if (JSON.stringify(allowed.ops) !== JSON.stringify(typed.ops)) reset()
  }

  const send = (edit: Delta) => {
    sending = true
    try {
      doc.edit(opOf(edit))
      stored = richOf(doc.data)
    } catch (error) {
      reset()
      events.refused(error)
    } finally {
      sending = false
    }
  }

  /** Makes the editor show what the document has, whatever it showed. */
  const reset = () => {
    crossing.take()
    stored = richOf(doc.data)
    show(quill.getContents().diff(visibleIn(shown(stored))))
  }

  const onCompositionStart = () => {
    composing = true
  }
  const onCompositionEnd = () => {
    composing = false
    show(crossing.take())
  }

  quill.setContents(visibleIn(shown(stored)), Quill.sources.SILENT)
  quill.history.clear()
  quill.on(Quill.events.TEXT_CHANGE, onTyped)
  quill.on(Quill.events.COMPOSITION_START, onCompositionStart)
  quill.on(Quill.events.COMPOSITION_END, onCompositionEnd)
  const unlisten = doc.on('change', onChange)

  return {
    unbind() {
      quill.update(Quill.sources.USER)
      unlisten()
      quill.off(Quill.events.TEXT_CHANGE, onTyped)
      quill.off(Quill.events.COMPOSITION_START, onCompositionStart)
      quill.off(Quill.events.COMPOSITION_END, onCompositionEnd)
    },
  }
}

/**
 * `updateContents` with the selection kept: Quill moves only the caret of an editor that has the focus, lets a
 * selection grow over what is inserted at its edges, and turns one that was made backwards around.
 */
function update(quill: Quill, delta: Delta): void {
  const focused = quill.getSelection()
  const native = document.getSelection()
  const backwards = focused !== null && native?.direction === 'backward'
  const saved = carry(quill.selection.savedRange, delta)
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
