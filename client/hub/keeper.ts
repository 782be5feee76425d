/**
 * The documents that a person wants on this device whatever happens: they are never evicted, fetched when there is a
 * connection, and brought up to date whenever there is one again [Q11]. The wish is the `pinned` of the log's summaries;
 * a document that is wanted and not there yet is a summary without a type.
 */

import { type DocKey, keyText } from '../../ops/identity.ts'
import type { Log } from '../log/log.ts'
import type { Room } from './room.ts'

/** Documents that are fetched at a time: people come first. */
const AT_A_TIME = 2

export interface KeeperOptions {
  readonly log: Log
  /** Whether the server may be asked for what nobody looks at. */
  readonly mayFetch: () => boolean
  /** Has a room for a document for as long as `task` takes. */
  readonly visit: (key: DocKey, task: (room: Room) => Promise<void>) => Promise<void>
  /** Writes the summary of a document that has a room. */
  readonly summarize: (key: DocKey) => Promise<void>
}

export class Keeper {
  /** Resolves when it is known what is wanted. */
  readonly ready: Promise<void>
  readonly #options: KeeperOptions
  readonly #wanted = new Map<string, DocKey>()
  #due = new Map<string, DocKey>()
  #fetching = 0

  constructor(options: KeeperOptions) {
    this.#options = options
    this.ready = options.log.list().then(
      docs => {
        for (const { key, pinned } of docs) if (pinned) this.#wanted.set(keyText(key), key)
      },
      () => {}, // a log that cannot be read tells so where it is
    )
    void this.ready.then(() => this.fetch())
  }

  wants(key: DocKey): boolean {
    return this.#wanted.has(keyText(key))
  }

  /** Exactly these of the collection. Resolves when the wish is saved. */
  async keep(collection: string, ids: readonly string[]): Promise<void> {
    await this.ready
    const wanted = new Map(ids.map(id => [keyText({ collection, id }), { collection, id }]))
    const before = [...this.#wanted].filter(([, key]) => key.collection === collection)
    const changed = [
      ...before.filter(([at]) => !wanted.has(at)),
      ...[...wanted].filter(([at]) => !this.#wanted.has(at)),
    ].map(([, key]) => key)
    for (const [at] of before) this.#wanted.delete(at)
    for (const [at, key] of wanted) this.#wanted.set(at, key)
    const { visit, summarize } = this.#options
    for (const key of changed) await visit(key, () => summarize(key))
    this.fetch(changed)
  }

  /** There is a connection: all of them, or those named, are brought up to date in turn. */
  fetch(keys: Iterable<DocKey> = this.#wanted.values()): void {
    for (const key of keys) if (this.wants(key)) this.#due.set(keyText(key), key)
    while (this.#fetching < AT_A_TIME && this.#due.size > 0 && this.#options.mayFetch()) void this.#next()
  }

  async #next(): Promise<void> {
    const [at, key] = this.#due.entries().next().value!
    this.#due.delete(at)
    this.#fetching++
    try {
      await this.#options.visit(key, room => room.caught())
    } catch {
      // The client was closed meanwhile.
    }
    this.#fetching--
    this.fetch([])
  }
}
