/**
 * The canary: what the log has that no server has, noted where the log is not (tab/note.ts, firmnote.ts), so that a browser
 * that empties, cuts or puts back the log is found out, and the person is told what is gone.
 *
 * No false alarm [Q8]: only what the log has saved is noted, of documents with unsent or held edits alone. A note that is too
 * old, or gone, says too little; too much only of edits that the server acknowledged after it. Law: a log that is what it was
 * has each noted document up to the noted event at least, because events are only forgotten with a document that has nothing
 * unsent.
 */

import { type DocKey, keyText } from '../../ops/identity.ts'
import type { Loss } from '../api.ts'
import { type Clock, within } from '../clock.ts'
import { unsent } from '../engine/state.ts'
import type { Log } from '../log/log.ts'
import type { FirmNote } from './firmnote.ts'
import type { Room } from './room.ts'

/** A pause between two notes: each is a write to the disk in every tab. */
const NOTE_MS = 500
/** What the hub itself noted is not waited for longer. */
const READ_MS = 5_000

interface Note {
  readonly device: string
  readonly epoch: number
  readonly at: number
  /** By `keyText`: the last event that was saved, and how many edits are unsent or held. */
  readonly docs: Readonly<Record<string, readonly [n: number, edits: number]>>
  readonly loss: Loss | null
}

export interface CanaryEvents {
  /** To be noted by every tab, in place of what it noted before. */
  note(text: string): void
  loss(loss: Loss | null): void
}

export class Canary {
  readonly #log: Pick<Log, 'identity' | 'load'>
  readonly #clock: Clock
  readonly #events: CanaryEvents
  readonly #firm: FirmNote | undefined
  /** How far the documents went when this hub read them first. */
  readonly #found = new Map<string, number>()
  readonly #docs = new Map<string, [n: number, edits: number]>()
  readonly #seen = new Set<string>()
  /** `waiting` for a tab that knows what was noted; a log that keeps nothing is `mute`. */
  #phase: 'waiting' | 'comparing' | 'noting' | 'mute' = 'waiting'
  /** Those of `#docs`. */
  #edits = 0
  #loss: Loss | null = null
  /** No note was there. */
  #blank = false
  #hearsay: Loss | null = null
  #dirty = false
  #cancel: (() => void) | null = null

  constructor(log: Pick<Log, 'identity' | 'load'>, clock: Clock, events: CanaryEvents, firm?: FirmNote) {
    this.#log = log
    this.#clock = clock
    this.#events = events
    this.#firm = firm
    if (log.identity.device === '') this.#phase = 'mute'
  }

  get loss(): Loss | null {
    return this.#loss
  }

  /** How many edits are unsent or held, as far as the log has saved them. */
  get edits(): number {
    return this.#edits
  }

