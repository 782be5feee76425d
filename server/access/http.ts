/** Access over HTTP: whoever asks for data says who it is with each request. */

import type { RequestHandler, Response } from 'express'
import { HoldfastError } from '../../ops/errors.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { Rights } from './rights.ts'
import { identify, tokenIn } from './tokens.ts'

/** Throws `TOKEN_…`; behind it, `rightsOf` tells what may be. */
export function identifySender({ access, settings, clock, report }: Gateway): RequestHandler {
  return async (request, response, next) => {
    if (access !== null) {
      const token = tokenIn(request.headers, settings)
      try {
        response.locals.rights = new Rights({ access, report, clock }, await identify(access, token, clock))
      } catch (error) {
        // RFC 6750, 3: how to sign in, and that an error of the token is one.
        const coded = error instanceof HoldfastError && token !== null
        response.set('WWW-Authenticate', coded ? 'Bearer error="invalid_token"' : 'Bearer')
        throw error
      }
    }
    next()
  }
}

/** Null: all may do all. */
export const rightsOf = (response: Response): Rights | null => response.locals.rights ?? null
