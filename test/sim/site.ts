/** The server's side of the simulation: the real gateway, backend and store on a file, killed and started again. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ErrorCode, HoldfastError } from '../../ops/errors.ts'
import { type DocKey, keyText } from '../../ops/identity.ts'
import { type Gateway, openGateway } from '../../server/gateway/gateway.ts'
import { openSession, type Session, type Socket } from '../../server/gateway/session.ts'
import { readSettings } from '../../server/settings.ts'
import type { SharedbOp } from '../../server/sharedb.ts'
import { copy, restore } from '../../server/store/backup.ts'
import { openSqliteEngine } from '../../server/store/sqlite/engine.ts'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import type { Store, StoredOp } from '../../server/store/store.ts'

export interface SiteOptions {
  /** Bytes of the largest document. */
  readonly documentBytes?: number
  /** Why an edit is refused that is not in the log yet; null: it is not. */
  readonly refusal?: (op: SharedbOp) => ErrorCode | null
}

interface Backup {
  readonly file: string
  readonly archive: ReadonlyMap<string, readonly StoredOp[]>
}

export class Site {
  readonly reports: string[] = []
  readonly #options: SiteOptions
  readonly #directory = mkdtempSync(join(tmpdir(), 'holdfast-sim-'))
  /** Stores of killed servers; nobody writes to them any more. */
  readonly #former: Store[] = []
  #gateway: Gateway | null = null
  /** Per document: ops that were trimmed, and those that stood behind them then. */
  #archive = new Map<string, StoredOp[]>()
  /** When each version of each document was committed, in the order of all: `document version`. */
  readonly committed = new Map<string, number>()
  #files = 0
  #backup: Backup | null = null
  /** Something came in since the last `quiet`. */
  #touched = true

  constructor(options: SiteOptions = {}) {
    this.#options = options
  }

  /** With packs and rungs so small that a short history has some. */
  start(): void {
    const store = openSqliteStore({ path: this.path, durability: 'normal', rungSizes: [4, 16], packOps: 8 })
    const report = (what: string, error?: unknown) => this.reports.push(`${what} ${String(error ?? '')}`)
    const { documentBytes, refusal } = this.#options
    const settings = readSettings(documentBytes ? { HOLDFAST_DOCUMENT_BYTES: String(documentBytes) } : {})
    this.#gateway = openGateway({ store, settings, report })
    this.#gateway.backend.share.use('submit', ({ op }, next) => {
      const code = refusal?.(op)
      next(code ? new HoldfastError(code) : undefined)
    })
    this.#gateway.backend.share.use('afterWrite', ({ id, op }, next) => {
      this.committed.set(`${id} ${op.v}`, this.committed.size)
      next()
    })
    this.#touched = true
  }

  /** The process dies: its sockets end without a word, its caches are gone, what it committed stays. */
  kill(): void {
    if (!this.#gateway) return
    this.#former.push(this.#gateway.store)
    for (const session of [...this.#gateway.sessions]) session.closed()
    this.#gateway = null
  }

  get path(): string {
    return join(this.#directory, `store${this.#files}.sqlite`)
  }

  /** As `holdfast backup` does, while the server runs. */
  async backUp(): Promise<void> {
    await this.quiet()
    const file = join(this.#directory, `backup${this.#files}.sqlite`)
    rmSync(file, { force: true })
    await copy(this.path, file)
    this.#backup = { file, archive: new Map([...this.#archive].map(([at, ops]) => [at, [...ops]])) }
  }

  /** As `holdfast restore` does, in place of a server that was killed; false without a backup. */
  async restore(): Promise<boolean> {
    const backup = this.#backup
    if (!backup) return false
    this.#backup = null
    this.#files++
    this.#archive = new Map([...backup.archive].map(([at, ops]) => [at, [...ops]]))
    const engine = openSqliteEngine({ path: this.path, durability: 'normal' })
    await restore(backup.file, engine)
    await engine.close()
    return true
  }

  /** Every op of the document, trimmed or not. */
  async ops(key: DocKey): Promise<StoredOp[]> {
    const archive = this.#archive.get(keyText(key)) ?? []
    return [...archive, ...(await this.store.ops(key, archive.length, null))]
  }

  /** Forgets the history of these documents, as far as that goes; answers whether there was any. */
  async trim(keys: readonly DocKey[]): Promise<boolean> {
    if (!this.#gateway) return false
    // Nothing may be committed between the two.
    await this.quiet()
    for (const key of keys) this.#archive.set(keyText(key), await this.ops(key))
    return (await this.store.trim(Date.now() + 1)).ops > 0
  }

  get store(): Store {
    if (!this.#gateway) throw new Error('the server is down')
    return this.#gateway.store
  }

  get up(): boolean {
    return this.#gateway !== null
  }

  readonly accept = (socket: Socket): Pick<Session, 'receive' | 'closed'> | null => {
    if (!this.#gateway) return null
    const session = openSession(this.#gateway, socket)
    this.#touched = true
    return {
      receive: text => {
        this.#touched = true
        session.receive(text)
      },
      closed: () => {
        this.#touched = true
        session.closed()
      },
    }
  }

  /** Lets everything that was begun come to its end; the server waits for nothing but its own turns. */
  async quiet(): Promise<void> {
    await turn()
    if (!this.#touched) return
    this.#touched = false
    await this.#gateway?.backend.idle()
    await turn()
    await turn()
  }

  async end(): Promise<void> {
    this.kill()
    for (const store of this.#former) await store.close()
    rmSync(this.#directory, { recursive: true })
  }
}

export const turn = () => new Promise<void>(resolve => setImmediate(resolve))