  /** The server says so [Q13]. Where there was a note, that says more. */
  told({ edits, at }: { edits: number; at: number }): void {
    this.#hearsay = { edits, at, reason: 'emptied' }
    if (this.#phase === 'noting') this.#believe()
  }

  /** What a tab found noted, when it came; undefined if it cannot note anything. The first who can counts. */
  async compare(text: string | null | undefined): Promise<void> {
    if (this.#phase !== 'waiting' || text === undefined) return
    this.#phase = 'comparing'
    const firm = this.#firm && within(this.#clock, READ_MS, this.#firm.read())
    const noted = later(parse(text), parse((await firm?.catch(() => null)) ?? null))
    this.#blank = noted === null
    const lost = noted && (await this.#lost(noted))
    if (this.#phase !== 'comparing') return
    this.#phase = 'noting'
    const loss = both(noted?.loss ?? null, lost)
    if (loss) this.#tell(loss)
    else if (this.#dirty) this.#changed()
    this.#believe()
  }

  #believe(): void {
    if (this.#blank && this.#hearsay) this.#tell(this.#hearsay)
    this.#hearsay = null
  }

  /** The log had so much of a document before this hub wrote in it. */
  found(key: DocKey, n: number): void {
    if (!this.#found.has(keyText(key))) this.#found.set(keyText(key), n)
  }

  /** The log has saved something of the room. While more is on its way, the note waits for that. */
  saved({ key, state: { replica, logged, saved } }: Room): void {
    if (saved < logged) return
    const at = keyText(key)
    this.#seen.add(at)
    const edits = unsent(replica) + replica.held.length
    const known = this.#docs.has(at)
    this.#put(at, logged, edits)
    if (edits === 0 && !known && this.#phase === 'noting') return
    this.#changed()
  }

  /** The log has failed, and may have lost what is noted; what reaches the server all the same is not lost, and noted at once. */
  failed({ key, state: { replica } }: Room): void {
    const at = keyText(key)
    const noted = this.#docs.get(at)
    if (!noted) return
    const edits = Math.min(noted[1], unsent(replica) + replica.held.length)
    if (edits === noted[1]) return
    this.#put(at, noted[0], edits)
    if (this.#phase === 'noting') this.#note()
  }

  #put(doc: string, n: number, edits: number): void {
    this.#edits += edits - (this.#docs.get(doc)?.[1] ?? 0)
    if (edits > 0) this.#docs.set(doc, [n, edits])
    else this.#docs.delete(doc)
  }

  /** A person has read of the loss. */
  dismiss(): void {
    if (this.#loss !== null) this.#tell(null)
  }

  close(): void {
    this.#phase = 'mute'
    this.#cancel?.()
  }

  /** What a person is told, or has read, is noted before anything can end this hub. */
  #tell(loss: Loss | null): void {
    this.#loss = loss
    this.#note()
    this.#events.loss(loss)
  }

  #changed(): void {
    this.#dirty = true
    if (this.#phase === 'noting') this.#cancel ??= this.#clock.after(NOTE_MS, () => this.#note())
  }

  #note(): void {
    this.#cancel?.()
    this.#cancel = null
    this.#dirty = false
    const { device, epoch } = this.#log.identity
    const docs = Object.fromEntries(this.#docs)
    const noted: Note = { device, epoch, at: this.#clock.now(), docs, loss: this.#loss }
    const text = JSON.stringify(noted)
    this.#events.note(text)
    void this.#firm?.write(text)
  }

  /** What the log should have and has not; the rest of the note goes on to hold. */
  async #lost({ device, at, docs }: Note): Promise<Loss | null> {
    const same = device === this.#log.identity.device
    let edits = 0
    for (const [doc, [n, noted]] of Object.entries(docs)) {
      const end = same ? await this.#endOf(doc) : 0
      if (end < n) edits += end === 0 ? noted : Math.min(noted, n - end)
      else if (!this.#seen.has(doc)) this.#put(doc, n, noted)
    }
    if (edits === 0) return null
    return { edits, at, reason: same ? 'incomplete' : 'emptied' }
  }

  /** The last event of a document as the former hub left it; 0 if it is not there or cannot be read. */
  async #endOf(doc: string): Promise<number> {
    const known = this.#found.get(doc)
    if (known !== undefined) return known
    const [collection, id] = JSON.parse(doc)
    try {
      const { checkpoint, events } = await this.#log.load({ collection, id })
      return this.#found.get(doc) ?? events.at(-1)?.n ?? checkpoint?.n ?? 0
    } catch {
      return 0
    }
  }
}

/** A clock may be put back; the owners of a log are counted. */
function later(a: Note | null, b: Note | null): Note | null {
  if (!a || !b) return a ?? b
  const owners = a.device === b.device ? b.epoch - a.epoch : 0
  return (owners || b.at - a.at) > 0 ? b : a
}

/** Nobody has read of the former one yet. */
const both = (former: Loss | null, later: Loss | null): Loss | null =>
  former && later ? { ...later, edits: former.edits + later.edits } : (later ?? former)

/** Null for what no hub wrote: then there is nothing to compare with. */
function parse(text: string | null): Note | null {
  try {
    const note = JSON.parse(text ?? 'null') as Note | null
    const { device, at, docs, loss } = note!
    const whole = typeof device === 'string' && isCount(at) && Object.entries(docs).every(isDoc)
    return whole && (loss === null || (isCount(loss.edits) && isCount(loss.at))) ? note : null
  } catch {
    return null
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isDoc = ([doc, [n, edits]]: [string, readonly [number, number]]): boolean =>
  Array.isArray(JSON.parse(doc)) && isCount(n) && isCount(edits)
