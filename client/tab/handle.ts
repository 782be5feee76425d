/**
 * One open document in a tab: its view at once, the hub's word for it later. Edits are applied here, queued, and sent to
 * the hub; they leave the queue when the hub says that the log has them. What the hub tells is carried over the queue,
 * with the rules that the hub itself uses for what it had not seen (hub/seat.ts), so both end equal [R2].
 *
 * When the hub dies, the queue is what it may not have saved. The next hub says how many of the handle's edits it found
 * in the log and what the document is there; the difference is taken as one more change of the hub's, and the rest of
 * the queue is sent to it [R3].
 */

import { absent, applyChange, type Change, type Content, checkChange, difference } from '../../ops/change.ts'
import { HoldfastError, isErrorCode } from '../../ops/errors.ts'
import type { DocKey } from '../../ops/identity.ts'
import type { WireError } from '../../ops/protocol.ts'
import { carry } from '../../ops/rebase.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import type { HeldEdit, Peer, Truth } from '../api.ts'
import type { Act, FromHub, FromTab, Passing } from '../hub/messages.ts'
import { lostGround, passingsOf, sameTruth } from '../hub/told.ts'

/** `change` messages after which a tab that does not write says how many it took. */
const SEEN_EVERY = 64

export interface Listener {
  /** `local`: an edit of this handle made the change; `undone`: its undo or redo did. */
  change(change: Change, local: boolean, undone: boolean): void
  truth(truth: Truth): void
  presence(peers: readonly Peer[]): void
}

/** Changes under the queue that are put off; with an empty queue none needs to be applied at all. */
const LATER = 256

interface Queued {
  readonly n: number
  readonly change: Change
  readonly joins?: true
  readonly after?: readonly DocKey[]
  /** Why it lost its ground between two hubs: it is not in the view any more, and the next hub is to hold it. */
  readonly lost?: WireError
}

export type Told = Extract<FromHub, { readonly h: string }>

const unknown: Truth = {
  status: 'connecting',
  unsent: 0,
  saved: true,
  settled: true,
  held: 0,
  exists: false,
  canUndo: false,
  canRedo: false,
  wentBack: false,
  error: null,
}

export class Handle {
  readonly h: string
  readonly key: DocKey
  readonly type: TypeName
  /** Resolves when the document can be edited; rejects with what the hub refused it for. */
  readonly opened: Promise<void>
  readonly #listener: Listener
  readonly #post: (message: FromTab) => void
  #open!: (error: HoldfastError | null) => void
  #view: Content = absent
  /** What lies under the queue: a content, and what came on top of it since. */
  #base: Content = absent
  #later: Change[] = []
  #queue: Queued[] = []
  /** Edits made, and `change` messages taken since the last `attached`. */
  #made = 0
  #seen = 0
  #attached = false
  #hubTruth = unknown
  #truth = unknown
  #held: readonly HeldEdit[] = []
  #announced: unknown = null
  #acts: Act[] = []
  #shows: { change: Change; local: boolean; undone: boolean }[] = []
  #showing = false
  #drained: (() => void)[] = []

  constructor(h: string, key: DocKey, type: TypeName, listener: Listener, post: (message: FromTab) => void) {
    this.h = h
    this.key = key
    this.type = type
    this.#listener = listener
    this.#post = post
    this.opened = new Promise((resolve, reject) => {
      this.#open = error => (error === null ? resolve() : reject(error))
    })
  }

  /** Whether a hub has it now; what is said before is told to it then. */
  get attached(): boolean {
    return this.#attached
  }

  get view(): Content {
    const view = this.#view
    return view.type === null ? { type: this.type, data: typeOf(this.type).create() } : view
  }

  get truth(): Truth {
    return this.#truth
  }

  get held(): readonly HeldEdit[] {
    return this.#held
  }

  /** Throws `OP_…` or `DATA_MALFORMED` if it does not fit. An op on a document that does not exist creates it first. */
  edit(change: Change, joins: boolean, after: readonly DocKey[] = []): void {
    if ('op' in change && this.#view.type === null) {
      this.#edit({ create: { type: this.type, data: typeOf(this.type).create() } }, false, after)
    }
    this.#edit(change, joins, after)
  }

