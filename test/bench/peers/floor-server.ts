/** What no system can beat: answers each message with as many bytes as it asks for. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { answer } from '../process.ts'

export type FloorServerCalls = { listen(): Promise<string> }

answer<FloorServerCalls>({
  async listen() {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    server.on('connection', socket => {
      socket.on('message', data => socket.send('x'.repeat(Number.parseInt(String(data), 10))))
    })
    await once(server, 'listening')
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  },
})
