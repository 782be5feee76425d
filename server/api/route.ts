/** A route of the HTTP API: what may be asked, who may ask it, and what is answered. Routing and description are made of it. */

import type { Request, Response } from 'express'
import * as v from 'valibot'
import type { ErrorCode } from '../../ops/errors.ts'
import type { DocKey } from '../../ops/identity.ts'
import type { Action } from '../access/access.ts'
import type { Rights } from '../access/rights.ts'
import type { Gateway } from '../gateway/gateway.ts'

type Schema = v.GenericSchema
/** Parameters after the question mark: each is a text, and unknown ones are refused. */
export type QuerySchema = v.GenericSchema<Record<string, unknown>, object>

/** One request on its way. */
export interface Call<Query = object, Body = unknown> {
  readonly gateway: Gateway
  readonly request: Request
  readonly response: Response
  /** Null: all may do all. */
  readonly rights: Rights | null
  /** `id` is empty where the route is about a collection, both where it is about neither. */
  readonly key: DocKey
  readonly query: Query
  readonly body: Body
}

export interface Route<Query = object, Body = unknown> {
  readonly method: 'get' | 'put' | 'post' | 'delete'
  /** As express has it; `:id` makes it one about a document, `:collection` alone about a collection. */
  readonly path: string
  readonly summary: string
  /** What its sender must be allowed to do to that; `each`: what may not be is left out or refused alone; null: anybody. */
  readonly needs: Action | 'each' | null
  readonly query?: v.GenericSchema<Record<string, unknown>, Query>
  /** Headers that it heeds, of `headers`. */
  readonly headers?: readonly (keyof typeof headers)[]
  readonly body?: v.GenericSchema<unknown, Body> | 'ndjson'
  /** What it answers with status 200, by media type; `text`: a form of its own. */
  readonly answer: Readonly<Record<string, Schema | 'text'>>
  /** Codes of its own, besides those that every route has. */
  readonly errors: readonly ErrorCode[]
  /** The answer as JSON; undefined: it has answered by itself. */
  readonly run: (call: Call<Query, Body>) => Promise<unknown>
}

/** Keeps the types of query and body together, and forgets them in the list. */
export const route = <Query = object, Body = undefined>(entry: Route<Query, Body>): Route =>
  entry as unknown as Route

export const headers = {
  'If-Match': 'Only if the document is at this version: "v7", an ETag, or * for any.',
  'If-None-Match':
    'Reading: only if the document is not at this version. Writing: *, only if it does not exist.',
  'Idempotency-Key': 'Names the request: sent again with the same key, it is done once. 1 to 255 characters.',
  'Last-Event-ID': 'The number of the last change of a stream that was cut; it counts instead of `after`.',
} as const

// ---- parts of schemas ----

const whole = (pattern: RegExp, says: string) =>
  v.pipe(v.string(), v.regex(pattern), v.transform(Number), v.description(says))

export const LARGEST_PAGE = 500

export const param = {
  limit: v.pipe(
    v.string(),
    v.regex(/^[1-9]\d{0,3}$/),
    v.transform(Number),
    v.maxValue(LARGEST_PAGE),
    v.description(
      `How many, 1 to ${LARGEST_PAGE}; a page may have fewer, and its cursor says whether there is more.`,
    ),
  ),
  version: whole(/^\d{1,15}$/, 'A version: the number of edits before it.'),
  change: whole(/^\d{1,15}$/, 'The number of a change of the collection; 0 for all.'),
  /** RFC 3339, with its offset. */
  time: v.pipe(
    v.string(),
    v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/),
    v.transform(Date.parse),
    v.finite(),
    v.description('A time as 2026-11-25T12:00:00Z.'),
  ),
  ms: (most: number, says: string) =>
    v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number), v.maxValue(most), v.description(says)),
} as const

export const version = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
export const typeName = v.picklist(['text', 'json', 'rich'])
export const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{16,64}$/))

/** What every write answers: the document has this hash at version `v`. */
export const receipt = v.strictObject({
  v: v.pipe(version, v.description('The version that the document has with it.')),
  hash: v.exactOptional(v.pipe(v.string(), v.description('The receipt; missing where history was trimmed.'))),
  again: v.exactOptional(v.pipe(v.literal(true), v.description('It had been committed before.'))),
  unchanged: v.exactOptional(v.pipe(v.literal(true), v.description('The document was like that already.'))),
})
export type Receipt = v.InferOutput<typeof receipt>
