/** Asks the HTTP API, and holds each answer against the table of routes, its schemas and its codes. */

import assert from 'node:assert/strict'
import * as v from 'valibot'
import { errors, isErrorCode } from '../../../ops/errors.ts'
import { allRoutes } from '../../../server/api/openapi.ts'
import type { Route } from '../../../server/api/route.ts'
import { errorsOf } from '../../../server/api/routes.ts'
import type { Place } from '../scene.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server says
  readonly body: any
}

export interface Asking {
  readonly method?: string
  readonly headers?: Record<string, string>
  /** Sent as JSON; `raw` as it is. */
  readonly send?: unknown
  readonly raw?: string | Uint8Array<ArrayBuffer>
}

/** The route of a path; undefined for none. */
function routeFor(method: string, path: string): Route | undefined {
  const parts = path.split('?')[0]!.split('/')
  return allRoutes.find(entry => {
    const wanted = entry.path.split('/')
    const fits = (each: string, i: number) => each.startsWith(':') || each === parts[i]
    return entry.method === method.toLowerCase() && wanted.length === parts.length && wanted.every(fits)
  })
}

export async function ask(server: Place, path: string, asking: Asking = {}): Promise<Answer> {
  const { send, raw } = asking
  const method = asking.method ?? (send === undefined && raw === undefined ? 'GET' : 'POST')
  const response = await fetch(server.url + path, {
    method,
    headers: { ...(send !== undefined && { 'content-type': 'application/json' }), ...asking.headers },
    ...(send !== undefined && { body: JSON.stringify(send) }),
    ...(raw !== undefined && { body: raw }),
  })
  const text = await response.text()
  const media = (response.headers.get('content-type') ?? '').split(';')[0]!
  const body = media === 'application/json' ? JSON.parse(text) : undefined
  const answer = { status: response.status, headers: response.headers, text, body }
  checkAnswer(routeFor(method, path), answer, media)
  return answer
}

function checkAnswer(entry: Route | undefined, { status, body }: Answer, media: string): void {
  if (status === 304) return
  if (status === 200) {
    const schema = entry?.answer[media]
    assert.ok(schema, `${entry?.path} answers ${media}`)
    if (schema !== 'text') v.parse(schema, body)
    return
  }
  assert.deepEqual(Object.keys(body), ['error'])
  const { code, message } = body.error
  assert.ok(isErrorCode(code) && message.length > 10)
  assert.equal(status, errors[code].http)
  if (entry)
    assert.ok(errorsOf(entry).includes(code), `${code} is in the table for ${entry.method} ${entry.path}`)
}

/** Makes a document of a type; answers its version. */
export const make = (server: Place, id: string, type: string, data: unknown, collection = 'notes') =>
  ask(server, `/v1/docs/${collection}/${id}`, { method: 'PUT', send: { type, data } })
