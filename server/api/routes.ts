/** The table of routes, and what each may be refused with. */

import * as v from 'valibot'
import { type ErrorCode, HoldfastError } from '../../ops/errors.ts'
import { bodyErrors } from './body.ts'
import { listDocs, readDoc } from './docs.ts'
import { readFeed } from './feed.ts'
import { exportDocs, importDocs } from './move.ts'
import { catchUp, readHistory } from './past.ts'
import { type Route, route } from './route.ts'
import { deleteDoc, postOp, postOps, putDoc, restoreDoc } from './write.ts'

const health = route({
  method: 'get',
  path: '/health',
  summary: 'The process lives.',
  needs: null,
  answer: { 'application/json': v.strictObject({ status: v.literal('ok') }) },
  errors: [],
  run: async () => ({ status: 'ok' }),
})

const ready = route({
  method: 'get',
  path: '/ready',
  summary: 'It takes work: the store answers and nothing is shutting down.',
  needs: null,
  answer: {
    'application/json': v.strictObject({
      status: v.picklist(['ready', 'degraded']),
      bus: v.exactOptional(v.string()),
    }),
  },
  errors: ['SERVER_DRAINING'],
  async run({ gateway }) {
    if (gateway.draining) throw new HoldfastError('SERVER_DRAINING')
    await gateway.store.ping()
    const { state } = gateway.bus
    // Still 200: edits are taken, and a balancer that took all servers out would make it worse.
    if (state === 'alone') return { status: 'ready' }
    return { status: state === 'up' ? 'ready' : 'degraded', bus: state }
  },
})

export const routes: readonly Route[] = [
  health,
  ready,
  listDocs,
  readDoc,
  putDoc,
  deleteDoc,
  postOp,
  postOps,
  readHistory,
  catchUp,
  restoreDoc,
  readFeed,
  exportDocs,
  importDocs,
]

/** Whether it changes anything: then it is refused while the server drains, and to pages that may not connect. */
export const isWrite = ({ method }: Route): boolean => method !== 'get'

/** Every code that a route may be answered with. */
export function errorsOf(entry: Route): ErrorCode[] {
  const { path, needs, query, headers, body, errors } = entry
  const all: ErrorCode[] = [...errors, 'STORE_FAILED', 'INTERNAL']
  if (needs !== null)
    all.push('TOKEN_MISSING', 'TOKEN_INVALID', 'TOKEN_EXPIRED', 'FORBIDDEN', 'TOO_MANY', 'ACCESS_UNAVAILABLE')
  if (path.includes(':') || query || headers) all.push('PARAMETER_INVALID')
  if (path.includes(':') || body) all.push('NAME_INVALID')
  if (isWrite(entry)) all.push('SERVER_DRAINING', 'ORIGIN_REFUSED')
  if (body && body !== 'ndjson') all.push(...bodyErrors)
  return [...new Set(all)]
}
