/**
 * What a client may say: every frame is read here before anything else looks at it.
 *
 *   text -> size -> depth -> JSON -> schema -> names -> content of a create -> frame
 *
 * or a refusal at the first that fails. What an op says is checked where its document's type is known (backend.ts).
 *
 * A schema lists the fields that an action has; what it does not list does not pass. ShareDB's queries are not among
 * the actions: no client of ours asks, and a query could read what its asker may not.
 */

import * as v from 'valibot'
import { isDeeperThan } from '../../ops/depth.ts'
import type { ErrorCode } from '../../ops/errors.ts'
import { errors } from '../../ops/errors.ts'
import { nameFault } from '../../ops/names.ts'
import { findType } from '../../types/index.ts'
import type { Settings } from '../settings.ts'
import { sharedb } from '../sharedb.ts'

export type FrameLimits = Pick<Settings, 'FRAME_BYTES' | 'JSON_DEPTH' | 'NAME_CHARS'>

/** Most names in one frame: of documents in a bulk request, of ops in a catch-up. */
const LIST_LENGTH = 10_000
const SRC_CHARS = 128

const version = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const maybeVersion = v.nullish(version)
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(Number.MAX_SAFE_INTEGER - 1))
const src = v.pipe(v.string(), v.minLength(1), v.maxLength(SRC_CHARS))
const address = { c: v.string(), d: v.string() }
const protocolNumber = v.union([v.number(), v.string()])

/** A map from document names to the versions that the client has. */
const versions = v.custom<Record<string, number | null>>(
  value => isObject(value) && Object.values(value).every(each => v.is(maybeVersion, each)),
)
const documents = v.union([v.pipe(v.array(v.string()), v.maxLength(LIST_LENGTH)), versions])

const isOneChange = (frame: { op?: unknown; create?: unknown; del?: unknown }) =>
  Number('op' in frame) + Number(frame.create !== undefined) + Number(frame.del !== undefined) === 1

const hello = v.object({
  a: v.literal('hs'),
  id: v.nullish(src),
  protocol: v.nullish(protocolNumber),
  protocolMinor: v.nullish(protocolNumber),
  holdfast: v.optional(v.number()),
})

const submit = v.pipe(
  v.object({
    a: v.literal('op'),
    ...address,
    v: maybeVersion,
    // ShareDB's client names the src only when it sends an op again; the agent knows it from the handshake.
    src: v.nullish(src),
    seq: count,
    op: v.exactOptional(v.unknown()),
    create: v.exactOptional(v.object({ type: v.string(), data: v.exactOptional(v.unknown()) })),
    del: v.exactOptional(v.literal(true)),
  }),
  v.check(frame => isOneChange(frame), 'an op frame holds exactly one of op, create and del'),
)

const presence = v.pipe(
  v.object({
    a: v.literal('p'),
    ch: v.string(),
    id: src,
    p: v.unknown(),
    pv: version,
    c: v.nullish(v.string()),
    d: v.nullish(v.string()),
    v: maybeVersion,
    t: v.nullish(v.string()),
  }),
  v.check(
    frame => (frame.c == null && frame.d == null) || (frame.c != null && frame.d != null && frame.v != null),
    'presence on a document needs c, d and v',
  ),
)

const catchUp = v.object({
  a: v.literal('h.catchup'),
  ...address,
  v: v.nullable(version),
  own: v.pipe(v.array(v.tuple([src, count])), v.maxLength(LIST_LENGTH)),
})

const schemas = {
  hs: hello,
  op: submit,
  f: v.object({ a: v.literal('f'), ...address, v: maybeVersion }),
  s: v.object({ a: v.literal('s'), ...address, v: maybeVersion }),
  u: v.object({ a: v.literal('u'), ...address }),
  bf: v.object({ a: v.literal('bf'), c: v.string(), b: documents }),
  bs: v.object({ a: v.literal('bs'), c: v.string(), b: documents }),
  bu: v.object({
    a: v.literal('bu'),
    c: v.string(),
    b: v.pipe(v.array(v.string()), v.maxLength(LIST_LENGTH)),
  }),
  nf: v.object({ a: v.literal('nf'), id: version, ...address, v: maybeVersion }),
  nt: v.object({
    a: v.literal('nt'),
    id: version,
    ...address,
    ts: v.nullish(v.pipe(v.number(), v.finite())),
  }),
  p: presence,
  ps: v.object({ a: v.literal('ps'), ch: v.string(), seq: version }),
  pu: v.object({ a: v.literal('pu'), ch: v.string(), seq: version }),
  pr: v.object({ a: v.literal('pr'), ch: v.string() }),
  pp: v.object({ a: v.literal('pp') }),
  'h.catchup': catchUp,
} as const

