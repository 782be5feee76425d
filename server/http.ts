/**
 * HTTP: is the server well, what documents are there, and the pages that a browser loads.
 *
 *   GET /health                      the process lives
 *   GET /ready                       it takes work: the store answers and nothing is shutting down
 *   GET /metrics                     numbers for Prometheus (metrics.ts says who may read them)
 *   GET /v1/docs/:collection         {docs, after}: a page of documents, last changed first (?limit=, ?after=)
 *   GET /v1/docs/:collection/:id     {v, type, data}
 *   GET / and /d/:collection/:id     the page; its files beside it
 *
 * Where access is not open to all, /v1 takes `Authorization: Bearer TOKEN` (access/tokens.ts), and the list has what may be read.
 * Whatever cannot be answered is {error: {code, message}} with a code of ops/errors.ts.
 */

import type { ErrorRequestHandler, Express, RequestHandler } from 'express'
import express from 'express'
import type { ErrorCode } from '../ops/errors.ts'
import { errors, HoldfastError } from '../ops/errors.ts'
import { identifySender } from './access/http.ts'
import { listDocs, readDoc } from './docs.ts'
import type { Gateway } from './gateway/gateway.ts'
import { wireError } from './gateway/wire.ts'
import { answerMetrics, type Metrics, openMetrics } from './metrics.ts'
import { isOriginAllowed } from './origins.ts'
import { securityHeaders, servePages } from './pages.ts'
import type { Report } from './report.ts'
import { followRequest, requestOf } from './requests.ts'
import type { Settings } from './settings.ts'

/** `web` is the directory of the built pages; null serves none. */
export function httpApp(gateway: Gateway, web: string | null, metrics: Metrics = openMetrics()): Express {
  const app = express()
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple')
  app.use(followRequest(gateway), securityHeaders(gateway.settings))
  app.use(['/health', '/ready', '/v1'], (_request, response, next) => {
    response.set('Cache-Control', 'no-store')
    next()
  })
  app.get('/health', (_request, response) => void response.json({ status: 'ok' }))
  app.get('/ready', async (_request, response) => {
    if (gateway.draining) throw new HoldfastError('SERVER_DRAINING')
    await gateway.store.ping()
    const { state } = gateway.bus
    // Still 200: edits are taken, and a balancer that took all servers out would make it worse.
    if (state === 'alone') response.json({ status: 'ready' })
    else response.json({ status: state === 'up' ? 'ready' : 'degraded', bus: state })
  })
  app.get('/metrics', answerMetrics(metrics, gateway.settings))
  app.use('/v1', crossOrigin(gateway.settings), identifySender(gateway))
  app.get('/v1/docs/:collection', listDocs(gateway))
  app.get('/v1/docs/:collection/:id', readDoc(gateway))
  if (web !== null) {
    app.use('/embed.js', crossOrigin(gateway.settings))
    servePages(app, web, gateway.settings)
  }
  app.all(
    ['/', '/health', '/ready', '/metrics', '/v1/docs/:collection{/:id}', '/d/:collection/:id'],
    refuseMethod(web),
  )
  app.use(() => {
    throw new HoldfastError('NOT_FOUND')
  })
  app.use(answerError(gateway))
  return app
}

/** Lets the allowed pages of other origins read the answer. */
function crossOrigin(settings: Settings): RequestHandler {
  return (request, response, next) => {
    const { origin, host } = request.headers
    response.vary('Origin').set('Cross-Origin-Resource-Policy', 'cross-origin')
    if (origin !== undefined && isOriginAllowed(origin, host, settings)) {
      response.set('Access-Control-Allow-Origin', origin)
      // Only for origins that are listed by name does the cookie count.
      if (settings.COOKIE !== '' && settings.ORIGINS.includes(origin))
        response.set('Access-Control-Allow-Credentials', 'true')
    }
    if (request.method === 'OPTIONS')
      response
        .set('Access-Control-Allow-Methods', 'GET, HEAD')
        .set('Access-Control-Allow-Headers', 'Authorization')
        .sendStatus(204)
    else next()
  }
}

/** These addresses exist, so another method than GET is the mistake; without pages, / and /d do not. */
function refuseMethod(web: string | null): RequestHandler {
  return (request, response) => {
    const isPage = request.path === '/' || request.path.startsWith('/d/')
    if (isPage && web === null)
      throw new HoldfastError('NOT_FOUND', 'This server has no pages; see HOLDFAST_WEB.')
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
    response.status(errors[answer.code as ErrorCode].http).json({ error: answer })
  }
}
