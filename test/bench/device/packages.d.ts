/** As much of the peers' packages as their pages use. They are installed apart (`../peers/packages.ts`). */

declare module '@hocuspocus/provider' {
  import type { Doc } from 'yjs'

  export class HocuspocusProvider {
    constructor(options: { url: string; name: string; document: Doc })
    /** What the server had when the connection opened is here. */
    readonly synced: boolean
    /** The server has not confirmed all of what was sent. */
    readonly hasUnsyncedChanges: boolean
    connect(): Promise<void>
    on(event: 'synced' | 'unsyncedChanges', listener: () => void): void
    off(event: 'synced' | 'unsyncedChanges', listener: () => void): void
  }
}

declare module 'y-indexeddb' {
  import type { Doc } from 'yjs'

  export class IndexeddbPersistence {
    constructor(name: string, doc: Doc)
    /** Resolves when all that was stored is in the document. */
    readonly whenSynced: Promise<unknown>
  }
}

declare module '@sharesync/sharedb/lib/client' {
  type Done = (error?: Error | null) => void

  export interface Doc {
    readonly type: object | null
    readonly data: unknown
    /** An edit was made and not handed to the store yet. */
    readonly _needsToPersist: boolean
    subscribe(done?: Done): void
    ensureDocHasData(done: Done): void
    submitOp(op: unknown): void
    whenNothingPending(done: Done): void
  }

  interface DurableStore {
    readonly busy: boolean
    hasDocsInWriteQueue(): boolean
    once(event: 'no persist pending', listener: () => void): void
  }

  export class Connection {
    constructor(
      socket: WebSocket,
      options: { durableStore: { storage: object; onReadyCallback: () => void } },
    )
    readonly durableStore: DurableStore
    readonly collections: Readonly<Record<string, Readonly<Record<string, Doc>> | undefined>>
    get(collection: string, id: string): Doc
    hasPendingOfflineDocs(): boolean
    isDocInInventory(collection: string, id: string): boolean
    bindToSocket(socket: WebSocket): void
  }

  export const types: { register(type: object): void }
}

declare module '@sharesync/sharedb/lib/client/storage' {
  export class IndexedDbStorage {
    constructor(options: { namespace: string })
  }
}
