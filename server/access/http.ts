/** Access over HTTP: whoever asks for data says who it is with each request. */

import type { RequestHandler, Response } from 'express'
import { errors, HoldfastError } from '../../ops/errors.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { Rights } from './rights.ts'
import { identify, tokenIn } from './tokens.ts'

/** Throws `TOKEN_…`; behind it, `rightsOf` tells what may be. */
export function identifySender({ access, settings, clock, report }: Gateway): RequestHandler {
  return async (request, response, next) => {
    if (access !== null) {
      const token = tokenIn(request.headers, settings)
      try {
        const asking = { access, report, clock }
        response.locals.rights = new Rights(asking, await identify(asking, token))
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
