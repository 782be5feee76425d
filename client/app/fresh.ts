/** The id of a document that is about to be made. */

import { idFor } from './address.ts'

/** Readable, and no other's. */
export const freshId = (title: string): string =>
  idFor(
    title,
    crypto.getRandomValues(new Uint32Array(2)).reduce((text, n) => text + n.toString(36), ''),
  )
