/** Two buttons that undo and redo. */

import { html, render, svg } from 'lit/html.js'
import type { Doc } from '../api.ts'
import { undoKeys } from '../binding/index.ts'

/** Draws the buttons into `host`, which must be empty; they follow the document. The result lets go of it. */
export function makeUndoButtons(host: HTMLElement, doc: Doc): () => void {
  const draw = () => {
    const { canUndo, canRedo } = doc.truth
    render([button('Undo', 'undo', canUndo), button('Redo', 'redo', canRedo)], host)
  }
  // Unlike `disabled`, this leaves a button that has the focus where a keyboard finds it again.
  const button = (name: string, way: 'undo' | 'redo', can: boolean) => html`<button
      type="button"
      class="hf-tool"
      aria-label=${name}
      title=${`${name} (${undoKeys[way]})`}
      aria-disabled=${String(!can)}
      @mousedown=${keepFocus}
      @click=${() => can && doc[way]()}
    >${icons[way]}</button>`
  draw()
  const unlisten = doc.on('truth', draw)
  return () => {
    unlisten()
    render(null, host)
  }
}

/** Who clicks goes on typing where the caret is. */
const keepFocus = (event: Event) => event.preventDefault()

const arrow = svg`<path d="M6.5 3.5 3 7l3.5 3.5M3 7h8a4 4 0 0 1 0 8H7" />`
const icons = {
  undo: html`<svg viewBox="0 0 18 18" aria-hidden="true">${arrow}</svg>`,
  redo: html`<svg viewBox="0 0 18 18" aria-hidden="true"><g transform="matrix(-1 0 0 1 18 0)">${arrow}</g></svg>`,
}
