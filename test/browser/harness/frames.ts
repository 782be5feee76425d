/**
 * A relay of HTTP and WebSocket in front of a server that sees each frame and may keep it back: for faults that a line
 * cannot make, such as the loss of one ack. Requests pass as they are.
 */

import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'

export interface Frame {
  readonly from: 'client' | 'server'
  readonly text: string
  /** The frame as JSON; null if it is none. */
  readonly json: Readonly<Record<string, unknown>> | null
}

/** What becomes of a frame: passed on, dropped, or replaced by these (twice the same one doubles it). */
export type Fate = 'pass' | 'drop' | readonly string[]
export type Hook = (frame: Frame) => Fate

export interface Relay {
  readonly port: number
  /** Asks `hook` about every frame from now on; the first hook that says other than `pass` decides. The result ends it. */
  intercept(hook: Hook): () => void
  close(): Promise<void>
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade']

/** Opens a relay to `target`'s port on loopback. */
export async function openRelay(target: { readonly port: number }): Promise<Relay> {
  const hooks = new Set<Hook>()
  const fateOf = (frame: Frame): Fate => {
    for (const hook of [...hooks]) {
      const fate = hook(frame)
      if (fate !== 'pass') return fate
    }
    return 'pass'
  }
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  /** What the server's answer to an upgrade sets. */
  const cookies = new WeakMap<IncomingMessage, string[]>()
  sockets.on('headers', (headers, request) => {
    for (const cookie of cookies.get(request) ?? []) headers.push(`Set-Cookie: ${cookie}`)
  })
  const server = createServer((request, response) => forward(request, response, target.port))
  server.on('upgrade', (request, socket, head) => {
    const far = dial(request, target.port)
    far.once('upgrade', answer => cookies.set(request, answer.headers['set-cookie'] ?? []))
    socket.on('error', () => far.terminate())
    far.once('open', () => sockets.handleUpgrade(request, socket, head, near => relay(near, far, fateOf)))
    far.once('unexpected-response', (_request, answer) => {
      socket.end(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\nconnection: close\r\n\r\n`)
      answer.destroy()
    })
    far.on('error', () => socket.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    intercept(hook) {
      hooks.add(hook)
      return () => hooks.delete(hook)
    },
    close() {
      for (const socket of sockets.clients) socket.terminate()
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
}

function forward(request: IncomingMessage, response: ServerResponse, port: number): void {
  const { method, url: path, headers } = request
  const onward = send({ host: '127.0.0.1', port, method, path, headers, agent: false }, answer => {
    response.writeHead(answer.statusCode!, answer.headers)
    answer.pipe(response)
    answer.once('error', () => response.destroy())
  })
  onward.once('error', () => response.destroy())
  response.once('close', () => onward.destroy())
  request.pipe(onward)
}

/** The same handshake towards the server: its host, origin and cookies are what the client said. */
function dial(request: IncomingMessage, port: number): WebSocket {
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(
      ([name]) => !HOP_BY_HOP.includes(name) && !name.startsWith('sec-websocket-'),
    ),
  )
  const protocols = request.headers['sec-websocket-protocol']?.split(/, */) ?? []
  return new WebSocket(`ws://127.0.0.1:${port}${request.url}`, protocols, {
    headers,
    perMessageDeflate: false,
  })
}

function relay(near: WebSocket, far: WebSocket, fateOf: (frame: Frame) => Fate): void {
  near.on('message', data => pass({ from: 'client', ...parsed(String(data)) }, far, fateOf))
  far.on('message', data => pass({ from: 'server', ...parsed(String(data)) }, near, fateOf))
  near.once('close', (code, reason) => hangUp(far, code, String(reason)))
  far.once('close', (code, reason) => hangUp(near, code, String(reason)))
  for (const socket of [near, far]) socket.on('error', () => socket.terminate())
}

function pass(frame: Frame, to: WebSocket, fateOf: (frame: Frame) => Fate): void {
  const fate = fateOf(frame)
  if (fate === 'drop') return
  for (const text of fate === 'pass' ? [frame.text] : fate) to.send(text, () => {}) // a closed socket says so itself
}

/** Closes with the same code, or without a word where the other side went without one (1005, 1006). */
function hangUp(socket: WebSocket, code: number, reason: string): void {
  if (code === 1005) socket.close()
  else if (code === 1006) socket.terminate()
  else socket.close(code, reason)
}

function parsed(text: string): Pick<Frame, 'text' | 'json'> {
  try {
    return { text, json: JSON.parse(text) }
  } catch {
    return { text, json: null }
  }
}
