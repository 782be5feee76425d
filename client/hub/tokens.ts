/** The app's token, got through whichever tab answers first: the hub may live where the app's functions cannot. */

import type { FromHub, FromTab } from './messages.ts'

interface Speaker {
  post(message: FromHub): void
}

interface Wish {
  readonly resolve: (token: string | null) => void
  readonly reject: (reason: Error) => void
}

export class Tokens {
  readonly #wishes = new Map<number, Wish>()
  #count = 0

  /** Asks all tabs; one that comes later is asked as well. How long to wait is up to the link. */
  ask(tabs: readonly Speaker[]): Promise<string | null> {
    const id = ++this.#count
    for (const tab of tabs) tab.post({ t: 'token', id })
    return new Promise((resolve, reject) => this.#wishes.set(id, { resolve, reject }))
  }

  met(tab: Speaker): void {
    for (const id of this.#wishes.keys()) tab.post({ t: 'token', id })
  }

  told({ id, token, error }: FromTab & { t: 'token' }): void {
    const wish = this.#wishes.get(id)
    this.#wishes.delete(id)
    if (error === undefined) wish?.resolve(token)
    else wish?.reject(new Error(error))
  }
}
