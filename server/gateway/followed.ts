/** The documents that one connection follows or has asked to follow: ShareDB knows of one only when it is read. */

import { keyText } from '../../ops/identity.ts'
import type { Frame } from './schemas.ts'

export class Followed {
  readonly #most: number
  readonly #keys = new Set<string>()
  #left = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Answers false, and takes none, if they would be too many. */
  take(frame: Frame): boolean {
    const keys = askedBy(frame).filter(key => !this.#keys.has(key))
    if (this.#keys.size + keys.length > this.#most) return false
    for (const key of keys) this.#keys.add(key)
    if (frame.a === 'u') this.drop(frame.c, frame.d)
    else if (frame.a === 'bu') for (const id of frame.b) this.drop(frame.c, id)
    return true
  }

  /** Whether this is to leave a document that was left already: it may be followed again meanwhile. */
  isRepeated(frame: Frame): boolean {
    if (frame.a !== 'u' || frame.n === undefined) return false
    if (frame.n <= this.#left) return true
    this.#left = frame.n
    return false
  }

  drop(collection: unknown, id: unknown): void {
    if (typeof collection === 'string' && typeof id === 'string')
      this.#keys.delete(keyText({ collection, id }))
  }
}

function askedBy(frame: Frame): string[] {
  if (frame.a === 's' || (frame.a === 'h.catchup' && frame.submit))
    return [keyText({ collection: frame.c, id: frame.d })]
  if (frame.a !== 'bs') return []
  const ids = Array.isArray(frame.b) ? frame.b : Object.keys(frame.b)
  return [...new Set(ids)].map(id => keyText({ collection: frame.c, id }))
}
