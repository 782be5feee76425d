/** Documents over HTTP: read only, for lists and for programs that want to look at one. Types go by their short names. */

import type { RequestHandler } from 'express'
import { HoldfastError } from '../ops/errors.ts'
import { nameFault } from '../ops/names.ts'
import { typeOf } from '../types/index.ts'
import { rightsOf } from './access/http.ts'
import type { Rights } from './access/rights.ts'
import type { Gateway } from './gateway/gateway.ts'
import type { Settings } from './settings.ts'
import type { ListedDoc, Store } from './store/store.ts'

/** Documents on a page: when nothing is said, and at most. */
const PAGE_SIZE = 50
const LARGEST_PAGE = 500

/** A page of a collection's documents; PARAMETER_INVALID for a page that cannot be. */
export function listDocs({ store, settings }: Gateway): RequestHandler {
  return async (request, response) => {
    const collection = checkedName(String(request.params.collection), settings)
    const limit = limitOf(request.query.limit)
    const page = { limit, before: cursorOf(request.query.after) }
    const { docs, last } = await readable(store, collection, page, rightsOf(response))
    response.json({
      docs: docs.map(({ change: _, ...doc }) => ({ ...doc, type: typeOf(doc.type).name })),
      after: last ? toCursor(last) : null,
    })
  }
}

/** One document; NOT_FOUND while it does not exist. */
export function readDoc({ store, settings }: Gateway): RequestHandler {
  return async (request, response) => {
    const collection = checkedName(String(request.params.collection), settings)
    const id = checkedName(String(request.params.id), settings)
    if (!((await rightsOf(response)?.may('read', collection, id)) ?? true))
      throw new HoldfastError('FORBIDDEN')
    const { v, type, data } = await store.snapshot({ collection, id })
    if (type === null) throw new HoldfastError('NOT_FOUND', 'There is no such document.')
    response.json({ v, type: typeOf(type).name, data })
  }
}

/**
 * A page of the documents that may be read, which may have fewer than were asked for: no more than so many are looked at.
 * `last` is where the next page goes on.
 */
async function readable(
  store: Store,
  collection: string,
  page: { limit: number; before?: number },
  rights: Rights | null,
): Promise<{ docs: ListedDoc[]; last: ListedDoc | undefined }> {
  const docs: ListedDoc[] = []
  let last: ListedDoc | undefined
  let before = page.before
  const all = rights === null || (await rights.may('read', collection, null))
  for (let looked = 0; looked < LARGEST_PAGE; ) {
    const some = await store.list(collection, { limit: page.limit, before })
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

/** Throws NAME_INVALID. */
export function checkedName(name: string, settings: Settings): string {
  const fault = nameFault(name, settings.NAME_CHARS)
  if (fault) throw new HoldfastError('NAME_INVALID', fault)
  return name
}

function limitOf(text: unknown): number {
  if (text === undefined) return PAGE_SIZE
  const limit = typeof text === 'string' && /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= LARGEST_PAGE) return limit
  throw new HoldfastError('PARAMETER_INVALID', `limit must be a whole number from 1 to ${LARGEST_PAGE}.`)
}

/** Opaque to a client: where a page ended. */
const toCursor = ({ change }: ListedDoc): string => Buffer.from(String(change)).toString('base64url')

function cursorOf(text: unknown): number | undefined {
  if (text === undefined) return undefined
  const change = Buffer.from(String(text), 'base64url').toString()
  if (/^\d{1,15}$/.test(change)) return Number(change)
  throw new HoldfastError('PARAMETER_INVALID', 'after must be what the page before this one named as after.')
}
