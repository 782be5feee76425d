/**
 * The client process of `server`: many connections, each to a document, of which some write.
 *
 * What is told of an edit is read once, by whoever hears it first: it must be somebody's edit, the letter included, and no other
 * than the one that stands there for all. Everybody else's message is compared with that byte for byte, which costs next to
 * nothing. A run ends when everybody has been told every edit of their document, each once and in one order for all.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { answer } from '../process.ts'
import { editOf } from '../store/edits.ts'
import { RawSocket } from './crowd/socket.ts'
import { type Speech, speeches } from './crowd/speech.ts'

export interface Crowd {
  readonly url: string
  /** A name of `speeches`. */
  readonly protocol: string
  /** The document of each connection. */
  readonly documents: readonly string[]
  /** Characters of a document. */
  readonly size: number
}

/** The first `writers` connections write: each the next edit as soon as the last was taken, or all together so many a second. */
export interface Typing {
  readonly writers: number
  readonly perSecond: number | null
  readonly warmMs: number
  readonly windowMs: number
  /** How long the last edits may take to be told to all, in ms; default 30,000. */
  readonly restMs?: number
}

export interface Typed {
  /** Edits of others that were heard, and own ones that were taken, within the window. */
  readonly delivered: number
  readonly taken: number
  readonly ms: number
  /** The same from the first edit to the last, warming up included. */
  readonly all: { readonly delivered: number; readonly taken: number }
  /** Of each of those: from the keystroke, in ms. What is taken counts only where nobody else is there to hear it. */
  readonly latencies: Float64Array
  /** CPU time of this process over the time of the window: near 1, this process is what was measured. */
  readonly busy: number
}

export type CrowdCalls = {
  /** Resolves when all are connected to their documents. */
  open(crowd: Crowd): Promise<void>
  /** Rejects when a connection fails, an edit is refused, or somebody is not told, is told twice or something else. */
  type(typing: Typing): Promise<Typed>
  /** Edits that were written, by all, since the opening. */
  written(): number
}

/** Connections that are opened at a time. */
const OPENING = 64
/** Edits that are made ahead for each second of writing as fast as it goes, by all together; what is over it is made as it is typed. */
const AHEAD_PER_SECOND = 8000

answer<CrowdCalls>({
  async open(crowd) {
    await Promise.race([openAll(crowd), failure.promise])
  },
  async type(typing) {
    return Promise.race([type(typing), failure.promise])
  },
  written: () => written,
})

/** One edit on its way. */
interface Sent {
  readonly by: Member
  /** When its key was pressed. */
  readonly at: number
}

/** What all are told at one place. */
interface Told {
  readonly bytes: Buffer
  readonly edits: readonly Sent[]
}

interface Shared {
  readonly told: Map<number, Told>
  readonly sent: Map<string, Sent>
  members: number
}

const failure = Promise.withResolvers<never>()
failure.promise.catch(() => {})
const shared = new Map<string, Shared>()
const members: Member[] = []
let written = 0
/** Times that an edit is still to be told to somebody. */
let missing = 0
/** Edits that are still to be taken. */
let untaken = 0
let isCounting = false
let delivered = 0
let taken = 0
let latencies: number[] = []

class Member {
  readonly ready = Promise.withResolvers<void>()
  readonly #number: number
  readonly #size: number
  readonly #speech: Speech
  readonly #document: Shared
  readonly #socket: RawSocket
  /** Where the next edit stands that it hears of. */
  #place: number
  #index = 0
  /** When the keys were pressed that are still to be sent; null: as soon as it can. */
  #due: number[] | null = []
  #sent: Sent | null = null

