/**
 * The rescue file: all edits of a device that no server has, as one JSON text that another device can send.
 *
 *   {format: 'holdfast-journal', version: 1, at, device, docs: [{collection, id, state}]}
 *
 * Law: what stands in the file under a name is for ever what that name means. So each document is sealed first, and the
 * seal is saved before the file is handed out: the device's later edits get names of their own, and whoever sends a name,
 * this device or another one or both, sends the same edit [Q1].
 */

import type { DocKey } from '../../ops/identity.ts'
import { save } from '../engine/checkpoint.ts'
import type { WholeReplica } from '../engine/saved.ts'
import type { Replica } from '../engine/state.ts'
import type { Log } from '../log/log.ts'
import type { Room } from './room.ts'

export interface JournalDoc extends DocKey {
  readonly state: WholeReplica
}

export interface Journal {
  readonly format: 'holdfast-journal'
  readonly version: 1
  /** When it was written (ms since 1970), and the id of the log that it is from. */
  readonly at: number
  readonly device: string
  readonly docs: readonly JournalDoc[]
}

export const VERSION = 1
/** What writing the file takes of a hub. */
export interface Household {
  readonly log: Log
  /** Those that are open now. */
  rooms(): readonly Room[]
  room(key: DocKey): Promise<Room>
  /** Resolves when the log has all of it, or has failed. */
  flush(): Promise<void>
}

/** The text of the file. A log that has failed does not hinder it: what is in memory is in it. */
export async function writeJournal(hub: Household, at: number): Promise<string> {
  const docs = new Map<Room, JournalDoc>()
  const put = (room: Room) => {
    room.handle({ t: 'seal' })
    const { collection, id } = room.key
    const { replica } = room.state
    if (isUnsent(replica)) docs.set(room, { collection, id, state: stateOf(replica) })
  }
  const listed = await hub.log.list().catch(() => [])
  for (const { key, unsent, held } of listed) if (unsent > 0 || held > 0) put(await hub.room(key))
  for (const room of hub.rooms()) if (!docs.has(room)) put(room)
  await hub.flush()
  const { device } = hub.log.identity
  const journal: Journal = {
    format: 'holdfast-journal',
    version: VERSION,
    at,
    device,
    docs: [...docs.values()],
  }
  return JSON.stringify(journal)
}

/** Which tab wrote what, and what it may undo, are of no use elsewhere. */
function stateOf(replica: Replica): WholeReplica {
  const { undo: _, ...state } = save(replica)
  return { ...state, from: [] }
}

const isUnsent = ({ pending, held }: Replica): boolean => pending.length > 0 || held.length > 0
