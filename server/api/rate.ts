/** Rates over HTTP: the same as on sockets, counted together with them (limits.ts). */

import type { Socket } from 'node:net'
import type { Request, RequestHandler, Response } from 'express'
import { HoldfastError } from '../../ops/errors.ts'
import { rightsOf } from '../access/http.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { whoseLimits } from '../limits.ts'
import { peerOf } from '../peer.ts'

/** Bytes that were counted, by connection: all that comes on it is of some request. */
const counted = new WeakMap<Socket, number>()

/** Throws TOO_MANY. To be used behind `identifySender`. */
export function limitRate({ limits, settings }: Gateway): RequestHandler {
  return (request, response, next) => {
    const principal = rightsOf(response)?.principal.id ?? null
    const who = whoseLimits(principal, peerOf(request, settings).address)
    response.locals.who = who
    const setting = limits.over(who)
    limits.spend(who, 0, newBytes(request))
    response.once('close', () => limits.spend(who, 0, newBytes(request)))
    if (setting !== null)
      throw new HoldfastError(
        'TOO_MANY',
        `This is more than HOLDFAST_${setting} allows; ask again in a second.`,
      )
    next()
  }
}

/** Counts an edit. */
export const spendOp = ({ limits }: Gateway, response: Response): void =>
  limits.spend(response.locals.who, 1, 0)

function newBytes({ socket }: Request): number {
  const before = counted.get(socket) ?? 0
  counted.set(socket, socket.bytesRead)
  return socket.bytesRead - before
}