export type Hello = v.InferOutput<typeof hello>
export type CatchUp = v.InferOutput<typeof catchUp>
export type Frame = {
  [Action in keyof typeof schemas]: v.InferOutput<(typeof schemas)[Action]>
}[keyof typeof schemas]

export interface FrameFault {
  readonly code: ErrorCode
  readonly message: string
  /** The fields that tell the client which request is meant; null when there is no telling. */
  readonly address: Readonly<Record<string, unknown>> | null
}

export type FrameRead = { readonly frame: Frame; readonly fault?: undefined } | { readonly fault: FrameFault }

/** Reads one text frame. O(length), never throws. */
export function readFrame(text: string, limits: FrameLimits): FrameRead {
  const tooLarge = text.length > limits.FRAME_BYTES || Buffer.byteLength(text) > limits.FRAME_BYTES
  const tooDeep = isDeeperThan(text, limits.JSON_DEPTH)
  const raw = parse(text)
  const refuse = (code: ErrorCode, message: string): FrameRead => ({
    fault: { code, message, address: addressOf(raw) },
  })

  if (tooLarge) return refuse('FRAME_TOO_LARGE', `The frame is larger than ${limits.FRAME_BYTES} bytes.`)
  if (tooDeep) return refuse('FRAME_TOO_DEEP', `The frame nests deeper than ${limits.JSON_DEPTH} levels.`)
  if (!isObject(raw)) return refuse('FRAME_MALFORMED', 'The frame is not a JSON object.')
  if (!isAction(raw.a))
    return refuse('FRAME_MALFORMED', 'The frame names no action (a) that this server knows.')

  const result = v.safeParse(schemas[raw.a], raw, { abortEarly: true })
  if (!result.success) return refuse('FRAME_MALFORMED', describe(raw.a, result.issues[0]))
  const frame: Frame = result.output
  const name = badName(frame, limits.NAME_CHARS)
  if (name !== null) return refuse('NAME_INVALID', name)
  const fault = 'create' in frame && frame.create ? createFault(frame.create) : null
  return fault ? refuse(fault.code, fault.message) : { frame }
}

/** V8 parses without recursion, so a frame that was found too deep can still be asked whom it concerns. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isAction = (action: unknown): action is keyof typeof schemas =>
  typeof action === 'string' && Object.hasOwn(schemas, action)

function describe(action: string, issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue)
  return path
    ? `Field ${path} of a frame "${action}" is not as it must be.`
    : `In a frame "${action}" ${issue.message}.`
}

function badName(frame: Frame, limit: number): string | null {
  const names: string[] = []
  if ('c' in frame && frame.c != null) names.push(frame.c)
  if ('d' in frame && frame.d != null) names.push(frame.d)
  if ('b' in frame) names.push(...(Array.isArray(frame.b) ? frame.b : Object.keys(frame.b)))
  for (const name of names) {
    const fault = nameFault(name, limit)
    if (fault) return fault
  }
  // ShareDB makes a document's presence channel of both names and a prefix.
  return 'ch' in frame ? nameFault(frame.ch, 2 * limit + 64) : null
}

/** A client names a type by its URI or by its library's name, which ShareDB knows; and ShareDB knows more than we serve. */
function createFault(create: { type: string; data?: unknown }): { code: ErrorCode; message: string } | null {
  const type = findType(sharedb.types.map[create.type]?.uri)
  if (!type) return { code: 'TYPE_UNKNOWN', message: errors.TYPE_UNKNOWN.meaning }
  return create.data === undefined ? null : type.checkData(create.data)
}

/** ShareDB's clients find the request of an answer by these fields. */
export function addressOf(raw: unknown): FrameFault['address'] {
  if (!isObject(raw) || typeof raw.a !== 'string') return null
  const { a, c, d, src, seq, ch, id, pv, b } = raw
  const doc = typeof c === 'string' && typeof d === 'string'
  switch (a) {
    case 'hs':
    case 'pp':
      return { a }
    case 'op':
      return doc ? { a, c, d, ...scalars({ src, seq }) } : null
    case 'h.catchup':
      return doc ? { a, c, d, from: typeof raw.v === 'number' ? raw.v : null } : null
    case 'f':
    case 's':
    case 'u':
      return doc ? { a, c, d } : null
    case 'bf':
    case 'bs':
    case 'bu':
      return typeof c === 'string' ? { a, c, b: namesIn(b) } : null
    case 'p':
    case 'ps':
    case 'pu':
    case 'pr':
      return typeof ch === 'string' ? { a, ch, ...scalars({ id, seq, pv }) } : null
    case 'nf':
    case 'nt':
    case 'qf':
    case 'qs':
    case 'qu':
      return typeof id === 'number' ? { a, id } : null
    default:
      return null
  }
}

const scalars = (fields: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => typeof value === 'string' || typeof value === 'number'),
  )

function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.filter(each => typeof each === 'string')
  return isObject(value) ? Object.keys(value) : []
}
