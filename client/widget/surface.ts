/** The part of the element that a person writes in: one kind for each type of document. */

import type { Doc } from '../api.ts'
import type { RichDoc, TextDoc } from '../binding/index.ts'
import { bindCursors, bindQuill, bindTextarea, makeEditor, type Person } from '../binding/index.ts'
import { makeUndoButtons } from './undo.ts'

export interface Surface {
  rename(person: Person): void
  close(): void
}

export interface SurfaceEvents {
  /** What was typed could not be taken. */
  refused(error: unknown): void
}

export function makeSurface(host: HTMLElement, doc: Doc, person: Person, events: SurfaceEvents): Surface {
  switch (doc.type) {
    case 'rich':
      return richSurface(host, doc as RichDoc, person, events)
    case 'text':
      return textSurface(host, doc as TextDoc, person, events)
    case 'json':
      return jsonSurface(host, doc, person)
  }
}

function richSurface(host: HTMLElement, doc: RichDoc, person: Person, events: SurfaceEvents): Surface {
  const quill = makeEditor(host, labelOf(doc))
  const binding = bindQuill(quill, doc, events)
  const cursors = bindCursors(quill, doc, person)
  const tools = document.createElement('span')
  tools.className = 'hf-tools ql-formats'
  host.querySelector('.ql-toolbar')!.prepend(tools)
  const dropTools = makeUndoButtons(tools, doc as Doc)
  return {
    rename: cursors.rename,
    close() {
      dropTools()
      cursors.unbind()
      binding.unbind()
    },
  }
}

function textSurface(host: HTMLElement, doc: TextDoc, person: Person, events: SurfaceEvents): Surface {
  const bar = host.appendChild(document.createElement('div'))
  bar.className = 'hf-tools hf-bar'
  bar.setAttribute('role', 'toolbar')
  bar.setAttribute('aria-label', 'Undo and redo')
  const dropTools = makeUndoButtons(bar, doc as Doc)
  const area = host.appendChild(document.createElement('textarea'))
  area.className = 'hf-text'
  area.placeholder = 'Write something…'
  area.setAttribute('aria-label', labelOf(doc))
  const binding = bindTextarea(area, doc, events)
  announce(doc, person)
  return {
    rename: next => announce(doc, next),
    close() {
      dropTools()
      leave(doc, binding.unbind)
    },
  }
}

function jsonSurface(host: HTMLElement, doc: Doc, person: Person): Surface {
  const note = host.appendChild(document.createElement('p'))
  note.className = 'hf-note'
  note.textContent = 'A JSON document: it is shown as it is, and edited by programs.'
  const view = host.appendChild(document.createElement('pre'))
  view.className = 'hf-json'
  view.tabIndex = 0
  view.setAttribute('aria-label', labelOf(doc))
  const show = () => {
    view.textContent = JSON.stringify(doc.data, null, 2)
  }
  show()
  const unlisten = doc.on('change', show)
  announce(doc, person)
  return { rename: next => announce(doc, next), close: () => leave(doc, unlisten) }
}

const labelOf = (doc: Doc): string => `Document ${doc.id}`
const announce = (doc: Doc, person: Person) => doc.announce({ ...person, range: null })
function leave(doc: Doc, unbind: () => void): void {
  unbind()
  doc.announce(null)
}
