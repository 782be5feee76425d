/** History over HTTP, and catching up as on a socket (catchup.ts). */

import * as v from 'valibot'
import { answerCatchUp } from '../catchup.ts'
import { type Call, hash, param, route, version } from './route.ts'

const PAGE_SIZE = 50
const MINUTE = 60_000

const historyQuery = v.strictObject({
  limit: v.exactOptional(param.limit),
  before: v.exactOptional(
    v.pipe(param.version, v.description('What the page before this one named as `before`.')),
  ),
  gap: v.exactOptional(
    param.ms(86_400_000, 'The longest pause inside a sitting, ms; half an hour by default.'),
  ),
  zone: v.exactOptional(
    v.pipe(
      v.string(),
      v.regex(/^-?\d{1,3}$/),
      v.transform(Number),
      v.description('How far the clock of the reader is ahead of UTC, in minutes.'),
    ),
  ),
})
type HistoryQuery = v.InferOutput<typeof historyQuery>

const share = v.strictObject({ ops: v.number(), added: v.number(), removed: v.number() })
const sitting = v.strictObject({
  v: version,
  n: v.number(),
  from: v.pipe(v.number(), v.description('Time of its first edit, ms since 1970.')),
  to: v.number(),
  pause: v.number(),
  writers: v.record(v.string(), share),
})

export const readHistory = route<HistoryQuery>({
  method: 'get',
  path: '/v1/docs/:collection/:id/history',
  summary:
    'Who changed how much when, in sittings, newest first; the named versions, and who the writers are.',
  needs: 'read',
  query: historyQuery,
  answer: {
    'application/json': v.strictObject({
      sittings: v.array(sitting),
      before: v.nullable(version),
      marks: v.array(v.strictObject({ name: v.string(), v: version, at: v.number() })),
      people: v.pipe(v.record(v.string(), v.string()), v.description('Principals by the src of a writer.')),
    }),
  },
  errors: [],
  async run({ gateway: { store }, key, query }: Call<HistoryQuery>) {
    const { limit = PAGE_SIZE, before, gap, zone } = query
    const rule = { ...(gap !== undefined && { gap }), ...(zone !== undefined && { zone: zone * MINUTE }) }
    const page = await store.history.sittings(key, { limit, ...(before !== undefined && { before }) }, rule)
    const srcs = [...new Set(page.sittings.flatMap(({ writers }) => Object.keys(writers)))]
    const owners = await Promise.all(srcs.map(async src => [src, await store.ownerOf(src)] as const))
    const people = Object.fromEntries(owners.filter(([, who]) => who !== null))
    return { ...page, marks: await store.history.marks(key), people }
  },
})

const catchUpBody = v.strictObject({
  v: v.nullable(version),
  hash: v.exactOptional(hash),
  own: v.pipe(v.array(v.tuple([v.pipe(v.string(), v.maxLength(128)), v.number()])), v.maxLength(10_000)),
})
type CatchUpBody = v.InferOutput<typeof catchUpBody>

export const catchUp = route<object, CatchUpBody>({
  method: 'post',
  path: '/v1/docs/:collection/:id/catchup',
  summary:
    'What a device at a version missed, in few pieces, and which of its own edits are in it (ops/protocol.ts).',
  needs: 'read',
  body: catchUpBody,
  answer: {
    'application/json': v.strictObject({
      from: v.nullable(version),
      v: version,
      hash: v.exactOptional(v.string()),
      segments: v.exactOptional(v.array(v.unknown())),
      snapshot: v.exactOptional(v.unknown()),
      own: v.exactOptional(v.array(v.unknown())),
    }),
  },
  errors: ['SERVER_BEHIND', 'SERVER_DIVERGED'],
  async run({ gateway: { store }, key, body }) {
    const {
      a: _a,
      c: _c,
      d: _d,
      ...answer
    } = await answerCatchUp(store, {
      a: 'h.catchup',
      c: key.collection,
      d: key.id,
      ...body,
    })
    return answer
  },
})
