/**
 * The names of ShareDB's channels. Its own, `COLLECTION.ID`, are the same for document `b.c` of `a` and document `c` of
 * `a.b`; here a document's name can be told from its channel. In Redis a name begins with the prefix of the settings,
 * the version of what is said there (message.ts), and the database's epoch: two databases on one Redis never meet.
 */

import { type DocKey, keyText } from '../../ops/identity.ts'
import type { Backend } from '../sharedb.ts'

const DOC = 'doc '
const COLLECTION = 'collection '

/** Has ShareDB use these names. */
export function nameChannels(share: Backend): void {
  share.getDocChannel = docChannel
  share.getCollectionChannel = collectionChannel
}

export const docChannel = (collection: string, id: string): string => DOC + keyText({ collection, id })

/** The document that a channel tells of; null for another channel. */
export function docOf(channel: string): DocKey | null {
  if (!channel.startsWith(DOC)) return null
  const [collection, id] = JSON.parse(channel.slice(DOC.length)) as [string, string]
  return { collection, id }
}

export const collectionChannel = (collection: string): string => COLLECTION + collection

/** The collection that a channel tells of; null for another channel. */
export const collectionOf = (channel: string): string | null =>
  channel.startsWith(COLLECTION) ? channel.slice(COLLECTION.length) : null

/** What servers say of themselves. */
export const SERVERS = 'servers'

/**
 * Whether other servers are to hear what ShareDB says there. Nobody can query our store, so it has no followers of whole
 * collections; those who wait for changes are told of them by us.
 */
export const isShared = (channel: string): boolean => collectionOf(channel) === null
