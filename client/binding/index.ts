/** Editors bound to documents. */

export { bindCursors, type CursorBinding } from './cursors.ts'
export { makeEditor } from './editor.ts'
export { colorOf, nameLength, type Person, type Presence, presenceOf } from './people.ts'
export { type Binding, bindQuill } from './quill.ts'
export type { RichDoc } from './rich.ts'
export { bindTextarea, type TextDoc } from './textarea.ts'
export { undoKeys } from './undo.ts'
