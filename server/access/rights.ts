/** What one principal may do, as far as its policy was asked: answers stand until they are reviewed. */

import type { DocKey } from '../../ops/identity.ts'
import type { Clock } from '../clock.ts'
import type { Report } from '../report.ts'
import type { Access, Action, Principal } from './access.ts'
import { failed, inTime } from './patience.ts'

/** Answers of one principal in one session; one that was forgotten is asked again. */
const REMEMBERED = 10_000

export class Rights {
  /** Another token of the same principal may say more or less. */
  principal: Principal
  /** Srcs that are known to be its own. */
  readonly srcs = new Set<string>()
  readonly #access: Access
  readonly #report: Report
  readonly #clock: Clock
  readonly #answers = new Map<string, boolean | Promise<boolean>>()

  constructor(
    { access, report, clock }: { access: Access; report: Report; clock: Clock },
    principal: Principal,
  ) {
    this.#access = access
    this.principal = principal
    this.#report = report
    this.#clock = clock
  }

  /**
   * At once where the answer is known or the policy has it at hand. `doc` null: every document of the collection. Rejects with
   * `ACCESS_UNAVAILABLE`.
   */
  may(action: Action, collection: string, doc: string | null): boolean | Promise<boolean> {
    const read = this.#answer('read', collection, doc)
    if (action === 'read' || read === false) return read
    const more = this.#answer(action, collection, doc)
    if (read === true || more === false) return more
    return Promise.all([read, more]).then(all => all.every(Boolean))
  }

  /** Whether it may read a document, as far as is known. */
  isReader({ collection, id }: DocKey): boolean {
    return this.#answers.get(textOf('read', collection, id)) === true
  }

  /**
   * Asks again about `docs`, whose answers stand meanwhile, and forgets all others. Answers those that it may not read; rejects
   * with `ACCESS_UNAVAILABLE`.
   */
  async review(docs: readonly DocKey[]): Promise<DocKey[]> {
    const former = new Map(this.#answers)
    this.#answers.clear()
    for (const { collection, id } of docs) {
      const text = textOf('read', collection, id)
      const answer = former.get(text)
      if (answer !== undefined) this.#answers.set(text, answer)
    }
    const readable = await Promise.all(docs.map(({ collection, id }) => this.#ask('read', collection, id)))
    for (const [i, { collection, id }] of docs.entries())
      this.#remember(textOf('read', collection, id), readable[i]!)
    return docs.filter((_, i) => !readable[i])
  }

  #answer(action: Action, collection: string, doc: string | null): boolean | Promise<boolean> {
    const text = textOf(action, collection, doc)
    const known = this.#answers.get(text)
    if (known !== undefined) return known
    const answer = this.#ask(action, collection, doc)
    this.#remember(text, answer)
    if (typeof answer !== 'boolean')
      answer.then(
        may => {
          if (this.#answers.get(text) === answer) this.#answers.set(text, may)
        },
        () => {
          if (this.#answers.get(text) === answer) this.#answers.delete(text)
        },
      )
    return answer
  }

  /** Whatever is not `true` is no. */
  #ask(action: Action, collection: string, doc: string | null): boolean | Promise<boolean> {
    try {
      const answer = this.#access.access(this.principal, action, collection, doc)
      if (!(answer instanceof Promise)) return answer === true
      return inTime(this.#clock, this.#report, answer).then(may => may === true)
    } catch (error) {
      return Promise.reject(failed(this.#report, error))
    }
  }

  #remember(text: string, answer: boolean | Promise<boolean>): void {
    this.#answers.delete(text)
    this.#answers.set(text, answer)
    if (this.#answers.size > REMEMBERED) this.#answers.delete(this.#answers.keys().next().value!)
  }
}

const textOf = (action: Action, collection: string, doc: string | null): string =>
  JSON.stringify([action, collection, doc])

/** Whether any of these documents may be read. */
export function mayReadAny(rights: Rights, docs: readonly DocKey[]): boolean | Promise<boolean> {
  const answers = docs.map(({ collection, id }) => rights.may('read', collection, id))
  if (answers.includes(true)) return true
  return answers.every(answer => answer === false)
    ? false
    : Promise.all(answers).then(all => all.includes(true))
}
