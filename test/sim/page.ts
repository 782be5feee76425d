/** One tab of a simulated browser: a program of its own that runs the real client. */

import type { Client, Doc } from '../../client/api.ts'
import { connect } from '../../client/index.ts'
import type { Dial } from '../../client/link/link.ts'
import type { Agreement } from '../../client/platform.ts'
import type { TypeName } from '../../types/type.ts'
import type { Random } from '../random.ts'
import type { Bug } from './bugs.ts'
import type { VirtualClock } from './clock.ts'
import { change, insertion, tokensOf, tokensPutIn } from './edits.ts'
import type { Ledger } from './ledger.ts'
import type { Network } from './network.ts'
import { Program } from './program.ts'
import type { DeviceStorage } from './storage.ts'

export interface Surroundings {
  readonly clock: VirtualClock
  readonly network: Network
  readonly ledger: Ledger
  readonly type: TypeName
  readonly bug: Bug | null
}

/** What a tab has of its device. */
export interface Place {
  readonly device: string
  readonly family: string
  readonly docs: readonly string[]
  readonly storage: DeviceStorage
  /** Null where tabs can agree on nothing: this one is alone. */
  readonly agree: ((program: Program) => Agreement) | null
}

interface Open {
  readonly doc: Doc
  readonly handle: number
}

export const COLLECTION = 'sim'

/** How long a page lingers that is closed while it still has to write. */
const LINGER_MS = 1000

export class Page {
  readonly program: Program
  readonly #around: Surroundings
  readonly #place: Place
  readonly #random: Random
  readonly #client: Client
  readonly #open = new Map<string, Open>()
  readonly #wanted = new Set<string>()
  /** Documents of rescue files that were brought here. */
  readonly #brought = new Set<string>()
  #closing = false

