/**
 * The sockets of life: accepts WebSockets at /ws, gives each a session, and ends those that have fallen silent.
 *
 * A frame may be up to four times HOLDFAST_FRAME_BYTES long before the socket is cut without a word, so that an edit
 * that is somewhat too large is refused by name and can be held, instead of cutting the connection at every attempt.
 */

import type { IncomingMessage, Server } from 'node:http'
import type { RawData, WebSocket } from 'ws'
import { WebSocketServer } from 'ws'
import type { ErrorCode } from '../../ops/errors.ts'
import { tokenInCookie } from '../access/tokens.ts'
import { browserIn, cookieFor } from '../browser.ts'
import { headerFault, refuse } from '../listener.ts'
import type { Log } from '../log.ts'
import { isOriginAllowed } from '../origins.ts'
import { type Peer, peerOf } from '../peer.ts'
import type { Gateway } from './gateway.ts'
import { type Out, openOutbox } from './outbox.ts'
import type { Session, Socket } from './session.ts'
import { openSession } from './session.ts'
import type { Parcel } from './wire.ts'

const PATH = '/ws'

/** How long a peer may take to answer our closing frame (ms). */
const CLOSE_GRACE_MS = 2000

/** Beats that a socket may stay silent, and may spend without a handshake. */
const PATIENCE_BEATS = 2

/** The library reads, greets, pings and closes; what the session says goes out below it, see outbox.ts. */
class Connection implements Socket {
  readonly socket: WebSocket
  readonly session: Session
  readonly #out: Out
  /** Beats since something came. */
  silent = 0
  beats = 0

  constructor(socket: WebSocket, out: Out, open: (end: Socket) => Session) {
    this.socket = socket
    this.#out = out
    this.session = open(this)
  }

  send(parcel: Parcel): void {
    if (this.socket.readyState === this.socket.OPEN) this.#out.send(parcel)
  }

  bufferedBytes(): number {
    return this.#out.bytes
  }

  close(code: number, reason: string): void {
    this.#out.flush()
    this.socket.close(code, reason)
    setTimeout(() => this.socket.terminate(), CLOSE_GRACE_MS).unref()
  }

  hear(data: string | Uint8Array): void {
    this.silent = 0
    this.session.receive(data)
  }
}

export interface WebSockets {
  /** Resolves when every socket is closed; those that still are not after `ms` are cut. */
  close(ms: number): Promise<void>
}

export function acceptWebSockets(server: Server, gateway: Gateway): WebSockets {
  const { settings } = gateway
  const connections = new Set<Connection>()
  const outbox = openOutbox()
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 4 * settings.FRAME_BYTES,
    maxFragments: settings.FRAGMENTS,
    // A small frame may inflate to a thousand times its size.
    perMessageDeflate: false,
  })

  sockets.on('headers', (headers, request) => {
    const cookie = cookieFor(request.headers, settings)
    if (cookie !== null) headers.push(`Set-Cookie: ${cookie}`)
  })
  server.on('upgrade', (request, stream, head) => {
    const refusal = refusalOf(request, gateway)
    if (refusal) refuse(stream, refusal, gateway.meter)
    else
      sockets.handleUpgrade(request, stream, head, socket => {
        const token = tokenInCookie(request.headers, settings)
        const peer = { ...peerOf(request, settings), browser: browserIn(request.headers, settings) }
        const open = (end: Socket) => openSession(gateway, end, token, peer)
        connect(new Connection(socket, outbox.open(stream), open), connections, gateway.log, peer)
      })
  })
  // What else the library does not take for an opening handshake.
  sockets.on('wsClientError', (_error, stream) =>
    refuse(stream, 'UPGRADE_INVALID', gateway.meter, 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'),
  )
  const heart = setInterval(() => beat(connections), settings.HEARTBEAT_MS)

  return {
    async close(ms) {
      clearInterval(heart)
      const all = [...connections].map(({ socket }) => new Promise(resolve => socket.once('close', resolve)))
      const cut = setTimeout(() => {
        for (const { socket } of connections) socket.terminate()
      }, ms)
      await Promise.all(all)
      clearTimeout(cut)
    },
  }
}

function connect(connection: Connection, connections: Set<Connection>, log: Log, peer: Peer): void {
  const { socket } = connection
  connections.add(connection)
  socket.on('message', (data, isBinary) => connection.hear(isBinary ? bytesOf(data) : String(data)))
  socket.on('pong', () => {
    connection.silent = 0
  })
  socket.on('ping', data => connection.session.pinged(data.length))
  socket.on('close', () => {
    connections.delete(connection)
    connection.session.closed()
  })
  // A frame that breaks the WebSocket protocol: the library closes the socket with the fitting code.
  socket.on('error', error => log.info('a socket failed', { session: peer.id, why: error.message }))
}

function beat(connections: Iterable<Connection>): void {
  for (const connection of connections) {
    const { socket, session } = connection
    connection.silent++
    connection.beats++
    if (connection.silent > PATIENCE_BEATS) {
      socket.terminate()
    } else if (isGreeting(session) && connection.beats > PATIENCE_BEATS) {
      session.close('FRAME_MALFORMED')
    } else {
      socket.ping()
    }
  }
}

/** It has said nothing yet, or nobody has said who it is. */
const isGreeting = ({ phase: { name } }: Session) => name === 'greeting' || name === 'identifying'

const bytesOf = (data: RawData): Uint8Array =>
  Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data)

function refusalOf(request: IncomingMessage, gateway: Gateway): ErrorCode | null {
  if (headerFault(request) !== null) return 'REQUEST_MALFORMED'
  const url = URL.parse(request.url ?? '', 'http://host')
  if (url?.pathname !== PATH) return 'NOT_FOUND'
  const { headers } = request
  if (!isOriginAllowed(headers.origin, headers.host, gateway.settings)) return 'ORIGIN_REFUSED'
  // Of several protocols a server chooses one; to choose none would tell a browser no more than that it failed.
  const speaks = headers['sec-websocket-protocol'] === undefined
  // An address ends up in logs and histories.
  if (!speaks || secrets.some(name => url.searchParams.has(name))) return 'UPGRADE_INVALID'
  return gateway.draining ? 'SERVER_DRAINING' : null
}

/** Names by which tokens are put into addresses (RFC 6750, 2.3). */
const secrets = ['token', 'access_token', 'id_token', 'jwt', 'auth', 'authorization']
