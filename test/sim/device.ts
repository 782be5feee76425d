/** One device of the simulation: a real client over a memory log that survives the client's death. */

import type { Client, Doc } from '../../client/api.ts'
import { connect } from '../../client/index.ts'
import type { Log } from '../../client/log/log.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import type { TypeName } from '../../types/type.ts'
import type { Random } from '../random.ts'
import type { Bug } from './bugs.ts'
import type { VirtualClock } from './clock.ts'
import { change, insertion, tokensOf } from './edits.ts'
import type { Ledger } from './ledger.ts'
import type { Network } from './network.ts'

export interface Surroundings {
  readonly clock: VirtualClock
  readonly network: Network
  readonly ledger: Ledger
  readonly type: TypeName
  readonly bug: Bug | null
}

export const COLLECTION = 'sim'
export const ID = 'doc'

interface Run {
  readonly client: Client
  readonly crash: () => void
  doc: Doc | null
  /** The tokens in the document as it was told last. */
  shown: number[]
  /** Undos and redos of which it was not told yet what became of them. */
  asked: number
}

export class Device {
  readonly name: string
  readonly #storage = memoryStorage()
  readonly #around: Surroundings
  readonly #random: Random
  #run: Run | null = null

  constructor(name: string, around: Surroundings, random: Random) {
    this.name = name
    this.#around = around
    this.#random = random
  }

  /** The open document; null while the device is off or still opening it. */
  get doc(): Doc | null {
    return this.#run?.doc ?? null
  }

  get on(): boolean {
    return this.#run !== null
  }

  start(): void {
    const { clock, network, bug, type } = this.#around
    let alive = true
    const random = this.#random.fork()
    const own = clock.of(random, () => alive)
    const memory = memoryLog({
      storage: this.#storage,
      complete: commit => own.after(0.5 + random.next() * (random.chance(0.1) ? 200 : 10), commit),
    })
    const log: Log = bug?.log?.(memory) ?? memory
    const dial = network.dialFor(this.name)
    const client = connect({
      server: 'ws://server',
      log,
      dial: bug?.dial?.(dial) ?? dial,
      clock: own,
      randomBytes: bytes => bytes.set(bytes.map(() => random.int(256))),
    })
    const crash = () => {
      alive = false
      memory.crash()
      network.abandon(this.name)
    }
    const run: Run = { client, crash, doc: null, shown: [], asked: 0 }
    this.#run = run
    void client.open(COLLECTION, ID, type).then(doc => {
      run.doc = doc
      run.shown = tokensOf(doc.data)
      doc.on('change', ({ undone }) => {
        const shown = tokensOf(doc.data)
        if (undone) this.#undone(run.shown, shown)
        run.shown = shown
      })
    }, gone)
  }

  /** The process dies: writes that are not durable are lost, timers and sockets with it. */
  crash(): void {
    this.#leaveUndone()
    this.#run?.crash()
    this.#run = null
  }

  /** The page is closed in order. */
  async close(): Promise<void> {
    const run = this.#run
    this.#leaveUndone()
    this.#run = null
    if (!run) return
    const closed = run.client.close()
    // What is still being written needs the clock: the page lingers until then.
    await Promise.race([closed, new Promise<void>(resolve => this.#around.clock.after(1000, resolve))])
    run.crash()
  }

  insert(): void {
    const { doc } = this
    if (!doc) return
    const { ledger, type } = this.#around
    const token = ledger.write(this.name)
    doc.edit(insertion(type, doc, token, this.#random))
    void doc.saved.then(
      () => ledger.saved(token),
      reason => ledger.faults.push(`${this.name}: ${reason}`),
    )
    void doc.settled.then(
      () => this.#heldTokens(doc).includes(token) || ledger.acked(token),
      () => {},
    )
  }

  /** `keeps`: takes nothing away. */
  change(keeps: boolean): void {
    const { doc } = this
    if (!doc) return
    const { ledger, type } = this.#around
    const made = change(type, doc, token => !keeps && ledger.isAcked(token), this.#random)
    if (!made) return
    if (made.deleted !== null) ledger.deleted(made.deleted)
    doc.edit(made.op)
  }

  /** Undoes or redoes; whether there was anything to. Only what was written here may come or go. */
  goBack(): boolean {
    const run = this.#run
    if (!run?.doc) return false
    const way = this.#random.chance(0.6) ? 'undo' : 'redo'
    const { canUndo, canRedo } = run.doc.truth
    run.asked++
    run.doc[way]().then(
      () => run.asked--,
      () => {},
    )
    return way === 'undo' ? canUndo : canRedo
  }

  #undone(was: readonly number[], is: readonly number[]): void {
    const { ledger } = this.#around
    const gone = was.filter(token => !is.includes(token))
    for (const token of [...gone, ...is.filter(token => !was.includes(token))]) {
      ledger.undone(token)
      if (ledger.entries[token]!.device !== this.name)
        ledger.faults.push(`${this.name} has undone a token of ${ledger.entries[token]!.device}`)
    }
  }

  /** An undo may have been saved and not told: any token of this device may have gone. */
  #leaveUndone(): void {
    if (!this.#run || this.#run.asked === 0) return
    this.#around.ledger.entries.forEach(({ device }, token) => {
      if (device === this.name) this.#around.ledger.undone(token)
    })
  }

  delete(): void {
    if (!this.doc?.truth.exists) return
    this.#around.ledger.deletedAll()
    this.doc.delete()
  }

  /** The tokens in the held edits that a person could see here. */
  held(): number[] {
    return this.doc ? this.#heldTokens(this.doc) : []
  }

  #heldTokens(doc: Doc): number[] {
    return doc.held.flatMap(held => tokensOf(held.original))
  }
}

/** The client was closed before the document was open. */
const gone = (error: { code: string }) => {
  if (error.code !== 'CLIENT_CLOSED') throw error
}
