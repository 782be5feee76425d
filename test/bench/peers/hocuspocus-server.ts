/**
 * A Hocuspocus server that keeps documents in memory, or with its SQLite extension, or with its database extension on Postgres,
 * by the statements of the SQLite one. The databases are as they come: SQLite with its rollback journal and an fsync at each commit.
 *
 * Whoever made an edit is told, by a stateless message, when a state with the edit in it was stored: the document's state is
 * encoded and handed to `store` in one go, so what had arrived by then is in it.
 */

import type { AddressInfo } from 'node:net'
import { type SharedText, type Splice, spliceShared } from '../../traces/splice.ts'
import { type Digest, digest } from '../content.ts'
import { answer } from '../process.ts'
import { requirePeer } from './packages.ts'

/** Null: documents are in memory and nowhere else. */
export type Database = { readonly sqlite: string } | { readonly postgres: string } | null

export type HocuspocusServerCalls = {
  /** `debounceMs`: how long an edit waits for others before all are stored. The answer is where it listens. */
  listen(argument: { database: Database; debounceMs: number }): Promise<string>
  create(argument: { id: string; text: string }): Promise<void>
  /** How many characters were ever inserted into the document, by what is stored of it if it is. */
  inserted(id: string): Promise<number>
  /** Makes the edits on the document that the server has in memory, each by itself. */
  advance(argument: { id: string; splices: readonly Splice[] }): Promise<void>
  /** Of what the server has in memory. */
  content(id: string): Promise<Digest>
}

// ---- as much of the packages as is used ----

interface Yjs {
  readonly Doc: new () => object
  applyUpdate(doc: object, update: Uint8Array): void
  encodeStateVector(doc: object): Uint8Array
  decodeStateVector(vector: Uint8Array): Map<number, number>
}

interface Connection {
  sendStateless(payload: string): void
}

interface LiveDocument {
  readonly name: string
  getText(): Pick<string, 'toString'> & SharedText
  on(event: 'update', listener: (update: Uint8Array, origin: { connection?: Connection }) => void): void
}

interface Direct {
  transact(work: (document: LiveDocument) => void | Promise<void>): Promise<void>
  disconnect(): Promise<void>
}

interface Stored {
  readonly documentName: string
  readonly state: Buffer
}

interface Extension {
  readonly configuration: {
    fetch(payload: { documentName: string }): Promise<Uint8Array | null>
    store(payload: Stored): Promise<void>
  }
}

interface Server {
  readonly hocuspocus: { openDirectConnection(id: string): Promise<Direct> }
  readonly address: AddressInfo
  listen(): Promise<unknown>
}

interface Pool {
  query(sql: string, values?: unknown[]): Promise<{ rows: { data: Uint8Array }[] }>
}

const Y = requirePeer('yjs') as Yjs
const { Server } = requirePeer('@hocuspocus/server') as { Server: new (options: object) => Server }

let server: Server
let extension: Extension | null
/** What keeps documents in memory that are nowhere else. */
const kept: Direct[] = []

answer<HocuspocusServerCalls>({
  async listen({ database, debounceMs }) {
    extension = database && (await extensionOn(database))
    const unstored = new Map<string, Connection[]>()
    if (extension) tellWhenStored(extension, unstored)
    server = new Server({
      port: 0,
      address: '127.0.0.1',
      quiet: true,
      debounce: debounceMs,
      extensions: extension ? [extension] : [],
      async afterLoadDocument({ document }: { document: LiveDocument }) {
        if (!extension) return
        unstored.set(document.name, [])
        document.on('update', (_update, { connection }) => {
          if (connection) unstored.get(document.name)!.push(connection)
        })
      },
    })
    await server.listen()
    return `ws://127.0.0.1:${server.address.port}`
  },
  async create({ id, text }) {
    const direct = await server.hocuspocus.openDirectConnection(id)
    await direct.transact(document => document.getText().insert(0, text, {}))
    if (extension) await direct.disconnect()
    else kept.push(direct)
  },
  async advance({ id, splices }) {
    const direct = await server.hocuspocus.openDirectConnection(id)
    for (const splice of splices) await direct.transact(document => spliceShared(document.getText(), splice))
    await direct.disconnect()
  },
  async content(id) {
    const direct = await server.hocuspocus.openDirectConnection(id)
    let text = ''
    await direct.transact(document => {
      text = document.getText().toString()
    })
    await direct.disconnect()
    return digest(text)
  },
  async inserted(id) {
    const doc = extension ? await storedDocument(extension, id) : await liveDocument(id)
    const clocks = Y.decodeStateVector(Y.encodeStateVector(doc)).values()
    return [...clocks].reduce((sum, clock) => sum + clock, 0)
  },
})

async function storedDocument({ configuration }: Extension, id: string): Promise<object> {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, (await configuration.fetch({ documentName: id }))!)
  return doc
}

async function liveDocument(id: string): Promise<object> {
  const direct = await server.hocuspocus.openDirectConnection(id)
  const doc = await new Promise<object>(resolve => void direct.transact(async document => resolve(document)))
  await direct.disconnect()
  return doc
}

const extensionOn = (database: NonNullable<Database>): Extension | Promise<Extension> =>
  'sqlite' in database ? onSqlite(database.sqlite) : onPostgres(database.postgres)

function tellWhenStored({ configuration }: Extension, unstored: ReadonlyMap<string, Connection[]>): void {
  const { store } = configuration
  configuration.store = async payload => {
    const contained = unstored.get(payload.documentName)?.splice(0) ?? []
    await store(payload)
    for (const connection of contained) connection.sendStateless('stored')
  }
}

function onSqlite(file: string): Extension {
  const { SQLite } = requirePeer('@hocuspocus/extension-sqlite') as {
    SQLite: new (options: object) => Extension
  }
  return new SQLite({ database: file })
}

async function onPostgres(connectionString: string): Promise<Extension> {
  const { Database } = requirePeer('@hocuspocus/extension-database') as {
    Database: new (options: Extension['configuration']) => Extension
  }
  const { Pool } = requirePeer('pg') as { Pool: new (options: object) => Pool }
  const pool = new Pool({ connectionString })
  await pool.query('CREATE TABLE documents (name varchar(255) NOT NULL, data bytea NOT NULL, UNIQUE (name))')
  return new Database({
    async fetch({ documentName }) {
      const { rows } = await pool.query('SELECT data FROM documents WHERE name = $1', [documentName])
      return rows[0]?.data ?? null
    },
    async store({ documentName, state }) {
      await pool.query(
        'INSERT INTO documents (name, data) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET data = $2',
        [documentName, state],
      )
    },
  })
}
