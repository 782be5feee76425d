/**
 * Whose presence a channel carries. Our clients name a channel by the text of the document's key; ShareDB's joins collection
 * and id by a dot, which either may have in it, so that one channel may be that of several documents.
 */

import { type DocKey, keyText } from '../../ops/identity.ts'

/** Dots in a name of ShareDB's that are looked at: each is a question to the policy. */
const DOTS = 16

/** The documents that a channel may be of; none for a channel of another kind, which a policy knows nothing of. */
export function docsOf(channel: string): DocKey[] {
  const own = docNamed(channel)
  if (own) return [own]
  const parts = channel.split('.')
  if (parts.length > DOTS + 1) return []
  return parts.slice(1).map((_, i) => ({
    collection: parts.slice(0, i + 1).join('.'),
    id: parts.slice(i + 1).join('.'),
  }))
}

/** The document of one of our channels; null for another channel. */
export function docNamed(channel: string): DocKey | null {
  if (!channel.startsWith('["')) return null
  try {
    const [collection, id] = JSON.parse(channel)
    return keyText({ collection, id }) === channel ? { collection, id } : null
  } catch {
    return null
  }
}

/** The documents whose presence this is, on that channel: the one that it names, if the channel is that one's. */
export function docsOfPresence({ ch, c, d }: { ch: string; c?: string | null; d?: string | null }): DocKey[] {
  const own = docNamed(ch)
  if (c == null || d == null) return own ? [own] : []
  const key = { collection: c, id: d }
  return ch === keyText(key) || ch === `${c}.${d}` ? [key] : []
}
