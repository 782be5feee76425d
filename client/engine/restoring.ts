/** What a person makes of a document whose server went back to an older state (a backup was restored). Pure. */

import { type Content, difference } from '../../ops/change.ts'
import { changesOf, type Held, type Reason, type Reduced, type Replica, typeUnder } from './state.ts'
import { edit } from './writing.ts'

/**
 *   mine    this device's content is written onto the server's as an edit of its own
 *   theirs  the server's content stands; what was not sent yet is held
 */
export type Keep = 'mine' | 'theirs'

const reason: Reason = {
  code: 'SERVER_DIVERGED',
  message: "The server's content was taken instead of this device's.",
}

export function goOnFrom(
  replica: Replica,
  { v, content, keep }: { v: number; content: Content; keep: Keep },
): Reduced {
  const there: Replica = { ...replica, v, base: content, pending: [], view: content }
  if (keep === 'mine') {
    const written = difference(content, replica.view).reduce((state, change) => edit(state, change), there)
    return [{ ...written, view: replica.view }, []]
  }
  const held = [...replica.held, ...heldOf(replica)]
  return [{ ...there, held }, difference(replica.view, content)]
}

/** Each for itself: on the server's content none of them has a ground that is known. */
function heldOf(replica: Replica): Held[] {
  return changesOf(replica).map((original, i) => {
    const entry = replica.pending[i]!
    const type = typeUnder(replica, entry)
    return { names: [entry.name], reason, type, original, change: null, edits: entry.edits }
  })
}
