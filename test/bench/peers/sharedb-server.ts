/**
 * A ShareDB server as its README builds one: a JSON stream over ws. Its database is ShareDB's memory database, or
 * Postgres by sharedb-postgres, with the newest ShareDB that goes with that (5).
 */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Digest, digest } from '../content.ts'
import { answer } from '../process.ts'
import { requirePeer } from './packages.ts'
import { type StockBackend, type StockDoc, stockServer } from './stock.ts'

export type SharedbServerCalls = {
  /** `postgres`: the URL of a database, which gets its tables; null: the memory database. The answer is where it listens. */
  listen(argument: { postgres: string | null }): Promise<string>
  content(argument: Address): Promise<Digest>
  version(argument: Address): Promise<number>
}

interface Address {
  readonly collection: string
  readonly id: string
}

let backend: StockBackend

answer<SharedbServerCalls>({
  async listen({ postgres }) {
    backend = postgres === null ? new (stockServer())() : await onPostgres(postgres)
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    server.on('connection', socket => backend.listen(streamOf(socket)))
    await once(server, 'listening')
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  },
  async content(address) {
    const { data } = await fetched(address)
    return digest(typeof data === 'string' ? data : (data as { ops: { insert: string }[] }).ops)
  },
  version: async address => (await fetched(address)).version,
})

async function fetched({ collection, id }: Address): Promise<StockDoc> {
  const doc = backend.connect().get(collection, id)
  await new Promise<void>((resolve, reject) => doc.fetch(error => (error ? reject(error) : resolve())))
  return doc
}

async function onPostgres(connectionString: string): Promise<StockBackend> {
  const { Client } = requirePeer('pg') as { Client: new (options: object) => PostgresClient }
  const client = new Client({ connectionString })
  await client.connect()
  await client.query(readFileSync(requirePeer.resolve('sharedb-postgres/structure.sql'), 'utf8'))
  await client.end()
  const Database = requirePeer('sharedb-postgres') as new (options: object) => object
  return new (stockServer(requirePeer))({ db: new Database({ connectionString }) })
}

interface PostgresClient {
  connect(): Promise<void>
  query(sql: string): Promise<unknown>
  end(): Promise<void>
}

function streamOf(socket: WebSocket): Duplex {
  const stream = new Duplex({
    objectMode: true,
    read() {},
    write(frame, _encoding, done) {
      if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(frame))
      done()
    },
  })
  socket.on('message', data => stream.push(JSON.parse(String(data))))
  socket.on('close', () => {
    stream.push(null)
    stream.destroy()
  })
  return stream
}
