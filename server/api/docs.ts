/** Reading documents: lists of them, and one in the form, and from the version or the time, that was asked for. */

import * as v from 'valibot'
import { HoldfastError } from '../../ops/errors.ts'
import { type RichDoc, typeOf } from '../../types/index.ts'
import type { Rights } from '../access/rights.ts'
import type { ListedDoc, ListRequest, Store, StoredSnapshot } from '../store/store.ts'
import { etagOf, type Form, isKnown } from './etag.ts'
import { htmlOfRich, htmlOfText } from './html.ts'
import { type Call, LARGEST_PAGE, param, route, typeName, version } from './route.ts'

const PAGE_SIZE = 50

/** Opaque to a client: where a page ended. */
const toCursor = ({ change }: ListedDoc): string => Buffer.from(String(change)).toString('base64url')
const cursor = v.pipe(
  v.string(),
  v.transform(text => Buffer.from(text, 'base64url').toString()),
  v.regex(/^\d{1,15}$/),
  v.transform(Number),
  v.description('What the page before this one named as `after`.'),
)

const listQuery = v.strictObject({
  limit: v.exactOptional(param.limit),
  after: v.exactOptional(cursor),
  prefix: v.exactOptional(
    v.pipe(
      v.string(),
      v.maxLength(4096),
      v.check(text => text.isWellFormed(), 'ill-formed'),
      v.description('How the names begin.'),
    ),
  ),
  since: v.exactOptional(v.pipe(param.time, v.description('Last changed at or after this time.'))),
  until: v.exactOptional(v.pipe(param.time, v.description('Last changed before this time.'))),
})

const listed = v.strictObject({
  docs: v.array(
    v.strictObject({
      collection: v.string(),
      id: v.string(),
      type: typeName,
      v: version,
      at: v.pipe(v.number(), v.description('Time of the last change, ms since 1970.')),
    }),
  ),
  after: v.nullable(v.string()),
})

export const listDocs = route({
  method: 'get',
  path: '/v1/docs/:collection',
  summary: 'A page of the documents of a collection, last changed first.',
  needs: 'each',
  query: listQuery,
  answer: { 'application/json': listed },
  errors: [],
  async run({ gateway, key, query, rights }) {
    const { limit = PAGE_SIZE, after, ...filter } = query
    const page = { limit, ...(after !== undefined && { before: after }), ...filter }
    const { docs, last } = await readable(gateway.store, key.collection, page, rights)
    return {
      docs: docs.map(({ change: _, ...doc }) => ({ ...doc, type: typeOf(doc.type).name })),
      after: last ? toCursor(last) : null,
    }
  },
})

/**
 * A page of the documents that may be read, which may have fewer than were asked for: no more than so many are looked at.
 * `last` is where the next page goes on.
 */
async function readable(
  store: Store,
  collection: string,
  page: ListRequest,
  rights: Rights | null,
): Promise<{ docs: ListedDoc[]; last: ListedDoc | undefined }> {
  const docs: ListedDoc[] = []
  let last: ListedDoc | undefined
  let before = page.before
  const all = rights === null || (await rights.may('read', collection, null))
  for (let looked = 0; looked < LARGEST_PAGE; ) {
    const some = await store.list(collection, { ...page, ...(before !== undefined && { before }) })
    const may = await Promise.all(some.map(({ id }) => all || rights.may('read', collection, id)))
    for (const [i, doc] of some.entries()) {
      if (docs.length === page.limit) return { docs, last }
      if (may[i]) docs.push(doc)
      last = doc
    }
    if (some.length < page.limit) return { docs, last: undefined }
    if (docs.length === page.limit) return { docs, last }
    looked += some.length
    before = last?.change
  }
  return { docs, last }
}

const readQuery = v.pipe(
  v.strictObject({
    v: v.exactOptional(param.version),
    at: v.exactOptional(v.pipe(param.time, v.description('As it was at this time.'))),
    as: v.exactOptional(
      v.pipe(v.picklist(['json', 'text', 'html']), v.description('The form, whatever the request accepts.')),
    ),
  }),
  v.check(query => query.v === undefined || query.at === undefined, 'v and at exclude each other'),
)
type ReadQuery = v.InferOutput<typeof readQuery>

export const readDoc = route<ReadQuery>({
  method: 'get',
  path: '/v1/docs/:collection/:id',
  summary: 'A document as it is, or as it was at a version or a time.',
  needs: 'read',
  query: readQuery,
  headers: ['If-None-Match'],
  answer: {
    'application/json': v.strictObject({ v: version, type: typeName, data: v.unknown() }),
    'text/plain': 'text',
    'text/html': 'text',
  },
  errors: ['NOT_FOUND', 'VERSION_UNKNOWN', 'HISTORY_TRIMMED', 'NOT_ACCEPTABLE'],
  async run(call) {
    const { gateway, request, response, query } = call
    const snapshot = await snapshotOf(call)
    if (snapshot.type === null) throw new HoldfastError('NOT_FOUND', 'There is no such document.')
    const form = query.as ?? formOf(call)
    const text = form === 'json' ? '' : rendered(snapshot, form)
    const etag = etagOf(snapshot.v, gateway.store.epoch, form)
    // To be asked for again each time, and told only if it has changed; never to somebody else.
    response.set({ ETag: etag, 'Cache-Control': 'private, no-cache' }).vary('Accept, Authorization, Cookie')
    if (isKnown(request, etag)) response.status(304).end()
    else if (form === 'json') return { v: snapshot.v, type: typeOf(snapshot.type).name, data: snapshot.data }
    else response.type(form === 'text' ? 'text/plain' : 'text/html').send(text)
  },
})

async function snapshotOf({ gateway: { store }, key, query }: Call<ReadQuery>): Promise<StoredSnapshot> {
  if (query.v !== undefined) return store.at(key, query.v)
  return query.at === undefined ? store.snapshot(key) : store.at(key, await store.versionBy(key, query.at))
}

const forms: Readonly<Record<string, Form>> = {
  'application/json': 'json',
  'text/plain': 'text',
  'text/html': 'html',
}

function formOf({ request }: Call<ReadQuery>): Form {
  const media = request.accepts(Object.keys(forms))
  if (!media) throw new HoldfastError('NOT_ACCEPTABLE')
  return forms[media as string]!
}

function rendered({ type: uri, data }: StoredSnapshot, form: 'text' | 'html'): string {
  const type = typeOf(uri!)
  if (type.name === 'json')
    throw new HoldfastError('NOT_ACCEPTABLE', 'A document of type json is told as application/json only.')
  if (form === 'text') return type.textOf({ doc: data })
  return type.name === 'rich' ? htmlOfRich(data as RichDoc) : htmlOfText(data as string)
}
