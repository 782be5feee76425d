/**
 * What each side must hold, computed from the recording alone: a document's characters follow from the edits that its
 * owner has heard of, whatever order they arrived in.
 */

import type { HistoryEdit } from '../traces/history.ts'

const ALIVE = 1
const DELETED = 2

/** The characters of one replica. */
export class Characters {
  /** By rank; 0 is a character not heard of. */
  readonly #states: Uint8Array
  #count = 0

  constructor(ranks: number) {
    this.#states = new Uint8Array(ranks)
  }

  /** How many are in the document. */
  get count(): number {
    return this.#count
  }

  take({ inserted, deleted }: HistoryEdit): void {
    for (const rank of inserted) this.#set(rank, ALIVE)
    for (const rank of deleted) this.#set(rank, DELETED)
  }

  /** The ranks in the document, ascending. */
  ranks(): number[] {
    return Array.from(this.#states.keys()).filter(rank => this.#states[rank] === ALIVE)
  }

  /** Deleted stays deleted. */
  #set(rank: number, state: typeof ALIVE | typeof DELETED): void {
    const before = this.#states[rank]!
    if (before >= state) return
    this.#count += (state === ALIVE ? 1 : 0) - (before === ALIVE ? 1 : 0)
    this.#states[rank] = state
  }
}

/** The edits that reached the server, and how far each author has heard of them. */
export class Exchange {
  readonly #published: HistoryEdit[] = []
  readonly #unsent: HistoryEdit[][]
  readonly #heard: number[]
  readonly #characters: Characters[]

  constructor(authors: number, ranks: number) {
    this.#unsent = Array.from({ length: authors }, () => [])
    this.#heard = Array.from({ length: authors }, () => 0)
    this.#characters = Array.from({ length: authors }, () => new Characters(ranks))
  }

  typed(edit: HistoryEdit): void {
    this.#unsent[edit.author]!.push(edit)
    this.#characters[edit.author]!.take(edit)
  }

  /** The author was online: the server has what the author had, and the other way round. */
  met(author: number): void {
    this.#published.push(...this.#unsent[author]!.splice(0))
    for (const edit of this.#published.slice(this.#heard[author])) this.#characters[author]!.take(edit)
    this.#heard[author] = this.#published.length
  }

  charactersOf(author: number): Characters {
    return this.#characters[author]!
  }
}
