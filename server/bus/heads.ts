/** Where documents stand, asked of the store in few questions. */

import type { DocKey } from '../../ops/identity.ts'
import type { Store } from '../store/store.ts'

/** Documents in one question. */
const BATCH = 1000

interface Waiting {
  readonly key: DocKey
  readonly resolve: (head: number) => void
  readonly reject: (error: unknown) => void
}

export class Heads {
  readonly #store: Pick<Store, 'heads'>
  #waiting: Waiting[] = []

  constructor(store: Pick<Store, 'heads'>) {
    this.#store = store
  }

  /** Asked together with the others of the same turn of the event loop: a client opens many documents at once. */
  of(key: DocKey): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ key, resolve, reject }) === 1) setImmediate(() => this.#ask())
    })
  }

  #ask(): void {
    const waiting = this.#waiting
    this.#waiting = []
    const refuse = (error: unknown) => {
      for (const { reject } of waiting) reject(error)
    }
    this.each(waiting, ({ resolve }, head) => resolve(head)).catch(refuse)
  }

  async each<T extends { readonly key: DocKey }>(all: readonly T[], tell: (one: T, head: number) => void) {
    for (let from = 0; from < all.length; from += BATCH) {
      const batch = all.slice(from, from + BATCH)
      const heads = await this.#store.heads(batch.map(({ key }) => key))
      batch.forEach((one, i) => void tell(one, heads[i]!))
    }
  }
}
