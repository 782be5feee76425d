/** The change feed of a collection: asked for page by page, waiting where there is nothing yet, or as a stream of events. */

import { once } from 'node:events'
import type { Response } from 'express'
import * as v from 'valibot'
import { HoldfastError } from '../../ops/errors.ts'
import { typeOf } from '../../types/index.ts'
import { Rights } from '../access/rights.ts'
import { type Call, param, route, typeName, version } from './route.ts'

const PAGE_SIZE = 100
const LONGEST_WAIT_MS = 60_000

const feedQuery = v.strictObject({
  after: v.exactOptional(param.change),
  limit: v.exactOptional(param.limit),
  wait: v.exactOptional(param.ms(LONGEST_WAIT_MS, 'How long to wait where nothing has changed, ms.')),
})
type FeedQuery = v.InferOutput<typeof feedQuery>

export const changeSchema = v.strictObject({
  change: v.pipe(v.number(), v.description('The number of its last change in the collection.')),
  id: v.string(),
  type: v.pipe(v.nullable(typeName), v.description('null: it was deleted.')),
  v: version,
  at: v.number(),
})

export const readFeed = route<FeedQuery>({
  method: 'get',
  path: '/v1/feed/:collection',
  summary:
    'What changed since a change, each document once, by its last one; `text/event-stream` goes on for ever.',
  needs: 'each',
  query: feedQuery,
  headers: ['Last-Event-ID'],
  answer: {
    'application/json': v.strictObject({ changes: v.array(changeSchema), after: v.number() }),
    'text/event-stream': 'text',
  },
  errors: ['FEED_FULL'],
  async run(call) {
    const { request, response, gateway } = call
    const { feed, settings } = gateway
    const streams =
      request.method === 'GET' &&
      request.accepts(['application/json', 'text/event-stream']) === 'text/event-stream'
    if (feed.waiters >= settings.FEED_WAITERS && (streams || (call.query.wait ?? 0) > 0))
      throw new HoldfastError('FEED_FULL')
    const start = startOf(call)
    feed.waiters++
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    try {
      if (!streams) return await nextPage(call, gone.signal)
      // Too late for a code: whoever was cut off comes again, and is told.
      await stream(call, start, gone.signal).catch(error => {
        gateway.report('a stream of changes was cut', error)
        response.destroy()
      })
    } finally {
      feed.waiters--
    }
  },
})

/** Where a stream goes on. */
function startOf({ request, query }: Call<FeedQuery>): number {
  const last = request.get('last-event-id')
  if (last !== undefined && !/^\d{1,15}$/.test(last))
    throw new HoldfastError('PARAMETER_INVALID', 'Last-Event-ID must be the number of a change.')
  return Number(last ?? query.after ?? 0)
}

async function nextPage(call: Call<FeedQuery>, signal: AbortSignal) {
  const { gateway, key, query } = call
  const { clock, feed } = gateway
  const end = clock.now() + (query.wait ?? 0)
  const rightsNow = renewing(call)
  for (let after = query.after ?? 0; ; ) {
    // Before it is read, so that nothing falls in between.
    const left = end - clock.now()
    const woken = new AbortController()
    const waiting = feed.wait(key.collection, Math.max(0, left), AbortSignal.any([signal, woken.signal]))
    const page = await changesAfter(call, rightsNow(), after)
    after = page.after
    if (page.changes.length > 0 || left <= 0 || signal.aborted || feed.closed) {
      woken.abort()
      return page
    }
    if (page.more) woken.abort()
    await waiting
  }
}

async function stream(call: Call<FeedQuery>, start: number, signal: AbortSignal): Promise<void> {
  const { gateway, response, key } = call
  const { clock, feed, settings } = gateway
  response.set({ 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
  response.flushHeaders()
  const rightsNow = renewing(call)
  let alive = clock.now()
  await say(response, 'retry: 1000\n\n', signal)
  for (let after = start; !signal.aborted && !feed.closed; ) {
    if (isExpired(call)) break
    const woken = new AbortController()
    const waiting = feed.wait(key.collection, settings.HEARTBEAT_MS, AbortSignal.any([signal, woken.signal]))
    const page = await changesAfter(call, rightsNow(), after)
    after = page.after
    const events = page.changes.map(
      each => `id: ${each.change}\nevent: change\ndata: ${JSON.stringify(each)}\n\n`,
    )
    const quiet = events.length === 0 && clock.now() - alive >= settings.HEARTBEAT_MS
    if (events.length > 0 || quiet) {
      alive = clock.now()
      await say(response, quiet ? ': alive\n\n' : events.join(''), signal)
    }
    if (page.more) woken.abort()
    await waiting
  }
  response.end()
}

const isExpired = ({ gateway, rights }: Call): boolean =>
  rights !== null && (rights.principal.expires ?? Number.POSITIVE_INFINITY) <= gateway.clock.now()

/** The rights of a request that lasts: asked again every so often, as those of a session. Throws TOKEN_EXPIRED. */
function renewing(call: Call): () => Rights | null {
  const { access, clock, report, settings } = call.gateway
  let { rights } = call
  let asked = clock.now()
  return () => {
    if (rights === null || access === null) return null
    if (isExpired(call)) throw new HoldfastError('TOKEN_EXPIRED')
    if (clock.now() - asked < settings.ACCESS_RECHECK_MS) return rights
    asked = clock.now()
    rights = new Rights({ access, clock, report }, rights.principal)
    return rights
  }
}

/** Waits for a slow reader: nothing is read for it meanwhile, so nothing piles up. */
async function say(response: Response, text: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted || response.write(text)) return
  await once(response, 'drain', { signal }).catch(() => {})
}

async function changesAfter({ gateway, key, query }: Call<FeedQuery>, rights: Rights | null, after: number) {
  const { collection } = key
  const limit = query.limit ?? PAGE_SIZE
  const found = await gateway.store.changed(collection, { after, limit })
  const may = await Promise.all(found.map(({ id }) => rights?.may('read', collection, id) ?? true))
  const changes = found
    .filter((_, i) => may[i])
    .map(({ change, id, type, v, at }) => ({ change, id, type: type && typeOf(type).name, v, at }))
  const page = { changes, after: found.at(-1)?.change ?? after }
  // Not told: whoever asks looks on anyway.
  return Object.defineProperty(page, 'more', { value: found.length === limit }) as typeof page & {
    more: boolean
  }
}
