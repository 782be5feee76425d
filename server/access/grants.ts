/**
 * Grants: what a token allows, in its claim `holdfast`.
 *
 *   "holdfast": [{"c": "notes", "d": "*", "may": "read"}, {"c": "notes", "d": "ann-*", "may": "manage"}]
 *
 * `c` names a collection and `d` a document in it; either may end with `*`, which stands for any rest, also an empty one.
 * `may` is the most that is allowed: who may write may read, who may manage may do both. The most generous grant counts.
 */

import * as v from 'valibot'
import { type Action, actions } from './access.ts'

/** Grants in one token. */
const MOST = 1000

const pattern = v.pipe(v.string(), v.minLength(1), v.maxLength(4096))

export const grantList = v.pipe(
  v.array(v.strictObject({ c: pattern, d: pattern, may: v.picklist(actions) })),
  v.maxLength(MOST),
)
export type Grant = v.InferOutput<typeof grantList>[number]

/** `doc` null: every document of the collection. */
export const allows = (
  grants: readonly Grant[],
  action: Action,
  collection: string,
  doc: string | null,
): boolean =>
  grants.some(
    ({ c, d, may }) =>
      actions.indexOf(may) >= actions.indexOf(action) &&
      matches(c, collection) &&
      (doc === null ? d === '*' : matches(d, doc)),
  )

const matches = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name
