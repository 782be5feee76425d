/** A small server for the tests of the harness: it answers everything and remembers the frames that it heard. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

export interface Echo {
  readonly port: number
  /** The frames of all clients, in order. */
  readonly heard: string[]
  close(): Promise<void>
}

/** Answers requests with their path and host, frames with an echo, and `close CODE` by closing so. */
export async function echoServer(port = 0): Promise<Echo> {
  const heard: string[] = []
  const http = createServer((request, response) => response.end(`${request.url} for ${request.headers.host}`))
  const sockets = new WebSocketServer({ server: http, path: '/ws' })
  sockets.on('connection', (socket, request) =>
    socket.on('message', data => {
      const text = String(data)
      const [, code] = /^close (\d+)$/.exec(text) ?? []
      if (code) return socket.close(Number(code), 'as asked')
      heard.push(text)
      socket.send(`echo ${text} from ${request.headers.origin}`)
    }),
  )
  await new Promise<void>(resolve => http.listen(port, '127.0.0.1', resolve))
  return {
    port: (http.address() as AddressInfo).port,
    heard,
    close() {
      const closed = new Promise<void>(resolve => http.close(() => resolve()))
      for (const socket of sockets.clients) socket.terminate()
      http.closeAllConnections()
      return closed
    },
  }
}
