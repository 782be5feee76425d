/**
 * Sends the edits of a rescue file (journal.ts) under their own names: a hub of its own on a log in memory, over a
 * connection of its own. The log of this device is not touched, and the server takes each name once, so it does not
 * matter how often, from how many devices, or while the first device sends the same edits itself [Q2].
 */

import { errors, HoldfastError } from '../../ops/errors.ts'
import { type Name, nameText, newSrc } from '../../ops/identity.ts'
import { fromWireCommitted, type ServerFrame, type WireCommitted } from '../../ops/protocol.ts'
import type { Rescue } from '../api.ts'
import { dialWebSocket, openLink } from '../link/websocket.ts'
import { memoryLog } from '../log/memory.ts'
import type { Platform } from '../platform.ts'
import type { TabPort } from './guests.ts'
import { Hub } from './hub.ts'
import type { Journal, JournalDoc } from './journal.ts'
import type { Room } from './room.ts'
import type { HubSetup } from './setup.ts'

export { readJournal } from './reading.ts'

export interface RescueSetup extends HubSetup {
  /** How long the server may be silent about these edits. */
  readonly patienceMs: number
  /** A line to whoever calls the app's functions: no tab has this hub. */
  readonly app: TabPort
}

type Place = Pick<Platform, 'clock' | 'dial' | 'randomBytes'>

/**
 * Resolves when every edit is on the server or held, those of a document that the server will not talk about and those that wait for
 * what is held among them. Rejects with
 * `SERVER_AWAY` when there is no connection in time; what was not sent by then is still in the file.
 */
export async function sendJournal(place: Place, setup: RescueSetup, { docs }: Journal): Promise<Rescue> {
  const log = memoryLog({ randomBytes: place.randomBytes })
  await log.write(docs.map(recordOf))
  const known = new Set<string>()
  const patience = new Patience(place.clock, setup.patienceMs)
  const src = newSrc(place.randomBytes)
  const own = new Set(docs.flatMap(({ state }) => state.pending.map(({ name }) => name.src)))
  const hub = new Hub({
    ...setup,
    log,
    src,
    clock: place.clock,
    // Whoever may decide about what is held is not here.
    stuck: room => room.handle({ t: 'barred', error: dependencyHeld }),
    link: (events, token) =>
      openLink(
        {
          ...setup,
          clock: place.clock,
          dial: place.dial ?? dialWebSocket,
          src,
          ...(setup.tokens && { token }),
        },
        {
          ...events,
          phase(phase) {
            if (phase.name === 'closed' && phase.code) patience.end(new HoldfastError(phase.code))
            events.phase(phase)
          },
          frame(frame) {
            if (isNews(frame, own)) patience.renew()
            for (const name of alreadyThere(frame)) known.add(nameText(name))
            events.frame(frame)
          },
        },
      ),
  })
  hub.serve(setup.app)
  try {
    const rooms = await Promise.all(docs.map(({ collection, id }) => hub.room({ collection, id })))
    await Promise.race([Promise.all(rooms.map(room => room.rested())), patience.over])
    return reportOf(docs, rooms, known)
  } finally {
    patience.stop()
    await hub.close()
  }
}

const dependencyHeld = { code: 'DEPENDENCY_HELD', message: errors.DEPENDENCY_HELD.meaning } as const

/** A document of the file, as a log has it that wrote it down itself. */
const recordOf = ({ collection, id, state }: JournalDoc) => ({
  key: { collection, id },
  checkpoint: { n: 1, state },
  summary: {
    type: null,
    unsent: state.pending.length,
    held: state.held.length,
    at: 0,
    pinned: false,
    bytes: 0,
  },
})

/** Whether the server says something about documents and edits of ours. */
const isNews = (frame: ServerFrame, own: ReadonlySet<string>): boolean =>
  frame.a === 'h.catchup' || (frame.a === 'op' && own.has(frame.src))

/** Names that were in the server's log before we sent them. */
function alreadyThere(frame: ServerFrame): Name[] {
  if (frame.a === 'op') return 'again' in frame && frame.again ? [frame] : []
  if (frame.a !== 'h.catchup' || frame.error) return []
  const wire: WireCommitted[] = frame.segments
    ? frame.segments.flatMap(({ own }) => (own ? [own] : []))
    : frame.own
  return wire.map(fromWireCommitted)
}

function reportOf(docs: readonly JournalDoc[], rooms: readonly Room[], known: ReadonlySet<string>): Rescue {
  const report = {
    sent: 0,
    known: 0,
    held: [] as Rescue['held'][number][],
  }
  for (const [i, { collection, id, state }] of docs.entries()) {
    const { held, state: now } = rooms[i]!
    const { pending } = now.replica
    const kept = new Set(
      [...pending.map(({ name }) => name), ...now.replica.held.flatMap(({ names }) => names)].map(nameText),
    )
    for (const { name, edits } of state.pending) {
      if (kept.has(nameText(name))) continue
      if (known.has(nameText(name))) report.known += edits
      else report.sent += edits
    }
    for (const edit of held) report.held.push({ collection, id, ...edit })
  }
  return report
}

/** Rejects `over` when nothing renewed it for so long. */
class Patience {
  readonly over: Promise<never>
  readonly #clock: Place['clock']
  readonly #ms: number
  #reject!: (error: HoldfastError) => void
  #cancel: () => void = () => {}

  constructor(clock: Place['clock'], ms: number) {
    this.#clock = clock
    this.#ms = ms
    this.over = new Promise((_resolve, reject) => {
      this.#reject = reject
    })
    this.over.catch(() => {}) // whoever races against it hears of it
    this.renew()
  }

  renew(): void {
    this.#cancel()
    this.#cancel = this.#clock.after(this.#ms, () => this.end(new HoldfastError('SERVER_AWAY')))
  }

  end(error: HoldfastError): void {
    this.#reject(error)
  }

  stop(): void {
    this.#cancel()
  }
}
