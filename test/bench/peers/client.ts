/** What the bench asks of a client process, whatever system it runs. */

import type { Splice } from '../../traces/splice.ts'
import type { Digest, Kind } from '../content.ts'
import type { Traffic } from '../line.ts'

export interface Setup {
  readonly url: string
  readonly kind: Kind
  /** What the client does to every document while it is offline. */
  readonly branch: readonly Splice[]
}

export interface Merge {
  /** From the beginning of the connection until the client has everything and knows that the server has, in ms. */
  readonly ms: number
  readonly traffic: Traffic
}

export type ClientCalls = {
  setup(setup: Setup): void
  /** Loads the document from the server, then cuts the line. */
  open(id: string): Promise<void>
  /** Makes the branch with no connection, edit by edit; the answer is how long that took, in ms. */
  edit(id: string): Promise<number>
  merge(id: string): Promise<Merge>
  content(id: string): Promise<Digest>
  close(id: string): Promise<void>
}
