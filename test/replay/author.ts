/** One of the people of a replay: a real client behind a line that is cut whenever its author is offline. */

import { type Client, connect, type Doc, memoryLog } from '../../client/index.ts'
import { Line, type Traffic } from '../bench/line.ts'
import { type HistoryEdit, placeFor, placeOf, signOf } from '../traces/history.ts'
import { type TextOp, textOp } from '../traces/splice.ts'

/** The longest that coming back may take until all is synced, in ms. */
const RETURN_MS = 30_000

export interface Address {
  readonly collection: string
  readonly id: string
}

export class Author {
  readonly name: string
  readonly #line: Line
  readonly #client: Client
  readonly #doc: Doc<string, TextOp>

  private constructor(name: string, line: Line, client: Client, doc: Doc<string, TextOp>) {
    this.name = name
    this.#line = line
    this.#client = client
    this.#doc = doc
  }

  /** Opens the document at the server, then goes offline. */
  static async join(name: string, server: string, { collection, id }: Address): Promise<Author> {
    const line = new Line()
    const client = connect({ server, log: memoryLog(), dial: line.dial })
    const doc = await client.open<string, TextOp>(collection, id, 'text')
    const author = new Author(name, line, client, doc)
    await author.#synced()
    author.leave()
    return author
  }

  get document(): string {
    return this.#doc.data
  }

  get held(): number {
    return this.#doc.truth.held
  }

  /** Types a recorded edit wherever its characters stand now. Throws when one that it deletes is not there. */
  type({ inserted, deleted }: HistoryEdit): void {
    for (const rank of deleted) {
      const at = placeOf(this.document, rank)
      if (at === null)
        throw new Error(`${this.name} is to delete rank ${rank}, which its document does not have`)
      this.#doc.edit(textOp({ at, deleted: 1, inserted: '' }))
    }
    for (const rank of inserted) {
      this.#doc.edit(textOp({ at: placeFor(this.document, rank), deleted: 0, inserted: signOf(rank) }))
    }
  }

  /** Comes online and stays until the server has all of this author's edits, and this author all of the server's. */
  async comeBack(): Promise<void> {
    this.#line.mend()
    this.#client.reconnect()
    await this.#synced()
    await this.#doc.settled
  }

  leave(): void {
    this.#line.cut()
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  /** What went over this author's line, greetings included. */
  takeTraffic(): Traffic {
    return this.#line.takeTraffic()
  }

  #synced(): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => {
        stop()
        reject(
          new Error(`${this.name} was not synced after ${RETURN_MS} ms: ${JSON.stringify(this.#doc.truth)}`),
        )
      }
      const timer = setTimeout(late, RETURN_MS)
      const look = () => {
        if (this.#doc.status !== 'synced') return
        clearTimeout(timer)
        stop()
        resolve()
      }
      const stop = this.#doc.on('truth', look)
      look()
    })
  }
}
