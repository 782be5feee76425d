/** What a browser loads, and under which rules it may run. */

import { join } from 'node:path'
import type { Express, RequestHandler } from 'express'
import express from 'express'
import helmet from 'helmet'
import { checkedName } from './api/names.ts'
import type { Settings } from './settings.ts'

/**
 * Pages run only our own scripts, from files, and talk only to this server ('self' covers its WebSocket).
 * Whether to insist on TLS is for whoever terminates it: there is none on localhost.
 */
export function securityHeaders({ FRAME_ANCESTORS }: Pick<Settings, 'FRAME_ANCESTORS'>): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        workerSrc: ["'self'"],
        frameAncestors: ["'self'", ...FRAME_ANCESTORS],
        requireTrustedTypesFor: ["'script'"],
        // Ours and what it is for: client/trusted.ts.
        trustedTypes: ['lit-html', 'holdfast', 'default'],
      },
    },
    strictTransportSecurity: false,
    // It knows no list; where it says something else than frame-ancestors, some browsers believe it.
    xFrameOptions: FRAME_ANCESTORS.length === 0,
  }) as RequestHandler
}

/** Names under assets/ change with their content; everything else is asked for again each time. */
export function servePages(app: Express, web: string, settings: Settings): void {
  const page = join(web, 'index.html')
  app.get('/', (_request, response) => response.sendFile(page, { cacheControl: false, headers: fresh }))
  app.get('/d/:collection/:id', (request, response) => {
    checkedName(String(request.params.collection), settings)
    checkedName(String(request.params.id), settings)
    response.sendFile(page, { cacheControl: false, headers: fresh })
  })
  app.use(
    '/assets',
    express.static(join(web, 'assets'), { index: false, redirect: false, immutable: true, maxAge: '1y' }),
  )
  app.use(express.static(web, { index: false, redirect: false, setHeaders: response => response.set(fresh) }))
}

const fresh = { 'Cache-Control': 'no-cache' }
