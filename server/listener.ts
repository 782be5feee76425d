/**
 * The HTTP server under the app: how large and how slow a request may be, and what is told to who sends something that is
 * none. Whoever lets a proxy and a server read one request as two could hide the second from the first (RFC 9112, 11.2): what
 * can be read in two ways is refused, and the connection with it.
 */

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ErrorCode, errors } from '../ops/errors.ts'
import type { Limits } from './limits.ts'
import type { Meter } from './meter.ts'
import { network } from './peer.ts'
import type { Settings } from './settings.ts'

export function listener(app: RequestListener, settings: Settings, meter: Meter, limits: Limits): Server {
  const server = createServer({
    headersTimeout: settings.HEADERS_MS,
    requestTimeout: settings.REQUEST_MS,
    connectionsCheckingInterval: Math.min(settings.HEADERS_MS, settings.REQUEST_MS) / 2,
    // Node would refuse without a word of ours.
    requireHostHeader: false,
    // What asks for another protocol, as HTTP/2, is answered in this one.
    shouldUpgradeCallback: isWebSocket,
  })
  server.timeout = settings.SILENCE_MS
  if (settings.PROXIES === 0) server.on('connection', socket => takePlace(socket, limits, meter))
  /** What is being answered on each connection. */
  const answers = new WeakMap<Duplex, ServerResponse>()
  const begin: RequestListener = (request, response) => {
    answers.set(request.socket, response)
    app(request, response)
  }
  // An expectation that nobody knows may be ignored (RFC 9110, 10.1.1).
  server.on('request', begin).on('checkExpectation', begin)
  server.on('connect', (_request, stream) => refuse(stream, 'METHOD_NOT_ALLOWED', meter))
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const begun = answers.get(stream)
    if (!stream.writable || (begun?.headersSent && !begun.writableFinished)) stream.destroy()
    else refuse(stream, faults[error.code ?? ''] ?? 'REQUEST_MALFORMED', meter)
  })
  return server
}

/** Whoever has all the places of an address is told so, at once and once: nothing is waited for. */
function takePlace(socket: Socket, limits: Limits, meter: Meter): void {
  const giveBack = limits.enter('SOCKETS_PER_ADDRESS', network(socket.remoteAddress ?? ''))
  if (giveBack) socket.once('close', giveBack)
  else {
    answer(socket, 'TOO_MANY', meter)
    socket.destroySoon()
  }
}

const isWebSocket = ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket'

/** What Node says of a request that it could not read; whatever else it is, it was none. */
const faults: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TOO_SLOW',
}

/** How long the other side may take to read an answer and to close (ms). */
const GRACE_MS = 2000

/** There is no express here: the answer is written by hand, and is the last on its connection. */
export function refuse(stream: Duplex, code: ErrorCode, meter: Meter, headers = ''): void {
  stream.resume()
  answer(stream, code, meter, headers)
  // At once, what is still on its way here would have the network throw away what goes there.
  setTimeout(() => stream.destroy(), GRACE_MS).unref()
}

function answer(stream: Duplex, code: ErrorCode, meter: Meter, headers = ''): void {
  meter.refused(code)
  const { http, meaning } = errors[code]
  const body = JSON.stringify({ error: { code, message: meaning } })
  stream.on('error', () => stream.destroy())
  stream.end(
    `HTTP/1.1 ${http} ${STATUS_CODES[http]}\r\nContent-Type: application/json; charset=utf-8\r\n${headers}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** Headers that say one thing: of two, each reader might believe another one. */
const single = [
  'host',
  'origin',
  'authorization',
  'content-type',
  'content-encoding',
  'if-match',
  'if-none-match',
  'idempotency-key',
  'last-event-id',
  'sec-websocket-key',
  'sec-websocket-version',
]

/** What is wrong with headers that can be read in two ways; null: nothing. */
export function headerFault({ headers, headersDistinct, httpVersion }: IncomingMessage): string | null {
  const twice = single.find(name => (headersDistinct[name]?.length ?? 0) > 1)
  if (twice) return `The header ${twice} may stand there once.`
  return !headers.host && httpVersion !== '1.0' ? 'The header Host is missing.' : null
}
