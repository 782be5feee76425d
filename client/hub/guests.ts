/** The tabs of a hub: what each of them says, and the seats that its handles have. */

import { HoldfastError } from '../../ops/errors.ts'
import type { DocKey } from '../../ops/identity.ts'
import type { WireError } from '../../ops/protocol.ts'
import type { TypeName } from '../../types/type.ts'
import type { Client } from '../api.ts'
import type { App } from './app.ts'
import type { Canary } from './canary.ts'
import type { FromHub, FromTab, Question } from './messages.ts'
import type { Place } from './places.ts'
import type { Port } from './port.ts'
import type { Room } from './room.ts'
import { Seat } from './seat.ts'

export type TabPort = Port<FromTab, FromHub>

/** One tab: its port, and its handles. */
interface Guest {
  readonly port: TabPort
  tab: string
  /** Version of the schema of the app in it. */
  schema: number
  readonly seats: Map<string, Placed>
  /** Handles that were asked for and given up before they were there. */
  readonly dropped: Set<string>
}

interface Placed extends Place {
  readonly seat: Seat
}

/** A question that is about no handle. */
export type HubQuestion = Exclude<Question, { readonly h: string }>

/** The hub, as its tabs need it. */
export interface Host {
  /** The next hub will be asked. */
  readonly closed: boolean
  readonly phase: Client['phase']
  readonly app: App
  readonly canary: Canary
  /** Has `task` done in a document's place once the document is known. */
  whenKnown<T>(key: DocKey, task: (place: Place) => T): Promise<T>
  find(question: HubQuestion): Promise<unknown>
  quiet(room: Room): void
  /** Something was heard: the hub is awake. */
  stir(): void
  steer(how: 'pause' | 'resume' | 'reconnect' | 'wake'): void
}

export class Guests {
  readonly #host: Host
  readonly #guests = new Set<Guest>()

  constructor(host: Host) {
    this.#host = host
  }

  get count(): number {
    return this.#guests.size
  }

  get ports(): TabPort[] {
    return [...this.#guests].map(({ port }) => port)
  }

  tellAll(message: FromHub): void {
    for (const port of this.ports) port.post(message)
  }

  /** Takes a tab in, for as long as it does not say `bye` or `leave` is called. */
  serve(port: TabPort): { leave(): void } {
    const guest: Guest = { port, tab: '', schema: 0, seats: new Map(), dropped: new Set() }
    this.#guests.add(guest)
    port.listen(message => this.#hear(guest, message))
    return { leave: () => this.#leave(guest) }
  }

  /** Says no goodbye, and hears nothing more from them. */
  clear(): void {
    this.#guests.clear()
  }

  #hear(guest: Guest, message: FromTab): void {
    this.#host.stir()
    switch (message.t) {
      case 'hello':
        guest.tab = message.tab
        guest.schema = message.schema ?? 0
        guest.port.post({ t: 'welcome', phase: this.#host.phase })
        if (this.#host.canary.loss) guest.port.post({ t: 'loss', loss: this.#host.canary.loss })
        void this.#host.canary.compare(message.noted)
        this.#host.app.met(guest.port)
        return
      case 'dismiss':
        this.#host.canary.dismiss()
        return
      case 'app':
        this.#host.app.told(message)
        return
      case 'attach':
        void this.#attach(guest, message.h, message.key, message.type)
        return
      case 'ask':
        this.#answer(guest, message.id, message.question)
        return
      case 'pause':
      case 'resume':
      case 'reconnect':
      case 'wake':
        this.#host.steer(message.t)
        return
      case 'batch':
        for (const each of message.messages) this.#hear(guest, each)
        return
      case 'ping':
        guest.port.post({ t: 'pong' })
        return
      case 'bye':
        this.#leave(guest)
        return
      default:
        this.#forHandle(guest, message)
    }
  }

  #forHandle(guest: Guest, message: FromTab & { readonly h: string }): void {
    const placed = guest.seats.get(message.h)
    if (message.t === 'detach' && !placed) guest.dropped.add(message.h)
    if (!placed) return
    const { room, presence, seat } = placed
    switch (message.t) {
      case 'edit':
        seat.edit(message)
        return
      case 'seen':
        seat.saw(message.seen)
        return
      case 'act':
        room.handle(message.act, seat)
        return
      case 'announce':
        presence.announce(seat, message.state)
        return
      case 'detach':
        this.#detach(guest, placed)
        return
    }
  }

  async #attach(guest: Guest, h: string, key: DocKey, type: TypeName): Promise<void> {
    try {
      const place = await this.#host.whenKnown(key, place => this.#sit(guest, h, type, place))
      if (place) meet(place)
    } catch (error) {
      if (this.#host.closed) return // the next hub will be asked
      guest.port.post({ t: 'refused', h, error: wireErrorOf(error) })
    }
  }

  #sit(guest: Guest, h: string, type: TypeName, place: Place): Place | null {
    const { room, presence } = place
    if (this.#host.closed || !this.#guests.has(guest) || guest.dropped.delete(h)) return null
    const existing = room.view.type
    if (existing !== null && existing !== type) {
      const { collection, id } = room.key
      throw new HoldfastError(
        'TYPE_MISMATCH',
        `${collection}/${id} is of type ${existing}; it was opened as ${type}.`,
      )
    }
    const post = (message: FromHub) => guest.port.post(message)
    const seat = new Seat(room, { tab: guest.tab, handle: h, type, schema: guest.schema, post })
    room.seats.add(seat)
    // A tab that lost its hub, and found that it was still there, begins anew.
    const former = guest.seats.get(h)
    guest.seats.set(h, { room, presence, seat })
    if (former) this.#unseat(former)
    presence.show(seat)
    return place
  }

  #detach(guest: Guest, placed: Placed): void {
    guest.seats.delete(placed.seat.handle)
    this.#unseat(placed)
  }

  #unseat({ room, presence, seat }: Placed): void {
    room.seats.delete(seat)
    presence.announce(seat, null)
    if (room.seats.size === 0) presence.leave()
    this.#host.quiet(room)
  }

  #leave(guest: Guest): void {
    if (!this.#guests.delete(guest)) return
    for (const placed of [...guest.seats.values()]) this.#detach(guest, placed)
    guest.port.close()
  }

  #answer(guest: Guest, id: number, question: Question): void {
    this.#find(guest, question).then(
      value => guest.port.post({ t: 'answer', id, value }),
      error => {
        if (this.#host.closed) return // the next hub will be asked
        guest.port.post({ t: 'answer', id, error: wireErrorOf(error) })
      },
    )
  }

  async #find(guest: Guest, question: Question): Promise<unknown> {
    if (!('h' in question)) return this.#host.find(question)
    const room = guest.seats.get(question.h)?.room
    if (!room) throw new HoldfastError('CLIENT_CLOSED')
    if (question.q === 'base') return room.baseOf(question.name)
    return question.q === 'saved' ? room.saved() : room.settled()
  }
}

/** What an error is to a tab. */
function wireErrorOf(error: unknown): WireError {
  const { code, message } =
    error instanceof HoldfastError ? error : new HoldfastError('INTERNAL', String(error))
  return { code, message }
}

/** Who looks at a document meets the others when it is caught up: edits come before carets. */
export function meet({ room, presence }: Place): void {
  if (room.state.phase.name === 'live' && room.seats.size > 0) presence.up()
}
