/**
 * The form of every frame that a client may send: ShareDB's actions (sharedb/lib/agent.js) and our own.
 *
 * ShareDB's queries are not among them: no client of ours asks, and a query could read what its asker may not.
 */

import * as v from 'valibot'

/** Most names in one frame: of documents in a bulk request, of ops in a catch-up. */
const LIST_LENGTH = 10_000
const SRC_CHARS = 128

const version = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const maybeVersion = v.nullish(version)
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(Number.MAX_SAFE_INTEGER - 1))
const src = v.pipe(v.string(), v.minLength(1), v.maxLength(SRC_CHARS))
/** In hexadecimal. */
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{16,64}$/))
const address = { c: v.string(), d: v.string() }
/** Header, claims and signature of a large token are some kB. */
const token = v.pipe(v.string(), v.minLength(1), v.maxLength(65_536))
const protocolNumber = v.union([v.number(), v.string()])

/** A map from document names to the versions that the client has. */
const versions = v.custom<Record<string, number | null>>(value => {
  if (!isObject(value)) return false
  const list = Object.values(value)
  return list.length <= LIST_LENGTH && list.every(each => v.is(maybeVersion, each))
})
const ids = v.pipe(v.array(v.string()), v.maxLength(LIST_LENGTH))
const documents = v.union([ids, versions])

const isOneChange = (frame: { op?: unknown; create?: unknown; del?: unknown }) =>
  Number('op' in frame) + Number(frame.create !== undefined) + Number(frame.del !== undefined) === 1

const hello = v.object({
  a: v.literal('hs'),
  id: v.nullish(src),
  protocol: v.nullish(protocolNumber),
  protocolMinor: v.nullish(protocolNumber),
  holdfast: v.optional(v.number()),
  token: v.optional(token),
})

const submit = v.pipe(
  v.object({
    a: v.literal('op'),
    ...address,
    v: maybeVersion,
    // ShareDB's client names the src only when it sends an op again; the agent knows it from the handshake.
    src: v.nullish(src),
    seq: count,
    seal: v.exactOptional(hash),
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
  hash: v.exactOptional(hash),
  own: v.pipe(v.array(v.tuple([src, count])), v.maxLength(LIST_LENGTH)),
  submit: v.optional(v.object({ src, seq: count, seal: v.exactOptional(hash), op: v.unknown() })),
})

const device = v.object({
  a: v.literal('h.device'),
  log: v.pipe(v.string(), v.maxLength(SRC_CHARS)),
  device: src,
  edits: v.exactOptional(version),
})

/** By action. What a schema does not list does not pass. */
export const schemas = {
  hs: hello,
  op: submit,
  f: v.object({ a: v.literal('f'), ...address, v: maybeVersion }),
  s: v.object({ a: v.literal('s'), ...address, v: maybeVersion }),
  u: v.object({ a: v.literal('u'), ...address, n: v.exactOptional(count) }),
  bf: v.object({ a: v.literal('bf'), c: v.string(), b: documents }),
  bs: v.object({ a: v.literal('bs'), c: v.string(), b: documents }),
  bu: v.object({ a: v.literal('bu'), c: v.string(), b: ids }),
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
  'h.token': v.object({ a: v.literal('h.token'), token }),
  'h.device': device,
} as const

export type Hello = v.InferOutput<typeof hello>
export type Device = v.InferOutput<typeof device>
export type CatchUp = v.InferOutput<typeof catchUp>
export type Frame = {
  [Action in keyof typeof schemas]: v.InferOutput<(typeof schemas)[Action]>
}[keyof typeof schemas]

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
