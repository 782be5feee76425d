/** The server's side of the simulation: the real gateway, backend and store on a file, killed and started again. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DocKey } from '../../ops/identity.ts'
import { type Gateway, openGateway } from '../../server/gateway/gateway.ts'
import { openSession, type Session, type Socket } from '../../server/gateway/session.ts'
import { readSettings } from '../../server/settings.ts'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import type { Store, StoredOp } from '../../server/store/store.ts'

export class Site {
  readonly reports: string[] = []
  readonly #directory = mkdtempSync(join(tmpdir(), 'holdfast-sim-'))
  /** Stores of killed servers; nobody writes to them any more. */
  readonly #former: Store[] = []
  #gateway: Gateway | null = null
  /** Ops that were trimmed, and those that stood behind them then. */
  readonly #archive: StoredOp[] = []

  /** With packs and rungs so small that a short history has some. */
  start(): void {
    const store = openSqliteStore({ path: this.path, durability: 'normal', rungSizes: [4, 16], packOps: 8 })
    const report = (what: string, error?: unknown) => this.reports.push(`${what} ${String(error ?? '')}`)
    this.#gateway = openGateway({ store, settings: readSettings(), report })
  }

  /** The process dies: its sockets end without a word, its caches are gone, what it committed stays. */
  kill(): void {
    if (!this.#gateway) return
    this.#former.push(this.#gateway.store)
    for (const session of [...this.#gateway.sessions]) session.closed()
    this.#gateway = null
  }

  get path(): string {
    return join(this.#directory, 'store.sqlite')
  }

  /** Every op of the document, trimmed or not. */
  async ops(key: DocKey): Promise<StoredOp[]> {
    return [...this.#archive, ...(await this.store.ops(key, this.#archive.length, null))]
  }

  /** Forgets the history of the document, as far as that goes; answers whether there was any. */
  async trim(key: DocKey): Promise<boolean> {
    if (!this.#gateway) return false
    // Nothing may be committed between the two.
    await this.quiet()
    this.#archive.push(...(await this.store.ops(key, this.#archive.length, null)))
    return (await this.store.trim(Date.now() + 1)).ops > 0
  }

  get store(): Store {
    if (!this.#gateway) throw new Error('the server is down')
    return this.#gateway.store
  }

  readonly accept = (socket: Socket): Session | null =>
    this.#gateway ? openSession(this.#gateway, socket) : null

  /** Lets everything that the server has begun come to its end; it waits for nothing but its own turns. */
  async quiet(): Promise<void> {
    await turn()
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
