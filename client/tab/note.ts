/** Where a tab notes what the hub tells it to (hub/canary.ts): not in IndexedDB, so that the one can vouch for the other. */

export interface Note {
  /** What was noted last; null if nothing was. */
  read(): string | null
  write(text: string): void
}

/** In localStorage, under the name of the device's log; null where a page may keep nothing there. */
export function localNote(name: string): Note | null {
  if (typeof document === 'undefined') return null
  const key = `holdfast:canary:${name}`
  try {
    localStorage.getItem(key)
  } catch {
    return null // the browser forbids it, as it does in some private windows and frames
  }
  return {
    read: () => localStorage.getItem(key),
    write(text) {
      if (isOlder(text, localStorage.getItem(key))) return
      try {
        localStorage.setItem(key, text)
      } catch {
        // It is full: what is noted there is too old, which raises no false alarm.
      }
    },
  }
}

/** A tab that thaws still hears the hub of its time: what a later owner of the same log noted stays. */
export function isOlder(text: string, present: string | null): boolean {
  try {
    const [mine, theirs] = [JSON.parse(text), JSON.parse(present ?? '')]
    return mine.device === theirs.device && mine.epoch < theirs.epoch
  } catch {
    return false
  }
}
