/** What the app's own functions say, through whichever tab answers first: the hub may live where they cannot. */

import type { FromHub, FromTab, Wish } from './messages.ts'

interface Speaker {
  post(message: FromHub): void
}

interface Asked {
  readonly wish: Wish
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: Error) => void
}

export class App {
  readonly #asked = new Map<number, Asked>()
  #count = 0

  /** Asks all tabs; one that comes later is asked as well. How long to wait is up to the caller. */
  ask(tabs: readonly Speaker[], wish: Wish): Promise<unknown> {
    const id = ++this.#count
    for (const tab of tabs) tab.post({ t: 'app', id, wish })
    return new Promise((resolve, reject) => this.#asked.set(id, { wish, resolve, reject }))
  }

  met(tab: Speaker): void {
    for (const [id, { wish }] of this.#asked) tab.post({ t: 'app', id, wish })
  }

  told({ id, value, error }: FromTab & { t: 'app' }): void {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    if (error === undefined) asked?.resolve(value)
    else asked?.reject(new Error(error))
  }
}
