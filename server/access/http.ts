/** Access over HTTP: whoever asks for data says who it is with each request. */

import type { RequestHandler, Response } from 'express'
import { errors, HoldfastError } from '../../ops/errors.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { peerOf } from '../peer.ts'
import { Rights } from './rights.ts'
import { identifyNew, tokenIn } from './tokens.ts'

/** Throws `TOKEN_…`, or `TOO_MANY` after many of those; behind it, `rightsOf` tells what may be. */
export function identifySender({ access, settings, clock, report, limits }: Gateway): RequestHandler {
  return async (request, response, next) => {
    if (access !== null) {
      const token = tokenIn(request.headers, settings)
      try {
        const asking = { access, report, clock, limits }
        const principal = await identifyNew(asking, token, peerOf(request, settings).address)
        response.locals.rights = new Rights(asking, principal)
      } catch (error) {
        // RFC 6750, 3: how to sign in, and that an error of the token is one.
        if (error instanceof HoldfastError && errors[error.code].http === 401)
          response.set('WWW-Authenticate', token === null ? 'Bearer' : 'Bearer error="invalid_token"')
        throw error
      }
    }
    next()
  }
}

/** Null: all may do all. */
export const rightsOf = (response: Response): Rights | null => response.locals.rights ?? null
