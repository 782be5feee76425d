/** A Yjs server that holds every document as a `Y.Doc` in memory and syncs it by state vector over ws. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import * as Y from 'yjs'
import { type Splice, spliceShared } from '../../traces/splice.ts'
import { type Digest, digest, type Kind } from '../content.ts'
import { answer } from '../process.ts'
import { frame, frames, have, receive } from './yjs-frames.ts'

export type YjsServerCalls = {
  listen(): Promise<string>
  create(argument: { id: string; base: string }): void
  advance(argument: { id: string; splices: readonly Splice[] }): void
  content(argument: { id: string; kind: Kind }): Digest
}

const docs = new Map<string, Y.Doc>()

answer<YjsServerCalls>({
  async listen() {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    server.on('connection', (socket, request) => serve(socket, docs.get(request.url!.slice(1))!))
    await once(server, 'listening')
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  },
  create({ id, base }) {
    const doc = new Y.Doc()
    doc.getText().insert(0, base)
    docs.set(id, doc)
  },
  advance({ id, splices }) {
    const doc = docs.get(id)!
    for (const splice of splices) doc.transact(() => spliceShared(doc.getText(), splice))
  },
  content({ id, kind }) {
    const text = docs.get(id)!.getText()
    return digest(kind === 'rich' ? text.toDelta() : text.toString())
  },
})

function serve(socket: WebSocket, doc: Y.Doc): void {
  socket.binaryType = 'nodebuffer'
  socket.on('message', data => {
    const bytes = data as Buffer
    const reply = receive(doc, bytes)
    if (reply) socket.send(reply)
    if (bytes[0] === frames.update) socket.send(frame(frames.taken))
  })
  socket.send(have(doc))
}
