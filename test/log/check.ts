/** Assertions of the log contract. It runs in a browser page as well as in Node, so it cannot use node:assert. */

import type { Log, Stored } from '../../client/log/log.ts'
import type { ErrorCode } from '../../ops/errors.ts'
import type { DocKey } from '../../ops/identity.ts'

export interface Rule {
  readonly title: string
  run(home: Home): Promise<void>
}

/** An empty storage of a rule's own; opening a second log on it is what a reload does. */
export interface Home {
  open(): Promise<Log>
  /** The storage as it is: a line of text for each record. */
  raw(): Promise<readonly string[]>
  /** Removes one event's record behind the log's back, as a damaged database would. */
  lose(key: DocKey, n: number): Promise<void>
  /** Flips a bit in the record of event `n`, or else of the checkpoint at `n`. */
  corrupt(key: DocKey, n: number): Promise<void>
  /** Removes the record of the document's bulk, or flips a bit in it. */
  harmBulk(key: DocKey, how: 'lose' | 'flip'): Promise<void>
  /** Exchanges the records of the events `n` of the one and `m` of the other. */
  swap(one: DocKey, n: number, other: DocKey, m: number): Promise<void>
  /** Takes the storage away from under the logs that are open on it. */
  evict(): Promise<void>
}

/** Throws unless the two are equal as JSON (records hold JSON values only). */
export function equal(actual: unknown, expected: unknown): void {
  const [got, wanted] = [actual, expected].map(value => JSON.stringify(value))
  if (got !== wanted) throw new Error(`expected ${wanted}, got ${got}`)
}

/** Throws unless `promise` rejects with `code`; answers with the error's message. */
export async function fails(promise: Promise<unknown>, code: ErrorCode = 'LOG_FAILED'): Promise<string> {
  const reason = await promise.then(
    () => null,
    error => error,
  )
  if (reason === null) throw new Error(`expected ${code}, but it went well`)
  if (reason.code !== code) throw new Error(`expected ${code}, got ${reason.code ?? reason}`)
  return reason.message
}

/** Throws unless `text` says what `words` look for. */
export function says(text: string, words: RegExp): void {
  if (!words.test(text)) throw new Error(`expected ${words} in "${text}"`)
}

/** What is stored of a document, whatever it weighs. */
export async function load(log: Log, key: DocKey): Promise<Omit<Stored, 'bytes'>> {
  const { checkpoint, events } = await log.load(key)
  return { checkpoint, events }
}

/** Runs `task` on a log and closes it. */
export async function within<T>(opening: Promise<Log>, task: (log: Log) => Promise<T>): Promise<T> {
  const log = await opening
  try {
    return await task(log)
  } finally {
    await log.close()
  }
}
