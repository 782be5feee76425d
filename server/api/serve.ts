/** Takes requests to the routes: names, rights, parameters and body are checked here, from the table, before a route runs. */

import type { Express, RequestHandler, Response } from 'express'
import * as v from 'valibot'
import { HoldfastError } from '../../ops/errors.ts'
import { rightsOf } from '../access/http.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { readBody } from './body.ts'
import { checkedName } from './names.ts'
import { allRoutes } from './openapi.ts'
import type { Route } from './route.ts'
import { isWrite } from './routes.ts'

export function serveApi(app: Express, gateway: Gateway): void {
  for (const entry of allRoutes) app[entry.method](entry.path, handlerOf(entry, gateway))
  // These addresses exist, so another method is the mistake.
  const byPath = Map.groupBy(allRoutes, ({ path }) => path)
  for (const [path, entries] of byPath) app.all([path], refuseMethod(entries.map(({ method }) => method)))
}

function refuseMethod(methods: readonly string[]): RequestHandler {
  const names = methods.flatMap(method => (method === 'get' ? ['GET', 'HEAD'] : method.toUpperCase()))
  return (_request, response) => {
    response.set('Allow', names.join(', '))
    throw new HoldfastError('METHOD_NOT_ALLOWED')
  }
}

function handlerOf(entry: Route, gateway: Gateway): RequestHandler {
  const { settings } = gateway
  return async (request, response) => {
    if (isWrite(entry) && gateway.draining) throw new HoldfastError('SERVER_DRAINING')
    const { collection = '', id = '' } = request.params as { collection?: string; id?: string }
    if (entry.path.includes(':collection')) checkedName(collection, settings)
    if (entry.path.includes(':id')) checkedName(id, settings)
    const key = { collection, id }
    const rights = rightsOf(response)
    await checkNeed(entry, key, response)
    const query = entry.needs === null ? {} : queryOf(entry, { ...request.query })
    const body =
      entry.body && entry.body !== 'ndjson' ? await readBody(request, entry.body, settings) : undefined
    const answer = await entry.run({ gateway, request, response, rights, key, query, body })
    if (answer !== undefined) response.json(answer)
  }
}

/** Throws FORBIDDEN. What is needed of a collection is needed of every document in it. */
async function checkNeed(
  { needs, path }: Route,
  { collection, id }: { collection: string; id: string },
  response: Response,
): Promise<void> {
  if (needs === null || needs === 'each') return
  const may = rightsOf(response)?.may(needs, collection, path.includes(':id') ? id : null)
  if (!((await may) ?? true)) throw new HoldfastError('FORBIDDEN')
}

const nothing = v.strictObject({})

/** Throws PARAMETER_INVALID. */
function queryOf({ query = nothing }: Route, given: Record<string, unknown>): object {
  const result = v.safeParse(query, given, { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  const name = v.getDotPath(issue)
  throw new HoldfastError(
    'PARAMETER_INVALID',
    name
      ? `Parameter ${name} is not as it must be; see /openapi.json.`
      : `Of the parameters ${issue.message}.`,
  )
}