  act(act: Act): void {
    if (this.#attached) this.#post({ t: 'act', h: this.h, act })
    else this.#acts.push(act)
  }

  announce(state: unknown): void {
    this.#announced = state
    if (this.#attached) this.#post({ t: 'announce', h: this.h, state })
  }

  /** Resolves when the hub has all of the queue. */
  drained(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve()
    return new Promise(resolve => this.#drained.push(resolve))
  }

  /** What the log has, read by the tab: enough to begin with, until the hub says what is. */
  preview(view: Content): void {
    if (this.#attached || view.type !== this.type) return
    this.#view = view
    this.#base = view
    this.#refresh(false)
    this.#open(null)
  }

  /** The tab is closed: whoever still waits for the document is told. */
  abandon(): void {
    this.#open(new HoldfastError('CLIENT_CLOSED'))
  }

  // ---- what the hub says ----

  /** There is a hub, perhaps a new one: asks it for the document. */
  attach(): void {
    this.#attached = false
    this.#post({ t: 'attach', h: this.h, key: this.key, type: this.type })
  }

  told(message: Told): void {
    switch (message.t) {
      case 'attached':
        this.#reconcile(message)
        return
      case 'refused': {
        const { code, message: words } = message.error
        this.#open(new HoldfastError(isErrorCode(code) ? code : 'INTERNAL', words))
        return
      }
      case 'change':
        this.#changed(message)
        return
      case 'truth':
        this.#drop(message.over)
        if (message.held) this.#held = message.held
        this.#hubTruth = message.truth
        this.#refresh(message.held !== undefined)
        return
      case 'presence':
        this.#listener.presence(message.peers)
    }
  }

  #reconcile({ view, got, truth, held }: FromHub & { t: 'attached' }): void {
    const heldChanged = JSON.stringify(held) !== JSON.stringify(this.#held)
    this.#drop(got)
    const before = this.#under()
    this.#attached = true
    this.#seen = 0
    this.#hubTruth = truth
    this.#held = held
    for (const passing of passingsOf(difference(before, view), before.type)) {
      const lost = this.#carry(passing)
      this.#queue.push(...lost)
      this.#queue.sort((a, b) => a.n - b.n)
    }
    for (const queued of this.#queue) this.#send(queued)
    for (const act of this.#acts.splice(0)) this.act(act)
    if (this.#announced !== null) this.announce(this.#announced)
    this.#show()
    this.#refresh(heldChanged)
    this.#open(null)
  }

  #changed({ over, changes, undone }: FromHub & { t: 'change' }): void {
    this.#drop(over)
    this.#seen++
    for (const passing of changes) this.#carry(passing, undone)
    if (this.#seen % SEEN_EVERY === 0) this.#post({ t: 'seen', h: this.h, seen: this.#seen })
    this.#show()
    this.#refresh(false)
  }

  /** A change of the hub's comes in below the queue; answers what lost its ground. A living hub holds that by the same rule. */
  #carry({ change, type }: Passing, undone = false): Queued[] {
    const living = this.#queue.filter(queued => !queued.lost)
    const carried = carry(
      living.map(queued => queued.change),
      change,
      type,
    )
    this.#below(change)
    const next = new Map(living.map(({ n }, i) => [n, carried.queue[i]]))
    const lost = living.filter(({ n }) => !next.get(n))
    this.#queue = this.#queue.flatMap(queued => {
      if (queued.lost) return [queued]
      const moved = next.get(queued.n)
      return moved ? [{ ...queued, change: moved }] : []
    })
    for (const shown of carried.shown) {
      this.#view = applyChange(this.#view, shown)
      this.#shows.push({ change: shown, local: false, undone })
    }
    const { code, message } = lostGround(carried.mismatch)
    return lost.map(queued => ({ ...queued, lost: { code, message } }))
  }

  /** The log has the handle's edits up to `over`. */
  #drop(over: number): void {
    let count = 0
    while (count < this.#queue.length && this.#queue[count]!.n <= over) count++
    for (const { change, lost } of this.#queue.splice(0, count)) if (!lost) this.#below(change)
    if (this.#queue.length > 0) return
    this.#base = this.#view
    this.#later = []
    for (const resolve of this.#drained.splice(0)) resolve()
  }

  /** `change` is now part of what lies under the queue. */
  #below(change: Change): void {
    this.#later.push(change)
    if (this.#later.length > LATER) this.#under()
  }

  #under(): Content {
    this.#base = this.#queue.length === 0 ? this.#view : this.#later.reduce(applyChange, this.#base)
    this.#later = []
    return this.#base
  }

  // ---- editing ----

  #edit(change: Change, joins: boolean, after: readonly DocKey[]): void {
    const fault = checkChange(change, this.#view)
    if (fault) throw new HoldfastError(fault.code, fault.message)
    if (this.#queue.length === 0) this.#under()
    this.#view = applyChange(this.#view, change)
    const queued = { n: ++this.#made, change, ...(joins && { joins }), ...(after.length > 0 && { after }) }
    this.#queue.push(queued)
    if (this.#attached) this.#send(queued)
    this.#shows.push({ change, local: true, undone: false })
    this.#show()
    this.#refresh(false)
  }

  #send(queued: Queued): void {
    this.#post({ t: 'edit', h: this.h, seen: this.#seen, ...queued })
  }

  /** Shows in order, even when a listener edits while it is shown something. */
  #show(): void {
    if (this.#showing) return
    this.#showing = true
    try {
      for (let show = this.#shows.shift(); show; show = this.#shows.shift())
        this.#listener.change(show.change, show.local, show.undone)
    } finally {
      this.#showing = false
    }
  }

  /** The hub's truth, and what it has not heard of yet. */
  #refresh(held: boolean): void {
    const told = this.#hubTruth
    const waiting = this.#queue.length
    const exists = this.#view.type !== null
    const truth: Truth =
      waiting === 0
        ? { ...told, exists }
        : {
            ...told,
            exists,
            unsent: told.unsent + waiting,
            saved: false,
            ...undoable(this.#queue.at(-1)!.change, told),
            settled: false,
            status: told.status === 'synced' ? 'syncing' : told.status,
          }
    if (!held && sameTruth(truth, this.#truth)) return
    this.#truth = truth
    this.#listener.truth(truth)
  }
}

/** What can be undone after an edit that the hub has not taken yet; what it says then is the truth. */
function undoable(last: Change, told: Truth): Pick<Truth, 'canUndo' | 'canRedo'> {
  if ('op' in last) return { canUndo: true, canRedo: false }
  return { canUndo: 'create' in last && told.canUndo, canRedo: false }
}
