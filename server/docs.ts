/** Documents over HTTP: read only, for lists and for programs that want to look at one. Types go by their short names. */

import type { RequestHandler } from 'express'
import { HoldfastError } from '../ops/errors.ts'
import { nameFault } from '../ops/names.ts'
import { typeOf } from '../types/index.ts'
import type { Gateway } from './gateway/gateway.ts'
import type { Settings } from './settings.ts'
import type { ListedDoc } from './store/store.ts'

/** Documents on a page: when nothing is said, and at most. */
const PAGE_SIZE = 50
const LARGEST_PAGE = 500

/** A page of a collection's documents; PARAMETER_INVALID for a page that cannot be. */
export function listDocs({ store, settings }: Gateway): RequestHandler {
  return async (request, response) => {
    const collection = checkedName(String(request.params.collection), settings)
    const limit = limitOf(request.query.limit)
    const docs = await store.list(collection, { limit, before: cursorOf(request.query.after) })
    const last = docs.length === limit ? docs.at(-1) : undefined
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
    const { v, type, data } = await store.snapshot({ collection, id })
    if (type === null) throw new HoldfastError('NOT_FOUND', 'There is no such document.')
    response.json({ v, type: typeOf(type).name, data })
  }
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
