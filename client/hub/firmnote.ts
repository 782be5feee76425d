/**
 * The note (canary.ts) once more, in Cache Storage, which a hub has wherever it lives: there it outlives a kill of the browser
 * from the moment it was written, while localStorage is held back for up to a minute by Chromium and for seconds by Firefox.
 * It does not replace that one: a browser that needs space clears Cache Storage along with IndexedDB, and Chromium leaves
 * localStorage; and a page without HTTPS has none.
 */

import { isOlder } from '../tab/note.ts'

export interface FirmNote {
  /** What was noted last; null if nothing was. Rejects where nothing can be noted, as on a page without HTTPS. */
  read(): Promise<string | null>
  /** Of texts that come while one is written, the last one is written next. Never rejects. */
  write(text: string): Promise<void>
}

const PATH = '/holdfast-note'

/** Of the log `name`. */
export function cacheNote(name: string): FirmNote {
  let next: string | null = null
  let writing = false
  const open = () => caches.open(`holdfast-note-${name}`)
  const read = async () => (await (await open()).match(PATH))?.text() ?? null
  return {
    read,
    async write(text) {
      next = text
      if (writing) return
      writing = true
      try {
        while (next !== null) {
          const now: string = next
          next = null
          if (!isOlder(now, await read())) await (await open()).put(PATH, new Response(now))
        }
      } catch {
        // There is none, or it is full: what is noted there is too old, which raises no false alarm.
      }
      writing = false
    },
  }
}