  constructor(number: number, document: string, { url, protocol, size }: Crowd) {
    this.#number = number
    this.#size = size
    this.#speech = speeches[protocol]!(document)
    this.#place = this.#speech.first
    if (!shared.has(document)) shared.set(document, { told: new Map(), sent: new Map(), members: 0 })
    this.#document = shared.get(document)!
    this.#document.members++
    this.#socket = new RawSocket(url, {
      open: () => {
        for (const message of this.#speech.greeting()) this.#socket.send(message)
      },
      heard: (bytes, start, end) => this.#heard(bytes, start, end),
      failed: error => failure.reject(new Error(`connection ${number}: ${error.message}`)),
    })
  }

  /** Makes its next edits ahead of time, as far as it can. */
  prepare(count: number): void {
    this.#speech.prepare?.(Array.from({ length: count }, (_, i) => this.#editAt(this.#index + i)))
  }

  /** A key is pressed now. */
  press(at: number): void {
    this.#due!.push(at)
    this.#go()
  }

  /** Keys are pressed one after the other, as fast as edits are taken. */
  hold(): void {
    this.#due = null
    this.#go()
  }

  release(): void {
    this.#due ??= []
  }

  #go(): void {
    if (this.#sent) return
    const at = this.#due === null ? performance.now() : this.#due.shift()
    if (at === undefined) return
    const { message, name } = this.#speech.edit(this.#editAt(this.#index++), this.#place)
    this.#sent = { by: this, at }
    this.#document.sent.set(name, this.#sent)
    written++
    untaken++
    missing += this.#document.members
    this.#socket.send(message)
  }

  readonly #editAt = (index: number) => editOf(this.#number, index, this.#size)

  #heard(bytes: Buffer, start: number, end: number): void {
    const told = this.#document.told.get(this.#place)
    const known = told && bytes.compare(told.bytes, 0, told.bytes.length, start, end) === 0
    if (known) this.#hear(told)
    else this.#understand(Buffer.from(bytes.subarray(start, end)))
  }

  #understand(bytes: Buffer): void {
    const heard = this.#speech.understand(bytes, message => this.#socket.send(message))
    if (heard.kind === 'ready') this.ready.resolve()
    else if (heard.kind === 'refused') this.#fail(heard.why)
    else if (heard.kind === 'taken') this.#taken(heard.place)
    // A client of ShareDB is told twice what its own edit has crossed, and passes over it.
    else if (heard.kind === 'edits' && !(heard.place! < this.#place)) {
      if (heard.place !== undefined && heard.place !== this.#place)
        this.#fail(`${heard.place} is told where ${this.#place} was to come`)
      else this.#hearFirst(bytes, heard.names)
    }
  }

  #hearFirst(bytes: Buffer, names: readonly string[]): void {
    const { told, sent } = this.#document
    const edits = names.map(name => sent.get(name)!)
    if (told.has(this.#place)) this.#fail(`others were told otherwise than ${bytes}`)
    else if (edits.includes(undefined!)) this.#fail(`nobody wrote ${names}, or it was told before`)
    else {
      for (const name of names) sent.delete(name)
      const first = { bytes, edits }
      told.set(this.#place, first)
      this.#hear(first)
    }
  }

  #hear({ edits }: Told): void {
    this.#place++
    missing -= edits.length
    const now = performance.now()
    for (const { by, at } of edits) {
      if (by === this) continue
      delivered++
      if (isCounting) latencies.push(now - at)
    }
  }

  #taken(place: number | undefined): void {
    const { at } = this.#sent!
    this.#sent = null
    untaken--
    if (place !== undefined && place !== this.#place)
      this.#fail(`its edit stands at ${place}, and nobody told it of ${this.#place}`)
    if (!this.#speech.echoes) {
      this.#place++
      missing--
    }
    taken++
    if (isCounting && this.#document.members === 1) latencies.push(performance.now() - at)
    this.#go()
  }

  #fail(why: string): void {
    failure.reject(new Error(`connection ${this.#number}: ${why}`))
  }
}

async function openAll(crowd: Crowd): Promise<void> {
  for (let from = 0; from < crowd.documents.length; from += OPENING) {
    const batch = crowd.documents
      .slice(from, from + OPENING)
      .map((document, i) => new Member(from + i, document, crowd))
    members.push(...batch)
    await Promise.all(batch.map(({ ready }) => ready.promise))
  }
}

async function type({ writers, perSecond, warmMs, windowMs, restMs = 30_000 }: Typing): Promise<Typed> {
  const writing = members.slice(0, writers)
  const seconds = (warmMs + windowMs) / 1000
  for (const member of writing)
    member.prepare(Math.ceil((seconds * (perSecond ?? AHEAD_PER_SECOND)) / writers))
  const stop = perSecond === null ? holdAll(writing) : pressInTurn(writing, perSecond)
  delivered = 0
  taken = 0
  latencies = []
  await sleep(warmMs)
  isCounting = true
  const before = { delivered, taken }
  const from = performance.now()
  const cpu = process.cpuUsage()
  await sleep(windowMs)
  const ms = performance.now() - from
  const { user, system } = process.cpuUsage(cpu)
  const typed = { delivered: delivered - before.delivered, taken: taken - before.taken, ms }
  isCounting = false
  stop()
  await rest(restMs)
  return {
    ...typed,
    all: { delivered, taken },
    latencies: Float64Array.from(latencies),
    busy: (user + system) / 1000 / ms,
  }
}

function holdAll(writing: readonly Member[]): () => void {
  for (const member of writing) member.hold()
  return () => {
    for (const member of writing) member.release()
  }
}

/** A key that should have been pressed while this process was busy was pressed when it should have been. */
function pressInTurn(writing: readonly Member[], perSecond: number): () => void {
  const from = performance.now()
  const due = (count: number) => from + (count * 1000) / perSecond
  let count = 0
  const timer = setInterval(() => {
    for (const now = performance.now(); due(count) <= now; count++)
      writing[count % writing.length]!.press(due(count))
  }, 1)
  return () => clearInterval(timer)
}

async function rest(ms: number): Promise<void> {
  const until = performance.now() + ms
  while (missing > 0 || untaken > 0) {
    if (performance.now() > until)
      throw new Error(`${missing} deliveries did not come, and ${untaken} edits were not taken`)
    await sleep(5)
  }
  if (missing < 0) throw new Error(`${-missing} deliveries too many`)
}
