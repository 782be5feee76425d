/** The first thing in which a database differs from what its op log says. */

import { HoldfastError } from '../../../ops/errors.ts'
import type { DocKey } from '../../../ops/identity.ts'

/** What was looked at when it was found. */
export type Subject =
  | 'epoch'
  | 'change'
  | 'row'
  | 'head'
  | 'version'
  | 'hash'
  | 'pack'
  | 'ledger'
  | 'turn'
  | 'content'
  | 'snapshot'
  | 'milestone'
  | 'rung'
  | 'mark'
  | 'credits'

export interface Difference {
  readonly subject: Subject
  /** The version where it shows; null where there is none. */
  readonly v: number | null
  /** What is wrong, for an operator; holds no content. */
  readonly says: string
  /** Null where it is of no one document. */
  readonly key: DocKey | null
}

/** Carries a difference from where it is found to who asked: `verifyStore` answers it as a value. */
export class Differs extends HoldfastError {
  readonly difference: Difference

  constructor(difference: Difference) {
    super('STORE_CORRUPT', textOf(difference))
    this.difference = difference
  }
}

/** Throws the difference; who knows the document adds its key (`about`). */
export function differ(subject: Subject, v: number | null, says: string): never {
  throw new Differs({ subject, v, says, key: null })
}

/** Throws the difference unless `holds`. */
export function expect(holds: boolean, subject: Subject, v: number | null, says: string): asserts holds {
  if (!holds) differ(subject, v, says)
}

/** What `read` makes of something stored, which may be anything: what it throws is a difference. */
export function readable<T>(subject: Subject, v: number | null, what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof Differs) throw error
    return differ(subject, v, `${what} cannot be read: ${(error as Error).message}`)
  }
}

/** Runs `work` on one document; a difference in it gets the document's key, but for a row that is nobody's. */
export async function about<T>(key: DocKey, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Differs && error.difference.subject !== 'row')
      throw new Differs({ ...error.difference, key })
    throw error
  }
}

function textOf({ subject, v, says, key }: Difference): string {
  const where = key
    ? `Document ${JSON.stringify(key.id)} of ${JSON.stringify(key.collection)}`
    : 'The database'
  return `${where}, ${subject}${v === null ? '' : ` at version ${v}`}: ${says}`
}
