/**
 * The floor of fan-out: a bare server of ws that knows nothing. What one writes is sent to all others on the same document as
 * it came, one ready string for all, and its writer gets a nod.
 */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { answer } from '../process.ts'

export type RelayServerCalls = {
  listen(): Promise<string>
  /** Messages that were sent on for a document. */
  relayed(id: string): number
}

const rooms = new Map<string, Set<WebSocket>>()
const counts = new Map<string, number>()

answer<RelayServerCalls>({
  async listen() {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    server.on('connection', socket =>
      socket.once('message', id => {
        serve(socket, String(id))
        socket.send(String(id))
      }),
    )
    await once(server, 'listening')
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  },
  relayed: id => counts.get(id) ?? 0,
})

function serve(socket: WebSocket, id: string): void {
  const room = rooms.get(id) ?? new Set()
  rooms.set(id, room.add(socket))
  socket.on('message', data => {
    const text = String(data)
    counts.set(id, (counts.get(id) ?? 0) + 1)
    for (const other of room) if (other !== socket) other.send(text)
    socket.send('ok')
  })
  socket.on('close', () => room.delete(socket))
}
