/** What a connection of the crowd says and hears, by system. */

import * as Y from 'yjs'
import { type Splice, spliceShared, textOp } from '../../../traces/splice.ts'
import { COLLECTION } from '../../store/edits.ts'
import { FrameReader, sized } from '../hocuspocus-frames.ts'

export type Heard =
  | { readonly kind: 'ready' | 'nothing' }
  /** The last edit of this connection was taken; `place`: where it stands among all edits, if that is told. */
  | { readonly kind: 'taken'; readonly place?: number }
  /** Edits by their names. */
  | { readonly kind: 'edits'; readonly names: readonly string[]; readonly place?: number }
  | { readonly kind: 'refused'; readonly why: string }

export interface Speech {
  /** Where the first edit stands. */
  readonly first: number
  /** Whether one is told one's own edits like those of others, beside their being taken. */
  readonly echoes: boolean
  /** What is said when the connection is open. */
  greeting(): readonly (string | Buffer)[]
  /** What a message means that is not known byte for byte. */
  understand(bytes: Buffer, say: (message: string | Buffer) => void): Heard
  /** Makes edits ahead that are the next ones to be asked for, where that is much work for a client. */
  prepare?(edits: readonly Splice[]): void
  /** An edit on top of what stands before `place`. */
  edit(edit: Splice, place: number): Made
}

interface Made {
  readonly message: string | Buffer
  readonly name: string
}

/** By the name of a protocol: what opens a connection to a document. */
export const speeches: Readonly<Record<string, (document: string) => Speech>> = {
  sharedb: document => new Sharedb(document),
  hocuspocus: document => new Hocuspocus(document),
  relay: document => new Relay(document),
}

const nothing: Heard = { kind: 'nothing' }

/** The wire protocol of ShareDB, which Holdfast speaks as well: a place is the version that an edit applies to. */
class Sharedb implements Speech {
  /** The creation is version 0. */
  readonly first = 1
  readonly echoes = false
  readonly #src = crypto.randomUUID().replaceAll('-', '')
  readonly #address: { c: string; d: string }
  #seq = 0

  constructor(document: string) {
    this.#address = { c: COLLECTION, d: document }
  }

  greeting() {
    return [JSON.stringify({ a: 'hs', protocol: 1, protocolMinor: 2, id: this.#src })]
  }

  understand(bytes: Buffer, say: (message: string) => void): Heard {
    const frame = JSON.parse(bytes.toString())
    if (frame.error) return { kind: 'refused', why: `${frame.error.code} ${frame.error.message}` }
    if (frame.a === 'hs') say(JSON.stringify({ a: 's', ...this.#address, v: this.first }))
    if (frame.a === 's') return { kind: 'ready' }
    if (frame.a !== 'op') return nothing
    if (!('op' in frame)) return { kind: 'taken', place: frame.v }
    const letters = frame.op.filter((part: unknown) => typeof part === 'string').join('')
    return { kind: 'edits', names: [`${frame.src} ${frame.seq} ${letters}`], place: frame.v }
  }

  edit(edit: Splice, place: number) {
    const name = `${this.#src} ${++this.#seq} ${edit.inserted}`
    const frame = { a: 'op', ...this.#address, v: place, src: this.#src, seq: this.#seq, op: textOp(edit) }
    return { message: JSON.stringify(frame), name }
  }
}

/** After its greeting a message is sent on to all others as it is, and its sender gets a nod. */
class Relay implements Speech {
  readonly first = 0
  readonly echoes = false
  readonly #document: string
  readonly #src = crypto.randomUUID().replaceAll('-', '')
  #seq = 0

  constructor(document: string) {
    this.#document = document
  }

  greeting() {
    return [this.#document]
  }

  understand(bytes: Buffer): Heard {
    const text = bytes.toString()
    if (text === this.#document) return { kind: 'ready' }
    return text === 'ok' ? { kind: 'taken' } : { kind: 'edits', names: [text] }
  }

  edit(edit: Splice, place: number) {
    const frame = { c: COLLECTION, v: place, src: this.#src, seq: ++this.#seq, op: textOp(edit) }
    const message = JSON.stringify(frame)
    return { message, name: message }
  }
}

/** Kinds of Hocuspocus' messages. */
const kinds = { sync: 0, auth: 2, syncReply: 4, status: 8 } as const
/** What a sync message holds. */
const steps = { have: 0, missing: 1, update: 2 } as const
const auth = { token: 0, denied: 1 } as const

/**
 * Hocuspocus' protocol. An edit of Yjs stands between items that its writer knows, so a connection takes the document as it
 * opens; what the others write arrives and is left aside. A message may hold what several have written.
 */
class Hocuspocus implements Speech {
  readonly first = 0
  readonly echoes = true
  readonly #document: Buffer
  readonly #loaded: Uint8Array[] = []
  #doc: Y.Doc | null = null
  #update: Uint8Array = Buffer.of()
  /** Made ahead. */
  readonly #made: Made[] = []

  constructor(document: string) {
    this.#document = sized(Buffer.from(document))
  }

  greeting() {
    return [
      this.#message([kinds.auth, auth.token], sized(Buffer.of())),
      this.#message([kinds.sync, steps.have], sized(Buffer.of(0))),
    ]
  }

  understand(bytes: Buffer): Heard {
    const read = new FrameReader(bytes)
    read.sized()
    const kind = read.number()
    if (kind === kinds.status) return { kind: read.number() === 1 ? 'taken' : 'nothing' }
    if (kind === kinds.auth && read.number() === auth.denied)
      return { kind: 'refused', why: 'it is not let in' }
    if (kind !== kinds.sync && kind !== kinds.syncReply) return nothing
    const step = read.number()
    if (step === steps.update) return { kind: 'edits', names: namesIn(read.sized()) }
    if (step !== steps.missing) return nothing
    // Only who writes needs it.
    this.#loaded.push(Buffer.from(read.sized()))
    return { kind: 'ready' }
  }

  /** It is the server that is measured, and Yjs looks longer for the place of an edit than the server takes to pass it on. */
  prepare(edits: readonly Splice[]) {
    for (const edit of edits.slice(this.#made.length)) this.#made.push(this.#make(edit))
  }

  edit(edit: Splice) {
    return this.#made.shift() ?? this.#make(edit)
  }

  #make(edit: Splice): Made {
    const doc = this.#writing()
    doc.transact(() => spliceShared(doc.getText(), edit))
    const [name] = namesIn(this.#update)
    return { message: this.#message([kinds.sync, steps.update], sized(this.#update)), name: name! }
  }

  #writing(): Y.Doc {
    if (this.#doc) return this.#doc
    this.#doc = new Y.Doc()
    for (const update of this.#loaded) Y.applyUpdate(this.#doc, update)
    this.#doc.on('update', update => {
      this.#update = update
    })
    return this.#doc
  }

  #message(...parts: (Uint8Array | readonly number[])[]): Buffer {
    return Buffer.concat([this.#document, ...parts.map(part => Buffer.from(part))])
  }
}

/** Every character that was ever typed has a name of its own. */
function namesIn(update: Uint8Array): string[] {
  return Y.decodeUpdate(update).structs.flatMap(({ id, length, ...struct }) => {
    const letters = String((struct as { content?: { str?: string } }).content?.str ?? '')
    return Array.from({ length }, (_, i) => `${id.client} ${id.clock + i} ${letters[i]}`)
  })
}
