/**
 * Where what a person types and what others have written cross. The document is always ahead of the editor or equal
 * to it; `waiting` is what the document has and the editor does not show yet:
 *
 *   document = shown . waiting
 *
 * It fills while an input method composes (changing the text under it would end the composition) and for the moment
 * in which an editor has keystrokes that it has not reported. Pure. Units: UTF-16.
 *
 * Law: with e typed and w waiting, apply(apply(d, w), cross(e)) = apply(apply(d, e), waiting afterwards)   (TP1).
 */

import { Delta } from './delta.ts'

export interface Crossing {
  /** Others changed the document. */
  arrive(change: Delta): void
  /** An edit of what the editor shows, as an edit of the document. */
  cross(typed: Delta): Delta
  /** What the editor must still show; the caller shows it. */
  take(): Delta
}

export function makeCrossing(): Crossing {
  let waiting = new Delta()
  return {
    arrive(change) {
      waiting = waiting.compose(change)
    },
    cross(typed) {
      const edit = waiting.transform(typed, false)
      waiting = typed.transform(waiting, true)
      return edit
    },
    take() {
      const taken = waiting
      waiting = new Delta()
      return taken
    },
  }
}
