/**
 * The keys and menus of an editor that undo and redo, led to the document: an editor's own history knows nothing of what
 * others write in between, and dies with the page.
 */

import type { Doc } from '../api.ts'

type Undoing = Pick<Doc, 'undo' | 'redo'>

/** `before` makes the editor report what was typed. The result unbinds. */
export function bindUndo(editor: HTMLElement, doc: Undoing, before: () => void): () => void {
  const go = (event: Event, way: keyof Undoing | null) => {
    if (way === null) return
    event.preventDefault()
    before()
    doc[way]()
  }
  const onKey = (event: KeyboardEvent) => go(event, event.isComposing ? null : wayOfKey(event))
  const onInput = (event: InputEvent) => go(event, wayOfInput(event))
  // An editor that handles keys itself leaves alone what was prevented before it looks.
  editor.addEventListener('keydown', onKey, { capture: true })
  editor.addEventListener('beforeinput', onInput, { capture: true })
  return () => {
    editor.removeEventListener('keydown', onKey, { capture: true })
    editor.removeEventListener('beforeinput', onInput, { capture: true })
  }
}

const apple = /Mac|iP/.test(navigator.platform)

/** How a person there writes the keys. */
export const undoKeys = apple ? { undo: '⌘Z', redo: '⇧⌘Z' } : { undo: 'Ctrl+Z', redo: 'Ctrl+Shift+Z' }

/** Ctrl+Z, Shift+Ctrl+Z and Ctrl+Y, with Cmd on a Mac. */
function wayOfKey(event: KeyboardEvent): keyof Undoing | null {
  if (event.altKey || !(apple ? event.metaKey : event.ctrlKey)) return null
  const letter = letterOf(event)
  if (letter === 'z') return event.shiftKey ? 'redo' : 'undo'
  return letter === 'y' && !event.shiftKey ? 'redo' : null
}

/** Where the layout has no Latin letters, the key's place counts. */
const letterOf = ({ key, code }: KeyboardEvent): string =>
  (/^[a-z]$/i.test(key) ? key : code.replace('Key', '')).toLowerCase()

/** What the browser's own menu, or a gesture, asks for. */
function wayOfInput({ inputType }: InputEvent): keyof Undoing | null {
  if (inputType === 'historyUndo') return 'undo'
  return inputType === 'historyRedo' ? 'redo' : null
}
