/**
 * One handle of a tab, at the hub: it takes the handle's edits into the room and passes on what happens there. The two
 * sides do not wait for each other, so an edit that comes in is carried over the changes that its tab had not seen, and
 * those over it; the tab does the same with the same rules (tab/handle.ts), and both end equal by TP1 [R2].
 */

import type { Change } from '../../ops/change.ts'
import type { WireError } from '../../ops/protocol.ts'
import { carry } from '../../ops/rebase.ts'
import type { TypeName } from '../../types/type.ts'
import type { Peer } from '../api.ts'
import type { FromHub, FromTab, Passing } from './messages.ts'
import type { Room } from './room.ts'
import { lostGround, passingsOf } from './told.ts'

interface Letter {
  /** The event that must be in the log before the tab may hear this. */
  readonly after: number
  readonly message: FromHub
}

export interface SeatOptions {
  readonly tab: string
  readonly handle: string
  /** The type that the tab opened the document as. */
  readonly type: TypeName
  readonly post: (message: FromHub) => void
}

export class Seat {
  readonly handle: string
  readonly tab: string
  readonly #room: Room
  readonly #type: TypeName
  readonly #post: (message: FromHub) => void
  /** The `change` messages that the tab has not taken yet, as they stand on top of its edits so far. */
  #unseen: (readonly Passing[])[] = []
  #seen = 0
  #taken: number
  /** The event of the last edit taken. */
  #after = 0
  #letters: Letter[] = []

  constructor(room: Room, { tab, handle, type, post }: SeatOptions) {
    this.#room = room
    this.#type = type
    this.tab = tab
    this.handle = handle
    this.#post = post
    this.#taken = room.takenFrom(handle)
    const { view, truth, held } = room
    // The tab forgets what it hears is here, so the log must have it: this tab may have been at this hub before.
    this.#after = room.edited
    this.#say({ t: 'attached', h: handle, view, got: this.#taken, truth, held })
  }

  /** `lost`: it found no ground on its way from a hub that died, so it is to be held. */
  edit({ n, seen, change, after, lost }: FromTab & { t: 'edit' }): void {
    if (n <= this.#taken) return
    this.saw(seen)
    this.#taken = n
    const { carried, fault } = lost ? { carried: null, fault: lost } : this.#cross(change)
    this.#after = this.#room.state.logged + 1
    const taking = { change: carried ?? change, type: this.#type, from: [this.handle, n] as const, after }
    this.#room.take(taking, fault, this)
    this.tellTruth(false)
  }

  /** The tab has taken that many `change` messages. */
  saw(seen: number): void {
    this.#unseen.splice(0, seen - this.#seen)
    this.#seen = seen
  }

  /** The edit over what its tab had not seen, null if it lost its ground; and that over the edit. */
  #cross(edit: Change): { carried: Change | null; fault: WireError | null } {
    let carried: Change | null = edit
    let mismatch = false
    this.#unseen = this.#unseen.map(passings =>
      passings.flatMap(({ change, type }): Passing[] => {
        if (carried === null) return [{ change, type }]
        const crossed = carry([carried], change, type)
        carried = crossed.queue[0] ?? null
        mismatch ||= crossed.mismatch
        return passingsOf(crossed.shown, 'create' in change ? change.create.type : type)
      }),
    )
    return { carried, fault: carried === null ? lostGround(mismatch) : null }
  }

  /** Passes on what happened in the room. */
  show(changes: readonly Passing[]): void {
    this.#unseen.push(changes)
    this.#say({ t: 'change', h: this.handle, over: this.#taken, changes })
  }

  tellTruth(withHeld: boolean): void {
    const { truth, held } = this.#room
    this.#say({ t: 'truth', h: this.handle, over: this.#taken, truth, ...(withHeld && { held }) })
  }

  tellPeers(peers: readonly Peer[]): void {
    this.#post({ t: 'presence', h: this.handle, peers })
  }

  /** The room's log has got further. */
  flush(): void {
    const { saved } = this.#room.state
    const due = this.#letters.findIndex(letter => letter.after > saved)
    for (const { message } of this.#letters.splice(0, due < 0 ? this.#letters.length : due))
      this.#post(message)
  }

  #say(message: FromHub): void {
    this.#letters.push({ after: this.#after, message })
    this.flush()
  }
}
