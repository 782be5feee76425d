/**
 * A document as the log of this device has it, read by the tab itself: it can be shown and edited while the hub is still on
 * its way. What the hub says later is the truth, and the tab takes the difference [R16].
 *
 * This is the way to the first sight of a document, so it is short: a database that is opened, four records that are read
 * at once, and what the types need to put them together. No hub begins before (tab/device.ts), and no code is loaded for it
 * but where others' edits stand among the newest events.
 */

import type { Content } from '../../ops/change.ts'
import type { DocKey } from '../../ops/identity.ts'
import { type SavedReplica, viewFrom } from '../engine/saved.ts'
import { unpack } from '../engine/stored.ts'
import { glance, openToRead } from '../log/reading.ts'

export interface Peek {
  /** A document; null where the log cannot tell. Never rejects. */
  look(key: DocKey): Promise<Content | null>
  /** Nothing more is looked for at once. */
  rest(): void
}

/** The database is opened while the client is still being made, for the first document. */
export function peekInto(device: string): Peek {
  let ready: Promise<IDBDatabase | null> | null = openToRead(device)
  const take = () => {
    const db = ready ?? openToRead(device)
    ready = null
    return db
  }
  return {
    async look(key) {
      const db = await take()
      try {
        return db && (await viewIn(db, key))
      } catch {
        return null
      } finally {
        db?.close()
      }
    },
    rest() {
      void ready?.then(db => db?.close())
      ready = null
    },
  }
}

async function viewIn(db: IDBDatabase, key: DocKey): Promise<Content> {
  const { checkpoint, events: stored } = await glance(db, key)
  const saved = (checkpoint?.state as SavedReplica) ?? null
  const events = unpack(stored.map(({ event }) => event))
  const bulk = checkpoint?.bulk?.value
  const view = viewFrom(saved, events, bulk)
  if (view !== null) return view
  const { restore } = await import('../engine/checkpoint.ts')
  return restore(saved, events, bulk).view
}
