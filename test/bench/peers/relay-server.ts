/**
 * The floor of fan-out: a bare server of ws that knows nothing. What one writes is sent to all others on the same document as
 * it came, one ready string for all, and its writer gets a nod.
 *
 * With a folder it is the floor of one writer who waits for the disk: what came is appended to the document's file and synced
 * before anybody is told of it.
 */

import { once } from 'node:events'
import { appendFileSync, fdatasyncSync, openSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type WebSocket, WebSocketServer } from 'ws'
import { answer } from '../process.ts'

export type RelayServerCalls = {
  /** `folder`: where what comes is kept; null: nowhere. */
  listen(folder: string | null): Promise<string>
  /** Messages that were sent on for a document; with a folder, those that are in its file. */
  relayed(id: string): number
}

/** A file for each document, of a line for each message. */
interface Journal {
  append(id: string, text: string): void
  count(id: string): number
}

const rooms = new Map<string, Set<WebSocket>>()
let journal = counted()

answer<RelayServerCalls>({
  async listen(folder) {
    if (folder !== null) journal = syncedJournal(folder)
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
  relayed: id => journal.count(id),
})

function serve(socket: WebSocket, id: string): void {
  const room = rooms.get(id) ?? new Set()
  rooms.set(id, room.add(socket))
  socket.on('message', data => {
    const text = String(data)
    journal.append(id, text)
    for (const other of room) if (other !== socket) other.send(text)
    socket.send('ok')
  })
  socket.on('close', () => room.delete(socket))
}

function counted(): Journal {
  const counts = new Map<string, number>()
  const count = (id: string) => counts.get(id) ?? 0
  return { append: id => void counts.set(id, count(id) + 1), count }
}

function syncedJournal(folder: string): Journal {
  const files = new Map<string, number>()
  const fileOf = (id: string) => {
    const file = files.get(id) ?? openSync(join(folder, id), 'a+')
    files.set(id, file)
    return file
  }
  return {
    append(id, text) {
      const file = fileOf(id)
      appendFileSync(file, `${text}\n`)
      fdatasyncSync(file)
    },
    count: id => readFileSync(join(folder, id), 'utf8').split('\n').length - 1,
  }
}