  constructor(place: Place, around: Surroundings, random: Random) {
    this.#place = place
    this.#around = around
    this.#random = random
    const { clock, network, ledger, bug } = around
    const { device, storage, agree } = place
    this.program = new Program(clock, error => ledger.faults.push(`I0: ${device} threw ${describe(error)}`))
    const own = this.program.clock(random.fork())
    const { program } = this
    const dial = this.#witness(network.dialFor(device, program))
    const agreement = agree?.(program) ?? null
    const randomBytes = (bytes: Uint8Array) => bytes.set(bytes.map(() => random.int(256)))
    this.#client = connect({
      server: 'ws://server',
      device: 'sim',
      clock: own,
      dial: bug?.dial?.(dial) ?? dial,
      randomBytes: bug?.randomBytes?.(randomBytes, device) ?? randomBytes,
      agreement: agreement && (bug?.agreement?.(agreement) ?? agreement),
      openLog: async () => {
        await new Promise<void>(resolve => program.after(random.next() * 10, resolve))
        const log = storage.open(program)
        return bug?.log?.(log) ?? log
      },
    })
  }

  get closing(): boolean {
    return this.#closing
  }

  /** The documents that are open here; those that are still opening are not. */
  get docs(): ReadonlyMap<string, Doc> {
    return new Map([...this.#open].map(([id, { doc }]) => [id, doc]))
  }

  open(id: string): void {
    if (this.#wanted.has(id) || this.#closing) return
    this.#wanted.add(id)
    const { ledger, type } = this.#around
    this.#client.open(COLLECTION, id, type).then(
      doc => {
        if (this.#wanted.has(id)) this.#open.set(id, { doc, handle: ++handles })
        else void doc.close()
      },
      error =>
        this.#closing || ledger.faults.push(`I9: ${this.#place.device} could not open ${id}: ${error}`),
    )
  }

  /** Lets go of the document; what it has not sent goes on. */
  letGo(id: string): void {
    this.#wanted.delete(id)
    void this.#open.get(id)?.doc.close()
    this.#open.delete(id)
  }

  insert(id: string): void {
    this.program.run(() => this.#insert(id))
  }

  /** Answers the token. */
  #insert(id: string, after: readonly string[] = []): number | null {
    const open = this.#open.get(id)
    if (!open) return null
    const { doc, handle } = open
    const { device, family, storage } = this.#place
    const { ledger, type } = this.#around
    const token = ledger.write(device, family, id, handle)
    const options = after.length > 0 ? { after: after.map(id => ({ collection: COLLECTION, id })) } : {}
    doc.edit(insertion(type, doc, token, this.#random), options)
    doc.saved.then(
      () => {
        ledger.entries[token]!.saved = true
      },
      reason => {
        if (reason.code === 'CLIENT_CLOSED' || storage.troubled) return
        ledger.faults.push(`I0: ${device} could not save: ${reason}`)
      },
    )
    doc.settled.then(
      () => {
        if (this.#isCommitted(id, doc, token)) ledger.entries[token]!.settled = true
      },
      () => {}, // closed before
    )
    return token
  }

  /** An edit in one document, and in another one that leads to it. */
  link(to: string, from: string): void {
    this.program.run(() => this.#client.batch(() => this.#link(to, from)))
  }

  #link(to: string, from: string): void {
    const { ledger } = this.#around
    this.#insert(to)
    const { doc, handle } = this.#open.get(to)!
    const held = new Set(heldIn(doc))
    const after = ledger.entries.flatMap((entry, token) =>
      entry.handle === handle && !held.has(token) ? [token] : [],
    )
    const token = this.#insert(from, [to])
    if (token !== null) ledger.links.push({ token, after })
  }

  /** A person decides about a held edit. */
  decide(id: string, what: 'retry' | 'discard'): void {
    const doc = this.#open.get(id)?.doc
    if (!doc || doc.held.length === 0) return
    const held = this.#random.pick(doc.held)
    this.#around.ledger.decided(tokensPutIn(held.original), what)
    this.program.run(() => doc[what](held.name))
  }

  /** All that is unsent here, as a file. */
  takeFile(keep: (text: string) => void): void {
    const { ledger } = this.#around
    const { family } = this.#place
    this.#client.exportUnsent().then(
      text => {
        for (const src of srcsIn(text)) ledger.wrote(src, family)
        keep(text)
      },
      () => {}, // closed before, or its log failed
    )
  }

  bringFile(text: string): void {
    for (const id of docsIn(text)) this.#brought.add(id)
    this.#client.importUnsent(text).catch(reason => {
      if (reason.code === 'JOURNAL_INVALID')
        this.#around.ledger.faults.push(`I2: a rescue file is no good: ${reason}`)
    })
  }

  /** What is settled is committed or held; a handle that was let go is not told what is held any more. */
  #isCommitted(id: string, doc: Doc, token: number): boolean {
    return this.#open.get(id)?.doc === doc ? !heldIn(doc).includes(token) : !this.#place.storage.troubled
  }

  change(id: string): void {
    this.program.run(() => this.#change(id))
  }

  #change(id: string): void {
    const doc = this.#open.get(id)?.doc
    if (!doc) return
    const { ledger, type } = this.#around
    const { family } = this.#place
    const made = change(type, doc, token => ledger.isSettled(token), this.#random)
    if (!made) return
    if (made.deleted !== null) ledger.entries[made.deleted]!.deletedBy.add(family)
    doc.edit(made.op)
  }

  undo(id: string, way: 'undo' | 'redo'): void {
    this.program.run(() => this.#undo(id, way))
  }

  #undo(id: string, way: 'undo' | 'redo'): void {
    const doc = this.#open.get(id)?.doc
    if (!doc) return
    const { ledger } = this.#around
    const { family, storage } = this.#place
    ledger.undoers.add(`${family} ${id}`)
    let known = false
    const note = () => {
      // Whoever does not hear of the hub any more does not see what was undone.
      const seen =
        this.#open.get(id)?.doc === doc && this.program.alive && !this.#closing && !storage.troubled
      if (!known) ledger.undone(family, id, new Set(seen ? tokensOf(doc.data) : []))
      known = true
    }
    this.program.onEnd(note)
    doc[way]().then(note, note)
  }

  delete(id: string): void {
    const doc = this.#open.get(id)?.doc
    if (!doc?.truth.exists) return
    this.#around.ledger.deletions.add(id)
    doc.delete()
  }

  /** The page is closed in order; resolves when it is gone. */
  async close(): Promise<void> {
    this.#closing = true
    const closed = this.#client.close()
    await Promise.race([closed, new Promise<void>(resolve => this.#around.clock.after(LINGER_MS, resolve))])
    this.program.kill()
  }

  /** What really passes between this program and the server. */
  #witness(dial: Dial): Dial {
    const { ledger } = this.#around
    const { device, family, docs } = this.#place
    return (url, events) => {
      const socket = dial(url, {
        ...events,
        text: text => {
          const frame = JSON.parse(text) as Heard
          if (frame.d !== undefined && !docs.includes(frame.d) && !this.#brought.has(frame.d))
            ledger.faults.push(`I8: ${device} was sent something of ${frame.d}`)
          if (isNews(frame) && this.#open.get(frame.d!)?.doc.unsent) ledger.met.merges++
          if (isAck(frame)) ledger.acked(frame.d!, `${frame.src}:${frame.seq}`)
          events.text(text)
        },
      })
      const send = (text: string) => {
        for (const frame of [JSON.parse(text)].flat() as Said[]) {
          if (frame.a === 'hs') ledger.greeted(frame.id!, device, this.program)
          const op = frame.a === 'op' ? frame : frame.submit
          if (op) ledger.wrote(op.src!, family)
        }
        socket.send(text)
      }
      return { ...socket, send }
    }
  }
}

/** Numbers the handles of all pages: only that they differ matters. */
let handles = 0

interface Said {
  readonly a: string
  readonly id?: string
  readonly src?: string
  readonly submit?: { readonly src: string }
}

interface Heard {
  readonly a: string
  readonly d?: string
  readonly src?: string
  readonly seq?: number
  readonly error?: unknown
  readonly op?: unknown
  readonly segments?: readonly unknown[]
}

interface File {
  readonly docs: readonly {
    readonly id: string
    readonly state: { readonly pending: readonly { readonly name: { readonly src: string } }[] }
  }[]
}

const docsIn = (text: string): string[] => (JSON.parse(text) as File).docs.map(({ id }) => id)

const srcsIn = (text: string): string[] =>
  (JSON.parse(text) as File).docs.flatMap(({ state }) => state.pending.map(({ name }) => name.src))

const isAck = (frame: Heard): boolean =>
  frame.a === 'op' && frame.error === undefined && !('op' in frame || 'create' in frame || 'del' in frame)

const isNews = ({ a, op, segments }: Heard): boolean =>
  (a === 'op' && op !== undefined) || (a === 'h.catchup' && segments !== undefined && segments.length > 0)

export const heldIn = (doc: Doc): number[] => doc.held.flatMap(held => tokensPutIn(held.original))

/** Whether its device says that it saves nothing. */
export const saysItFails = ({ truth }: Doc): boolean => truth.error?.code === 'LOG_FAILED'

const describe = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error))
