/**
 * HTTP: the API, whose table of routes is `api/routes.ts` and whose description is at /openapi.json, and the pages.
 *
 *   GET /health, GET /ready, /v1/…   the API
 *   GET /metrics                     numbers for Prometheus (metrics.ts says who may read them)
 *   GET / and /d/:collection/:id     the page; its files beside it
 *
 * Where access is not open to all, /v1 takes `Authorization: Bearer TOKEN` (access/tokens.ts).
 * Whatever cannot be answered is {error: {code, message}} with a code of ops/errors.ts.
 */

import compression from 'compression'
import type { ErrorRequestHandler, Express, Request, RequestHandler, Response } from 'express'
import express from 'express'
import type { ErrorCode } from '../ops/errors.ts'
import { errors, HoldfastError } from '../ops/errors.ts'
import { identifySender } from './access/http.ts'
import { limitRate } from './api/rate.ts'
import { serveApi } from './api/serve.ts'
import type { Gateway } from './gateway/gateway.ts'
import { wireError } from './gateway/wire.ts'
import { headerFault } from './listener.ts'
import { answerMetrics, type Metrics, openMetrics } from './metrics.ts'
import { isOriginAllowed } from './origins.ts'
import { securityHeaders, servePages } from './pages.ts'
import type { Report } from './report.ts'
import { followRequest, requestOf } from './requests.ts'
import type { Settings } from './settings.ts'

/** Seconds; every rate is one of a second. */
const RETRY_AFTER = '1'

/** `web` is the directory of the built pages; null serves none. */
export function httpApp(gateway: Gateway, web: string | null, metrics: Metrics = openMetrics()): Express {
  const app = express()
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple')
  app.use(followRequest(gateway), securityHeaders(gateway.settings))
  app.use((request, _response, next) => {
    const fault = headerFault(request)
    if (fault !== null) throw new HoldfastError('REQUEST_MALFORMED', fault)
    next()
  })
  app.use(['/health', '/ready', '/v1'], (_request, response, next) => {
    response.set('Cache-Control', 'no-store')
    next()
  })
  app.get('/metrics', answerMetrics(metrics, gateway.settings))
  app.use('/v1', crossOrigin(gateway.settings), identifySender(gateway), limitRate(gateway))
  app.use(['/v1', '/openapi.json'], compression({ filter: isWorthPacking }) as RequestHandler)
  serveApi(app, gateway)
  if (web !== null) {
    app.use('/embed.js', crossOrigin(gateway.settings))
    servePages(app, web, gateway.settings)
  }
  app.all(['/', '/metrics', '/d/:collection/:id'], refuseMethod(web))
  app.use(() => {
    throw new HoldfastError('NOT_FOUND')
  })
  app.use(answerError(gateway))
  return app
}

/** An event of a stream must not wait for the next. */
const isWorthPacking = (request: Request, response: Response): boolean =>
  !String(response.getHeader('Content-Type')).startsWith('text/event-stream') &&
  compression.filter(request, response)

/** Lets the allowed pages of other origins read the answer, and others change nothing. */
function crossOrigin(settings: Settings): RequestHandler {
  return (request, response, next) => {
    const { origin, host } = request.headers
    response
      .vary('Origin')
      .set('Cross-Origin-Resource-Policy', 'cross-origin')
      .set('Access-Control-Expose-Headers', 'ETag, Retry-After')
    if (origin !== undefined && isOriginAllowed(origin, host, settings)) {
      response.set('Access-Control-Allow-Origin', origin)
      // Only for origins that are listed by name does the cookie count.
      if (settings.COOKIE !== '' && settings.ORIGINS.includes(origin))
        response.set('Access-Control-Allow-Credentials', 'true')
    }
    if (request.method === 'OPTIONS')
      response
        .set({
          'Access-Control-Allow-Methods': 'GET, HEAD, PUT, POST, DELETE',
          'Access-Control-Allow-Headers':
            'Authorization, Content-Type, Last-Event-ID, If-Match, If-None-Match, Idempotency-Key',
        })
        .sendStatus(204)
    else if (!['GET', 'HEAD'].includes(request.method) && !isOriginAllowed(origin, host, settings))
      throw new HoldfastError('ORIGIN_REFUSED')
    else next()
  }
}

/** These addresses exist, so another method than GET is the mistake; without pages, they do not. */
function refuseMethod(web: string | null): RequestHandler {
  return (_request, response) => {
    if (web === null) throw new HoldfastError('NOT_FOUND', 'This server has no pages; see HOLDFAST_WEB.')
    response.set('Allow', 'GET, HEAD')
    throw new HoldfastError('METHOD_NOT_ALLOWED')
  }
}

/** Express knows an error of its own by its status (a path that is not UTF-8, for one). */
function answerError(gateway: Gateway): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error)
    const { status } = error as { status?: number }
    const report: Report = (what, cause) => gateway.report(what, cause, { request: requestOf(response) })
    const coded =
      status === 400 ? new HoldfastError('PARAMETER_INVALID', 'The address is not well formed.') : error
    const answer =
      status === 404 ? { code: 'NOT_FOUND', message: errors.NOT_FOUND.meaning } : wireError(coded, report)
    gateway.meter.refused(answer.code as ErrorCode)
    if (answer.code === 'TOO_MANY') response.set('Retry-After', RETRY_AFTER)
    response.status(errors[answer.code as ErrorCode].http).json({ error: answer })
  }
}
