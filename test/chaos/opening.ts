/** What a test and its page (page.ts) say to each other. */

import type { Truth } from '../../client/index.ts'
import type { TypeName } from '../../types/type.ts'
import type { BugName } from './bugs.ts'

/** Names the log of the page. */
export const DEVICE = 'chaos'

/** What the page's app makes of edits of its older versions. */
export interface AppSchema {
  readonly version: number
  readonly upcasts: 'lift' | 'refuse'
}

export interface Opening {
  readonly server: string
  readonly id: string
  readonly type: TypeName
  readonly seed: number
  /** Asks the test for a token; see `Host`. */
  readonly signed: boolean
  readonly skewMs: number
  readonly schema: AppSchema
  readonly bug: BugName | null
}

/** What a page says of itself, as it happens. */
export interface Report {
  /** Tokens that this page made and that have become true of since its last report. */
  readonly saved: readonly number[]
  /** On the server or held. */
  readonly settled: readonly number[]
  /** The code of what the person is told. */
  readonly error: string | null
  /** How many edits they are told are lost, if any. */
  readonly lost: number
}

/** What the test gives to each page. */
export interface Host {
  chaosTell(report: Report): Promise<void>
  chaosToken(): Promise<string | null>
}

export interface ChaosPage {
  readonly opened: boolean
  open(opening: Opening): Promise<void>
  /** Makes an edit for each of the tokens, with a pause of `everyMs` between them. */
  type(tokens: readonly number[], everyMs: number): Promise<void>
  /** An edit of so many characters that are no tokens. */
  paste(characters: number): void
  look(): Look
  /** Whether it shows just this document; null: none. */
  shows(data: unknown): boolean
  delete(): void
  /** Tries every held edit again. */
  retry(): void
  /** Keeps what this device has, of a server that went back. */
  restore(): void
  /** From here on the clock of page and hub is off by so much more. */
  jump(ms: number): void
  /** The canary's note, and how many edits are noted. */
  noted(): { readonly text: string; readonly edits: number } | null
}

export interface Look {
  readonly truth: Truth
  readonly data: unknown
  /** The tokens that a person finds in the list of held edits. */
  readonly held: readonly number[]
}
