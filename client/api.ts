/** What an app holds: the client, its documents, and what they say about themselves. Types only. */

import type { Change, Content } from '../ops/change.ts'
import type { ErrorCode } from '../ops/errors.ts'
import type { Name } from '../ops/identity.ts'
import type { TypeName } from '../types/type.ts'

/**
 *   offline     no connection; edits are kept on this device
 *   connecting  dialing, greeting or catching up
 *   syncing     connected, and some edit is not acknowledged yet
 *   synced      connected, and the server has everything
 *   held        connected or not, some edit needs a person: see `doc.held`
 */
export type Status = 'offline' | 'connecting' | 'syncing' | 'synced' | 'held'

/** What is true of a document right now; `saved` and `settled` are separate facts. */
export interface Truth {
  readonly status: Status
  /** Local edits that the server has not acknowledged (an offline hour of typing counts each edit). */
  readonly unsent: number
  /** Every edit so far is durable on this device. */
  readonly saved: boolean
  /** Every edit so far is committed by the server, none is held. */
  readonly settled: boolean
  /** Number of held edits. */
  readonly held: number
  /** Whether the document exists (as far as this device knows); it is created by the first edit. */
  readonly exists: boolean
  /** Whether there are edits of this person to take back, and taken back ones to make again. */
  readonly canUndo: boolean
  readonly canRedo: boolean
  /** The server went back to an older state, and nothing is exchanged until a person decides: see `Doc.restore`. */
  readonly wentBack: boolean
  /** The last fault that matters most to a person, until it heals. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null
}

/** An edit that the server refused or that cannot be rebased; it stays here until a person decides. */
export interface HeldEdit {
  readonly name: Name
  readonly reason: { readonly code: string; readonly message: string }
  /** Of the document that it was made in. */
  readonly type: TypeName
  /** The edit as it was when it was held. */
  readonly original: Change
  /** The same edit carried along to the present document; null when it cannot be applied any more. */
  readonly change: Change | null
  /** What a person would copy out of it. */
  readonly text: string
}

/** A change of the view. */
export interface ChangeEvent {
  readonly change: Change
  /** Made by an edit of this `Doc` handle, so an editor that made it already shows it. */
  readonly local: boolean
  /** Made by `undo` or `redo` of this handle: nobody shows it yet, and its person wants to see where it was. */
  readonly undone: boolean
}

export interface DocEvents {
  change: (event: ChangeEvent) => void
  /** `truth` or `held` changed. */
  truth: (truth: Truth) => void
  presence: (peers: readonly Peer[]) => void
}

/** Somebody else who has the document open; `state` is whatever that client announced. */
export interface Peer {
  readonly id: string
  readonly state: unknown
  /** Who that is, as the server knows it; missing where it asks nobody who they are. */
  readonly who?: { readonly id: string; readonly name?: string }
}

export interface EditOptions {
  /**
   * Documents (handles, or their names) whose edits so far must be on the server before this one is sent there. What is held by then
   * is not waited for, unless it is what creates the document.
   */
  readonly after?: readonly { readonly collection: string; readonly id: string }[]
}

export interface Doc<Data = unknown, Op = unknown> {
  readonly collection: string
  readonly id: string
  readonly type: TypeName
  /** The document as this device sees it, unsent edits included; the type's empty document while it does not exist. */
  readonly data: Data
  readonly truth: Truth
  readonly status: Status
  readonly unsent: number
  readonly held: readonly HeldEdit[]
  /** Resolves when every edit made so far is durable on this device; rejects with `LOG_FAILED` if it cannot be. */
  readonly saved: Promise<void>
  /** Resolves when every edit made so far is committed by the server or held. */
  readonly settled: Promise<void>
  /** Applies `op` now; throws `OP_…` if it does not fit. The first edit creates the document. */
  edit(op: Op, options?: EditOptions): void
  /**
   * Takes back the newest group of this device's own edits that still does something (a word being typed, a paste, a
   * format), and leaves everybody else's in place; it outlives a reload. `redo` makes it again, until the next edit.
   * Creating and deleting the document cannot be undone, nor anything before them. Resolves when it is done.
   */
  undo(): Promise<void>
  redo(): Promise<void>
  /**
   * Where the server went back to an older state (`truth.wentBack`: a backup was restored) nothing is sent or overwritten until a person decides. `mine` writes this device's content onto the server's as
   * one edit; `theirs` takes the server's and holds what was not sent. Resolves as `settled`; elsewhere it does nothing.
   */
  restore(keep: 'mine' | 'theirs'): Promise<void>
  /** Deletes the document for everybody. */
  delete(): void
  /** Puts a held edit back into the queue: under its name, as long as the server can still take it under that. */
  retry(name: Name): void
  discard(name: Name): void
  /** What a held edit was made on, as its `original` fits it; null where that is not known any more. */
  baseOf(name: Name): Promise<Content | null>
  /**
   * Makes a document `id` of the same collection of a held edit: what its writer saw, else the text that it puts in.
   * The held edit is discarded once that is saved on this device. Resolves to `id`; rejects with `DOCUMENT_EXISTS`,
   * `NAME_INVALID`, `OP_MISFIT` (a deletion), `NOT_FOUND` or `LOG_FAILED`, and then the edit stays.
   */
  saveAs(name: Name, id: string): Promise<string>
  /** Tells the others with the document open who and where we are (JSON, small); null says goodbye. */
  announce(state: unknown): void
  on<E extends keyof DocEvents>(event: E, listener: DocEvents[E]): () => void
  /** Lets go of this handle; unsent edits stay in the log and are sent all the same while the client lives. */
  close(): Promise<void>
}

/** Milliseconds. */
export interface Timing {
  readonly count: number
  readonly last: number
  readonly mean: number
  readonly max: number
}

/** What the hub that this client talks to did since it began, and where it stands. */
export interface Metrics {
  /** Documents that are loaded, and edits of theirs that the server has not acknowledged, and that are held. */
  readonly documents: number
  readonly unsent: number
  readonly held: number
  readonly tabs: number
  readonly edits: number
  /** Ops whose content is fixed: what is sent. */
  readonly sealed: number
  readonly sent: number
  readonly acked: number
  readonly refused: number
  /** Times that unsent edits were carried over what others did. */
  readonly rebases: number
  /** Versions that others wrote. */
  readonly remote: number
  readonly connections: number
  /** Milliseconds, smoothed; null while nothing is measured on this connection. */
  readonly roundTrip: number | null
  /** From an edit to its being durable on this device. */
  readonly save: Timing
  /** From sending an op to its ack. */
  readonly commit: Timing
}

export interface KnownDoc {
  readonly collection: string
  readonly id: string
  readonly type: string | null
  readonly unsent: number
  readonly held: number
  readonly at: number
  /** By wish: see `Client.keep`. */
  readonly kept: boolean
}

/** What became of the edits of a rescue file, in edits of the person. */
export interface Rescue {
  /** On the server by this call. */
  readonly sent: number
  /** The server had them before. */
  readonly known: number
  /** Not taken; they stand in the file and nowhere else, unless the first device holds them, too. */
  readonly held: readonly (HeldEdit & { readonly collection: string; readonly id: string })[]
}

/** What this device keeps, and in how much space. */
export interface StorageFacts {
  /** Bytes that the browser says are used by all of the origin, and may be; null where it does not tell. */
  readonly usage: number | null
  readonly quota: number | null
  /** The browser has promised to evict nothing by itself; null where it does not tell. */
  readonly persisted: boolean | null
  readonly documents: number
  /** What the documents take up, as JSON. */
  readonly bytes: number
  /** How many are kept by wish. */
  readonly kept: number
}

/** Edits that this device had saved and does not have any more, through no doing of ours. */
export interface Loss {
  /** How many, at the most. */
  readonly edits: number
  /** When they were known to be there last (ms since 1970). */
  readonly at: number
  /**
   *   emptied     the browser removed all that was kept here, or another storage is in its place
   *   incomplete  parts are missing or cannot be read, or an earlier state of the storage is back
   */
  readonly reason: 'emptied' | 'incomplete'
}

export interface ClientEvents {
  phase: (phase: Client['phase']) => void
  /** There is a loss to tell the person of, or it was dismissed, in whatever tab. */
  loss: (loss: Loss | null) => void
}

export interface Client {
  /** `paused`: by `pause`, until `resume`. */
  readonly phase: 'offline' | 'connecting' | 'online' | 'paused' | 'closed'
  /**
   * Opens a document, from the log if this device has it, else from the server, else (offline) as a new one.
   * Rejects with `TYPE_MISMATCH` or `NAME_INVALID`.
   */
  open<Data = unknown, Op = unknown>(collection: string, id: string, type: TypeName): Promise<Doc<Data, Op>>
  /** The documents on this device. */
  known(): Promise<readonly KnownDoc[]>
  /**
   * What `edits` does, to however many documents, is saved together on this device, and sent in one request where the
   * documents are in step with the server. It is not a transaction: each document's edits stand for themselves there.
   */
  batch(edits: () => void): void
  /**
   * All edits of this device that the server does not have, held ones included, as one text to keep elsewhere: see
   * `importUnsent`. What is written after it has names of its own, so nothing is doubled.
   */
  exportUnsent(): Promise<string>
  /**
   * Sends the edits of such a text to the server, from whatever device, under their own names: each is taken once,
   * however often and from where it is sent. Leaves this device's own documents alone. Rejects with `JOURNAL_INVALID`
   * or `SERVER_AWAY`.
   */
  importUnsent(text: string): Promise<Rescue>
  /**
   * Exactly these documents of the collection are kept on this device: fetched when there is a connection that costs no
   * money, brought up to date whenever there is one again, and never evicted. The wish outlives reloads; it is saved when
   * this resolves. Rejects with `NAME_INVALID` or `LOG_FAILED`.
   */
  keep(collection: string, ids: readonly string[]): Promise<void>
  readonly storage: Promise<StorageFacts>
  /** What this device lost, until a person has dismissed it; null almost always. */
  readonly loss: Loss | null
  dismissLoss(): void
  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void
  /** Dials now instead of waiting for the back-off. */
  reconnect(): void
  /** Stops the exchange with the server, in all tabs, until `resume`: editing and saving on this device go on. */
  pause(): void
  resume(): void
  metrics(): Promise<Metrics>
  close(): Promise<void>
}
