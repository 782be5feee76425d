/** The description of the API (OpenAPI 3.1), made from the table of routes. */

import * as v from 'valibot'
import { type ErrorCode, errors } from '../../ops/errors.ts'
import { NDJSON } from './move.ts'
import { headers, type Route, route } from './route.ts'
import { errorsOf, routes } from './routes.ts'
import { isOptional, type JsonSchema, jsonSchemaOf } from './schema.ts'

export const describe = route({
  method: 'get',
  path: '/openapi.json',
  summary: 'This description.',
  needs: null,
  answer: { 'application/json': v.unknown() },
  errors: [],
  run: async () => description(),
})

export const allRoutes: readonly Route[] = [...routes, describe]

/** express's `/a/:b` as `/a/{b}`. */
export const templateOf = (path: string): string => path.replace(/:(\w+)/g, '{$1}')

export function description() {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const entry of allRoutes) {
    const path = templateOf(entry.path)
    paths[path] = { ...paths[path], [entry.method]: operationOf(entry) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version: '1',
      description:
        'Every error is {error: {code, message}}; what a code means, and what to do, stands at its answer.',
    },
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  }
}

function operationOf(entry: Route) {
  const { method, path, summary, needs, query, body, answer } = entry
  const media = body === 'ndjson' ? NDJSON : 'application/json'
  const schema = body === 'ndjson' ? { type: 'string' } : body && jsonSchemaOf(body)
  return {
    operationId: `${method} ${path}`,
    summary,
    description: `Needs: ${needs ?? 'nothing'}.`,
    security: needs === null ? [] : [{ token: [] }, {}],
    parameters: [...pathParameters(path), ...queryParameters(query), ...headerParameters(entry)],
    ...(schema && { requestBody: { required: true, content: { [media]: { schema } } } }),
    responses: { 200: { description: 'Done.', content: contentOf(answer) }, ...refusalsOf(entry) },
  }
}

const contentOf = (answer: Route['answer']) =>
  Object.fromEntries(
    Object.entries(answer).map(([media, schema]) => [
      media,
      { schema: schema === 'text' ? { type: 'string' } : jsonSchemaOf(schema) },
    ]),
  )

const pathParameters = (path: string) =>
  Array.from(path.matchAll(/:(\w+)/g), ([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))

function queryParameters(query: Route['query']) {
  if (!query) return []
  const { entries } = query as unknown as { entries: Record<string, v.GenericSchema> }
  return Object.entries(entries).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !isOptional(schema),
    schema: jsonSchemaOf(schema),
  }))
}

const headerParameters = ({ headers: names = [] }: Route) =>
  names.map(name => ({ name, in: 'header', description: headers[name], schema: { type: 'string' } }))

function refusalsOf(entry: Route): Record<string, unknown> {
  const byStatus = Map.groupBy(errorsOf(entry), code => errors[code].http)
  const refusals = Object.fromEntries([...byStatus].map(([status, codes]) => [status, refusalOf(codes)]))
  return entry.headers?.includes('If-None-Match') && entry.method === 'get'
    ? { 304: { description: 'It is at that version.' }, ...refusals }
    : refusals
}

function refusalOf(codes: readonly ErrorCode[]) {
  const error: JsonSchema = {
    type: 'object',
    properties: { code: { enum: codes }, message: { type: 'string' } },
    required: ['code', 'message'],
    additionalProperties: false,
  }
  const schema = { type: 'object', properties: { error }, required: ['error'], additionalProperties: false }
  const description = codes.map(code => `${code}: ${errors[code].meaning}`).join('\n')
  return { description, content: { 'application/json': { schema } } }
}
