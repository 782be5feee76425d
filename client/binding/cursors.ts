/** Shows the carets of the others in a Quill, and tells them where ours is. */

import Quill from 'quill/core.js'
import type QuillCursors from 'quill-cursors/core'
import type { Peer } from '../api.ts'
import { built } from '../trusted.ts'
import { type Person, presenceOf } from './people.ts'
import type { Binding } from './quill.ts'
import type { RichDoc } from './rich.ts'

/** At most so often the others hear of our caret (ms): fast enough to follow, slow enough for fifty people. */
const announceEvery = 120

export interface CursorBinding extends Binding {
  /** The person has another name now. */
  rename(person: Person): void
}

export function bindCursors(quill: Quill, doc: RichDoc, first: Person): CursorBinding {
  const cursors = quill.getModule('cursors') as QuillCursors
  let person = first
  let timer: ReturnType<typeof setTimeout> | null = null

  const announce = () => {
    timer = null
    doc.announce({ ...person, range: quill.hasFocus() ? quill.getSelection() : null })
  }
  const soon = () => {
    timer ??= setTimeout(announce, announceEvery)
  }
  const show = (peers: readonly Peer[]) => showPeers(cursors, peers, quill.getLength())

  quill.on(Quill.events.EDITOR_CHANGE, soon)
  const unlisten = doc.on('presence', show)
  announce()

  return {
    rename(next) {
      person = next
      announce()
    },
    unbind() {
      if (timer !== null) clearTimeout(timer)
      unlisten()
      quill.off(Quill.events.EDITOR_CHANGE, soon)
      cursors.clearCursors()
      doc.announce(null)
    },
  }
}

function showPeers(cursors: QuillCursors, peers: readonly Peer[], length: number): void {
  const present = new Map(peers.map(peer => [peer.id, presenceOf(peer)]))
  for (const cursor of cursors.cursors()) {
    const peer = present.get(cursor.id)
    if (!peer?.range || peer.name !== cursor.name || peer.color !== cursor.color)
      cursors.removeCursor(cursor.id)
  }
  for (const [id, { name, color, range }] of present) {
    if (!range) continue
    built(() => cursors.createCursor(id, name, color))
    const index = Math.min(range.index, length - 1)
    cursors.moveCursor(id, { index, length: Math.min(range.length, length - 1 - index) })
  }
}
