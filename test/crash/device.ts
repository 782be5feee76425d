/** One person with the real client, in Node: types tokens into documents, and writes down what was promised for each. */

import type { Client, Doc } from '../../client/api.ts'
import { connect } from '../../client/client.ts'
import type { Dial } from '../../client/link/link.ts'
import { dialWebSocket } from '../../client/link/websocket.ts'
import { memoryLog } from '../../client/log/memory.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import type { Standing } from '../chaos/checker.ts'
import type { Ledger } from '../chaos/ledger.ts'
import type { Random } from '../random.ts'
import { insertion, tokensOf } from '../sim/edits.ts'

export const COLLECTION = 'crash'

/** Somebody who waits less than a person would: the faults of a test last no minutes. */
const timings = {
  connectMs: 1500,
  replyMs: 1500,
  replyMinMs: 500,
  workMs: 500,
  heartbeatMs: 1500,
  backoffBaseMs: 50,
  backoffMaxMs: 500,
  restartMs: 300,
  probeMs: 500,
}
/** Between two edits of one device. */
const TYPING_MS = 20
/** Edits that wait to be sent, from which on nobody types: a fault that lasts shall not end in a flood. */
const ENOUGH = 40

export interface DeviceParts {
  readonly name: string
  readonly port: number
  readonly token: () => Promise<string>
  readonly ledger: Ledger
  readonly random: Random
}

interface Frame {
  readonly a?: string
  readonly src?: string
  readonly seq?: number
  readonly error?: { readonly code: string }
  readonly submit?: { readonly src: string; readonly seq: number }
}

export class Device {
  readonly name: string
  /** Codes of what people were told: errors, and why edits were held. */
  readonly told = new Set<string>()
  /** All tokens that came to this device. */
  readonly heard = new Set<number>()
  readonly #parts: DeviceParts
  readonly #client: Client
  readonly #docs: Doc[] = []
  /** Tokens by the name of the op that carries them. */
  readonly #sent = new Map<string, number[]>()
  #typing: NodeJS.Timeout | undefined

  constructor(parts: DeviceParts) {
    this.name = parts.name
    this.#parts = parts
    this.#client = connect({
      server: `http://127.0.0.1:${parts.port}`,
      log: memoryLog(),
      token: parts.token,
      dial: this.#dial,
      timings,
    })
  }

  async open(id: string, type: TypeName): Promise<Doc> {
    const doc = await this.#client.open(COLLECTION, id, type)
    doc.on('truth', ({ error }) => {
      if (error) this.told.add(error.code)
      for (const { reason } of doc.held) this.told.add(`${reason.code}, and holds an edit`)
    })
    this.#docs.push(doc)
    return doc
  }

  /** Tries to read what she may not; resolves when she is told so, and goes on trying whenever she is connected anew. */
  async pry(id: string, type: TypeName): Promise<void> {
    const doc = await this.#client.open(COLLECTION, id, type)
    await new Promise<void>(resolve => {
      const look = () => doc.truth.error?.code === 'FORBIDDEN' && resolve()
      doc.on('truth', look)
      look()
    })
  }

  /** Types on and on, until it is told to stop. */
  type(): void {
    this.#typing = setInterval(() => {
      const doc = this.#parts.random.pick(this.#docs)
      if (doc.unsent < ENOUGH) this.write(doc)
    }, TYPING_MS)
  }

  stop(): void {
    clearInterval(this.#typing)
  }

  write(doc: Doc): void {
    const { ledger, random } = this.#parts
    const tokens = ledger.write(this.by(doc), this.name, 1)
    doc.edit(insertion(doc.type, doc, tokens[0]!, random) as never)
    void doc.saved.then(() => ledger.note('saved', tokens))
  }

  /** Where tokens of this device come from in a document. */
  by({ id }: Pick<Doc, 'id'>): string {
    return `${this.name} ${id}`
  }

  /** Resolves when the server has everything. */
  async settled(): Promise<void> {
    await Promise.all(this.#docs.map(doc => doc.settled))
  }

  /** Resolves when it shows this, and no error. */
  shows(id: string, data: unknown): Promise<void> {
    const doc = this.#doc(id)
    return new Promise(resolve => {
      const look = () => {
        if (doc.truth.status !== 'synced' || doc.truth.error || !typeOf(doc.type).equalDocs(doc.data, data))
          return
        for (const stop of stops) stop()
        resolve()
      }
      const stops = [doc.on('change', look), doc.on('truth', look)]
      look()
    })
  }

  standing(id: string): Standing {
    const { truth, data, held } = this.#doc(id)
    return {
      name: this.name,
      exists: truth.exists,
      data,
      held: held.flatMap(({ original }) => tokensOf(original)),
    }
  }

  #doc(id: string): Doc {
    return this.#docs.find(each => each.id === id)!
  }

  async close(): Promise<void> {
    this.stop()
    await this.#client.close()
  }

  // ---- on the wire ----

  #dial: Dial = (url, events) => {
    const socket = dialWebSocket(url, {
      ...events,
      text: text => {
        for (const frame of framesOf(text)) this.#hears(frame)
        events.text(text)
      },
    })
    return {
      send: text => {
        for (const frame of framesOf(text)) this.#says(frame)
        socket.send(text)
      },
      close: (code, reason) => socket.close(code, reason),
    }
  }

  #says(frame: Frame): void {
    const carried = frame.a === 'op' ? frame : frame.submit
    if (carried) this.#sent.set(`${carried.src}:${carried.seq}`, tokensOf(carried))
  }

  #hears(frame: Frame): void {
    for (const token of tokensOf(frame)) this.heard.add(token)
    if (frame.a === 'op' && !frame.error && isAck(frame))
      this.#parts.ledger.note('acked', this.#sent.get(`${frame.src}:${frame.seq}`) ?? [])
  }
}

const framesOf = (text: string): Frame[] => [JSON.parse(text)].flat()

const isAck = (frame: object): boolean => !('op' in frame || 'create' in frame || 'del' in frame)
