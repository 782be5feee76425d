/** A ShareDB server as its README builds one: memory database, a JSON stream over ws. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Digest, digest } from '../content.ts'
import { answer } from '../process.ts'
import { stockBackend } from './stock.ts'

export type SharedbServerCalls = {
  listen(): Promise<string>
  content(argument: { collection: string; id: string }): Promise<Digest>
}

const backend = stockBackend()

answer<SharedbServerCalls>({
  async listen() {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    server.on('connection', socket => backend.listen(streamOf(socket)))
    await once(server, 'listening')
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  },
  async content({ collection, id }) {
    const doc = backend.connect().get(collection, id)
    await new Promise<void>((resolve, reject) => doc.fetch(error => (error ? reject(error) : resolve())))
    const data = doc.data as string | { ops: { insert: string }[] }
    return digest(typeof data === 'string' ? data : data.ops)
  },
})

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
