/** Requests over HTTP in the log, each with an id that its answer carries as well. */

import type { RequestHandler, Response } from 'express'
import type { Gateway } from './gateway/gateway.ts'
import { peerOf } from './peer.ts'

/** What is asked every few seconds by machines is worth no line at info. */
const routine: ReadonlySet<string> = new Set(['/health', '/ready', '/metrics'])

export function followRequest({ log, settings }: Gateway): RequestHandler {
  return (request, response, next) => {
    const start = performance.now()
    const { id } = peerOf(request, settings)
    const { method, path } = request
    response.locals.request = id
    response.set('X-Request-Id', id)
    response.once('close', () => {
      const ms = Math.round(performance.now() - start)
      // The path has names of documents in it, the route has not.
      const route = typeof request.route?.path === 'string' ? request.route.path : undefined
      const about = { request: id, method, route, status: response.statusCode, ms }
      if (routine.has(path)) log.debug('a request', about)
      else log.info('a request', about)
      log.debug('its path', { request: id, path })
    })
    next()
  }
}

export const requestOf = (response: Response): string => response.locals.request
