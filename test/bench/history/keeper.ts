/**
 * A process that keeps a history in its system's own way: one feeds it, others open what it left and are asked.
 *
 *   feed -> files, one directory for each system        open -> version, version, ... -> delta, delta, ...
 *
 * A version is named by its number of edits: 0 is the document as it was created, empty.
 */

import type { Splice, TextOp } from '../../traces/splice.ts'

/** The version of a document that was created and not edited, for those that count creating as one. */
export const CREATED = 1

export interface Range {
  readonly from: number
  /** Not less than `from`. */
  readonly to: number
}

export interface Feed {
  /** The systems that are to be fed, each with its own directory, which exists and is empty. */
  readonly directories: Readonly<Record<string, string>>
  /** Each is to be a version of its own. */
  readonly edits: readonly Splice[]
  /** After how many edits a system that cannot show every version notes one that it can. */
  readonly every: number
  readonly rungs?: readonly number[]
}

export interface Stored {
  readonly directory: string
  readonly rungs?: readonly number[]
}

export interface Timed<T> {
  /** What it took in the process, without the way to whoever asked. */
  readonly ms: number
  readonly value: T
}

/** The content of the document when it was opened; `startMs` is what making its database ready took before that. */
export interface Opened extends Timed<string> {
  readonly startMs: number
}

export type KeeperCalls = {
  /** Answers what there is to say about the sizes of the parts. */
  feed(feed: Feed): Promise<readonly string[]>
  open(stored: Stored): Promise<Opened>
  version(edits: number): Promise<Timed<string>>
  delta(range: Range): Promise<Timed<TextOp>>
}

export async function timed<T>(work: () => T | Promise<T>): Promise<Timed<T>> {
  const since = performance.now()
  const value = await work()
  return { ms: performance.now() - since, value }
}

/** `text`, looked through once: the engine may keep a string in pieces until somebody reads it, which costs, too. */
export function whole(text: string): string {
  if (text.includes('\0')) throw new Error('the text holds a character that nobody typed')
  return text
}

export const bytes = (count: number): string => `${count.toLocaleString('en')} bytes`
