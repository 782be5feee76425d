/** What the bench needs of a system's client in a page: one file per system fulfils it (`holdfast.ts` and its like). */

import type { Splice } from '../../traces/splice.ts'

export interface Adapter {
  /**
   * Opens a document, from what the device has of it, else from the server; resolves when a person could edit it.
   * `server` is where the system's server listens, if it can be reached.
   */
  open(server: string, at: Address): Promise<OpenDocument>
}

export interface Address {
  readonly collection: string
  readonly id: string
}

export interface OpenDocument {
  text(): string
  edit(splice: Splice): void
  /** Resolves when every edit so far is in IndexedDB. */
  saved(): Promise<void>
  /** Resolves when this side has all that the server has, and the server all edits of this side. */
  settled(): Promise<void>
  /** Connects now; the connection was lost. */
  reconnect(): void
}
