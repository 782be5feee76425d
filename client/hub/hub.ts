/**
 * The one owner of log and link: it runs an engine for each open document. A tab's documents reach it only through this
 * interface, so that it can live in the tab (hub/tab.ts) or elsewhere; whatever crosses it is plain data.
 */

import type { Change, Content } from '../../ops/change.ts'
import type { DocKey, Name } from '../../ops/identity.ts'
import type { TypeName } from '../../types/type.ts'
import type { Client, HeldEdit, KnownDoc, Peer, Truth } from '../api.ts'

export interface Hub {
  readonly phase: Client['phase']
  /** Rejects with `TYPE_MISMATCH` if the document is known with another type. */
  attach(key: DocKey, type: TypeName, listener: Listener): Promise<Attachment>
  known(): Promise<readonly KnownDoc[]>
  onPhase(listener: (phase: Client['phase']) => void): () => void
  reconnect(): void
  wake(): void
  close(): Promise<void>
}

export interface Listener {
  /** `local`: an edit of this attachment made the change; `undone`: its undo or redo did. */
  change(change: Change, local: boolean, undone: boolean): void
  truth(truth: Truth): void
  presence(peers: readonly Peer[]): void
}

/** One open handle on a document. */
export interface Attachment {
  readonly view: Content
  readonly truth: Truth
  readonly held: readonly HeldEdit[]
  /**
   * Throws `OP_…` or `DATA_MALFORMED` if it does not fit the view. An op on a document that does not exist creates it first.
   * `joins`: it continues the group of this attachment's last edit (engine/grouping.ts).
   */
  edit(change: Change, joins: boolean): void
  undo(): void
  redo(): void
  retry(name: Name): void
  discard(name: Name): void
  announce(state: unknown): void
  /** As `Doc.saved` and `Doc.settled`. */
  saved(): Promise<void>
  settled(): Promise<void>
  detach(): Promise<void>
}
