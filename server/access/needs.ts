/** What a frame asks for, before anything is done with it: the documents that its sender must be allowed to read. */

import type { DocKey } from '../../ops/identity.ts'
import type { Frame } from '../gateway/schemas.ts'
import { docsOf, docsOfPresence } from './channels.ts'

/**
 *   any    one of these documents, of which the frame is about one; of none nobody may
 *   each   those that may not be read are refused, the frame goes on with the others
 *   free   it tells nothing and changes nothing
 *
 * To write an op takes more, which is asked in the document's turn (guard.ts).
 */
export type Need =
  | { readonly kind: 'free' }
  | { readonly kind: 'any'; readonly docs: readonly DocKey[] }
  | { readonly kind: 'each'; readonly collection: string; readonly ids: readonly string[] }

const free: Need = { kind: 'free' }
const doc = ({ c, d }: { c: string; d: string }): Need => ({ kind: 'any', docs: [{ collection: c, id: d }] })
const channel = ({ ch }: { ch: string }): Need => ({ kind: 'any', docs: docsOf(ch) })
const bulk = ({ c, b }: { c: string; b: readonly string[] | object }): Need => ({
  kind: 'each',
  collection: c,
  ids: Array.isArray(b) ? b : Object.keys(b),
})

/** By action: there is no frame that nothing is said about. */
const needs: { readonly [A in Frame['a']]: (frame: Extract<Frame, { a: A }>) => Need } = {
  hs: () => free,
  'h.token': () => free,
  'h.device': () => free,
  pp: () => free,
  op: doc,
  'h.catchup': doc,
  f: doc,
  s: doc,
  u: () => free,
  bf: bulk,
  bs: bulk,
  bu: () => free,
  nf: doc,
  nt: doc,
  p: frame => ({ kind: 'any', docs: docsOfPresence(frame) }),
  ps: channel,
  pr: channel,
  pu: () => free,
}

export const needOf = (frame: Frame): Need => (needs[frame.a] as (frame: Frame) => Need)(frame)
