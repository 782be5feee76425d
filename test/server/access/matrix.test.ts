/**
 * Every role, every action, every way in. The rows are held against the lists in the code: the frames of the gateway's
 * schemas, the routes of the HTTP app, the actions of a policy. What has no row fails.
 */

import assert from 'node:assert/strict'
import { keyText } from '../../../ops/identity.ts'
import { type Action, actions } from '../../../server/access/access.ts'
import { schemas } from '../../../server/gateway/schemas.ts'
import { httpApp } from '../../../server/http.ts'
import { type AnyFrame, closeAll, done, type StockDoc, serve, stockClient, TEXT } from '../scene.ts'
import { Board, type Line, Site, tokenOf } from './site.ts'

const roles = [null, ...actions] as const
type Role = (typeof roles)[number]

/** Whether a role may do what takes `need`. */
const may = (role: Role, need: Action | null): boolean =>
  need === null || (role !== null && actions.indexOf(role) >= actions.indexOf(need))

const SECRET = 'the secret'
/** What others write and show after the frame. */
const LATER = 'the later secret'
const doc = { c: 'notes', d: 'a' }
const ch = keyText({ collection: 'notes', id: 'a' })
const op = { a: 'op', ...doc, src: 'ann', seq: 1 }

interface Row {
  readonly what?: string
  readonly needs: Action | null
  readonly ask: AnyFrame
  /** Fields of the answer; the frame's own action by default. */
  readonly answer?: AnyFrame
  /** Where the answer says no, if not in `error`. */
  readonly errorIn?: (answer: AnyFrame) => { code: string } | undefined
}

const inError = ({ error }: AnyFrame) => error
const inData = ({ data }: AnyFrame) => data?.a?.error

/** By the action of the frame. */
const rows: Readonly<Record<string, readonly Row[]>> = {
  hs: [{ needs: null, ask: { a: 'hs', id: 'ann', protocol: 1, protocolMinor: 2 } }],
  'h.token': [{ needs: null, ask: { a: 'h.token', token: tokenOf({ id: 'ann' }) } }],
  'h.device': [{ needs: null, ask: { a: 'h.device', log: 'log', device: 'd' } }],
  pp: [{ needs: null, ask: { a: 'pp' } }],
  op: [
    { what: 'an edit', needs: 'write', ask: { ...op, v: 1, op: ['x'] } },
    { what: 'a creation', needs: 'write', ask: { ...op, d: 'new', v: 0, create: { type: TEXT, data: 'x' } } },
    { what: 'a deletion', needs: 'manage', ask: { ...op, v: 1, del: true } },
  ],
  'h.catchup': [
    { what: 'from nothing', needs: 'read', ask: { a: 'h.catchup', ...doc, v: null, own: [] } },
    { what: 'from the start', needs: 'read', ask: { a: 'h.catchup', ...doc, v: 0, own: [] } },
    {
      what: 'its op that goes along',
      needs: 'write',
      ask: { a: 'h.catchup', ...doc, v: 1, own: [['ann', 1]], submit: { src: 'ann', seq: 1, op: ['x'] } },
      answer: { a: 'op', seq: 1 },
    },
  ],
  f: [
    { what: 'the document', needs: 'read', ask: { a: 'f', ...doc } },
    { what: 'its ops', needs: 'read', ask: { a: 'f', ...doc, v: 0 } },
  ],
  s: [
    { what: 'the document', needs: 'read', ask: { a: 's', ...doc } },
    { what: 'from version 0', needs: 'read', ask: { a: 's', ...doc, v: 0 } },
    { what: 'from the head', needs: 'read', ask: { a: 's', ...doc, v: 1 } },
  ],
  u: [{ needs: null, ask: { a: 'u', ...doc } }],
  bf: [
    { what: 'documents', needs: 'read', ask: { a: 'bf', c: 'notes', b: ['a'] }, errorIn: inData },
    { what: 'their ops', needs: 'read', ask: { a: 'bf', c: 'notes', b: { a: 0 } }, errorIn: inData },
  ],
  bs: [
    { what: 'documents', needs: 'read', ask: { a: 'bs', c: 'notes', b: ['a'] }, errorIn: inData },
    { what: 'from version 0', needs: 'read', ask: { a: 'bs', c: 'notes', b: { a: 0 } }, errorIn: inData },
  ],
  bu: [{ needs: null, ask: { a: 'bu', c: 'notes', b: ['a'] } }],
  nf: [{ needs: 'read', ask: { a: 'nf', id: 1, ...doc, v: 1 } }],
  nt: [{ needs: 'read', ask: { a: 'nt', id: 1, ...doc, ts: null } }],
  p: [
    { what: 'ours', needs: 'read', ask: { a: 'p', ch, id: 'me', p: 1, pv: 1 } },
    {
      what: "ShareDB's",
      needs: 'read',
      ask: { a: 'p', ch: 'notes.a', id: 'me', p: 1, pv: 1, ...doc, v: 1, t: TEXT },
    },
  ],
  ps: [
    { what: 'ours', needs: 'read', ask: { a: 'ps', ch, seq: 1 } },
    { what: "ShareDB's", needs: 'read', ask: { a: 'ps', ch: 'notes.a', seq: 1 } },
  ],
  pr: [{ needs: 'read', ask: { a: 'pr', ch } }],
  pu: [{ needs: null, ask: { a: 'pu', ch, seq: 1 } }],
}

/** What a client does with ShareDB's own library. */
const stockRows: readonly { what: string; needs: Action; run(doc: StockDoc): Promise<void> }[] = [
  { what: 'subscribes', needs: 'read', run: doc => done(call => doc.subscribe(call)) },
  { what: 'fetches', needs: 'read', run: doc => done(call => doc.fetch(call)) },
  {
    what: 'edits',
    needs: 'write',
    async run(doc) {
      await done(call => doc.subscribe(call))
      await done(call => doc.submitOp(['x'], call))
    },
  },
  {
    what: 'deletes',
    needs: 'manage',
    async run(doc) {
      await done(call => doc.subscribe(call))
      await done(call => doc.del(call))
    },
  },
]

interface RouteRow {
  readonly needs: Action | null
  readonly get: string
  readonly send?: object
  readonly media?: string
  /** What the body has for who may. */
  readonly shows: string
  /** What may not be is left out, or refused alone: the status is 200. */
  readonly each?: true
}

const edit = { src: 'ann-1', seq: 1, v: 1, op: ['x'] }

/** By the method and path of the route. */
const routeRows: Readonly<Record<string, RouteRow>> = {
  'get /health': { needs: null, get: '/health', shows: 'ok' },
  'get /metrics': { needs: null, get: '/metrics', shows: 'holdfast_sessions' },
  'get /ready': { needs: null, get: '/ready', shows: 'ready' },
  'get /openapi.json': { needs: null, get: '/openapi.json', shows: '3.1.0' },
  'get /v1/docs/:collection': { needs: 'read', get: '/v1/docs/notes', shows: '"id":"a"', each: true },
  'get /v1/docs/:collection/:id': { needs: 'read', get: '/v1/docs/notes/a', shows: SECRET },
  'put /v1/docs/:collection/:id': {
    needs: 'write',
    get: '/v1/docs/notes/a',
    send: { data: 'other' },
    shows: '"v":2',
  },
  'delete /v1/docs/:collection/:id': { needs: 'manage', get: '/v1/docs/notes/a', shows: '"v":2' },
  'post /v1/docs/:collection/:id/ops': {
    needs: 'write',
    get: '/v1/docs/notes/a/ops',
    send: edit,
    shows: '"v":2',
  },
  'post /v1/ops': {
    needs: 'write',
    get: '/v1/ops',
    send: { ops: [{ collection: 'notes', id: 'a', ...edit }] },
    shows: '"v":2',
    each: true,
  },
  'get /v1/docs/:collection/:id/history': {
    needs: 'read',
    get: '/v1/docs/notes/a/history',
    shows: '"sittings":[{',
  },
  'post /v1/docs/:collection/:id/catchup': {
    needs: 'read',
    get: '/v1/docs/notes/a/catchup',
    send: { v: null, own: [] },
    shows: SECRET,
  },
  'post /v1/docs/:collection/:id/restore': {
    needs: 'manage',
    get: '/v1/docs/notes/a/restore',
    send: { v: 1 },
    shows: '"v":1',
  },
  'get /v1/feed/:collection': { needs: 'read', get: '/v1/feed/notes', shows: '"id":"a"', each: true },
  'get /v1/export/:collection': { needs: 'manage', get: '/v1/export/notes', shows: SECRET },
  'post /v1/import/:collection': {
    needs: 'manage',
    get: '/v1/import/notes',
    send: { end: { documents: 0, ops: 0 } },
    media: 'application/x-ndjson',
    shows: 'IMPORT_INVALID',
  },
  'get /': { needs: null, get: '/', shows: '' },
  'get /d/:collection/:id': { needs: null, get: '/d/notes/a', shows: '' },
}

const create = { a: 'op', ...doc, src: 'root', seq: 1, v: 0, create: { type: TEXT, data: SECRET } }

describe('The matrix of access: frames', () => {
  let site: Site
  beforeEach(async () => {
    site = new Site()
    const root = await site.greet('root')
    await root.ask(create, { a: 'op', seq: 1 })
  })
  afterEach(() => site.close())

  it('[Z4] has a row for each frame that a client may send', () => {
    assert.deepEqual(Object.keys(rows).sort(), Object.keys(schemas).sort())
  })

  it('[Z4] has for each action of a policy something that takes it, in every way in', () => {
    const ways = { frames: Object.values(rows).flat(), stock: stockRows, routes: Object.values(routeRows) }
    for (const [way, list] of Object.entries(ways)) {
      const needed = new Set(list.map(({ needs }) => needs))
      for (const action of actions) assert.ok(needed.has(action), `${action} over ${way}`)
    }
  })

  const told = (line: Line) => JSON.stringify(line.said)

  /** Somebody else edits the document, if it is still there, and shows a caret in it. */
  async function others(v: number): Promise<void> {
    const other = await site.greet('other', { id: 'root' })
    const name = { a: 'op', ...doc, src: 'other', seq: 1 }
    await other.ask({ ...name, v, op: [LATER] }, { a: 'op', seq: 1 })
    for (const presence of [
      { a: 'p', ch, id: 'caret', p: LATER, pv: 1 },
      { a: 'p', ch: 'notes.a', id: LATER, p: 1, pv: 1, ...doc, v, t: TEXT },
    ])
      await other.ask(presence, { a: 'p', ch: presence.ch })
    await site.quiet()
  }

  for (const [a, list] of Object.entries(rows)) {
    for (const { what, needs, ask, answer = { a }, errorIn = inError } of list) {
      for (const role of roles) {
        const allowed = may(role, needs)
        it(`[Z3] ${role ?? 'nobody'} ${allowed ? 'may' : 'may not'} ${a}${what ? ` (${what})` : ''}`, async () => {
          site.board.give('ann', role)
          site.board.give('ann', role, 'notes', 'new')
          const line = await site.greet('ann')
          const before = (await site.store.head({ collection: 'notes', id: 'a' })).v
          line.say(ask)
          // Of an op that goes along nothing is said where its question is refused.
          const heard = ask.submit && !may(role, 'read') ? { a } : answer
          const code = errorIn(await line.next(heard))?.code
          assert.equal(code, allowed ? undefined : 'FORBIDDEN')
          await site.quiet()
          const { v } = await site.store.head({ collection: 'notes', id: 'a' })
          if (needs !== 'read' && !allowed) assert.equal(v, before, 'nothing was written')
          await others(v)
          if (!may(role, 'read')) assert.doesNotMatch(told(line), new RegExp(`${SECRET}|${LATER}`))
          const follows = ['s', 'bs', 'ps'].includes(a) || ask.submit !== undefined
          if (allowed && follows) assert.match(told(line), new RegExp(LATER), 'what it follows it hears')
          assert.equal(line.end, null)
        })
      }
    }
  }
})

describe("The matrix of access: ShareDB's own client", () => {
  afterEach(closeAll)

  for (const { what, needs, run } of stockRows) {
    for (const role of roles) {
      const allowed = may(role, needs)
      it(`[Z5] ${role ?? 'nobody'} ${allowed ? '' : 'is refused who '}${what}`, async () => {
        const board = new Board()
        board.give('ann', role)
        const server = await serve({ COOKIE: 'session' }, null, board)
        const as = (id: string) =>
          stockClient(server, {
            headers: { cookie: `session=${encodeURIComponent(id)}; other=1` },
            origin: server.url,
          })
        board.authenticate = async token => ({ id: token })
        await done(call => as('root').doc('notes', 'a').create(SECRET, TEXT, call))
        const ann = as('ann')
        const attempt = run(ann.doc('notes', 'a'))
        if (allowed) await attempt
        else await assert.rejects(attempt, (error: { code?: string }) => error.code === 'FORBIDDEN')
        if (!may(role, 'read')) assert.equal(ann.doc('notes', 'a').data, undefined)
      })
    }
  }
})

describe('The matrix of access: HTTP', () => {
  afterEach(closeAll)

  interface Layer {
    readonly route?: { readonly path: string | string[]; readonly methods: Readonly<Record<string, boolean>> }
  }

  /** An express app tells its routes; those for wrong methods stand as lists. */
  const routesOf = (app: unknown): string[] =>
    (app as { router: { stack: Layer[] } }).router.stack.flatMap(({ route }) =>
      typeof route?.path === 'string'
        ? Object.keys(route.methods).map(method => `${method} ${route.path}`)
        : [],
    )

  it('[Z4] has a row for each route', async () => {
    const { gateway } = await serve({}, null, new Board())
    assert.deepEqual(routesOf(httpApp(gateway, import.meta.dirname)).sort(), Object.keys(routeRows).sort())
  })

  for (const [route, { needs, get, send, media = 'application/json', shows, each }] of Object.entries(
    routeRows,
  )) {
    for (const role of roles) {
      const allowed = may(role, needs)
      it(`[Z3] ${role ?? 'nobody'} ${allowed ? 'may' : 'may not'} ${route}`, async () => {
        const board = new Board()
        board.give('ann', role)
        if (/export|import/.test(route)) board.give('ann', role, 'notes', '*')
        const server = await serve({}, null, board)
        const key = { collection: 'notes', id: 'a' }
        await server.gateway.backend.submit(key, { create: { type: TEXT, data: SECRET } })
        const ask = (headers: Record<string, string>) =>
          fetch(server.url + get, {
            method: route.split(' ')[0]!.toUpperCase(),
            headers: { ...headers, ...(send && { 'content-type': media }) },
            ...(send && { body: JSON.stringify(send) }),
          })
        const response = await ask({ authorization: `Bearer ${tokenOf({ id: 'ann' })}` })
        const body = await response.text()
        if (allowed) assert.ok(body.includes(shows), body)
        else {
          assert.doesNotMatch(body, new RegExp(`${SECRET}|"id":"a"`))
          assert.equal(response.status, each ? 200 : 403)
          assert.equal((await server.gateway.store.head(key)).v, 1, 'nothing was written')
        }
        const anonymous = await ask({})
        assert.equal(anonymous.status === 401, needs !== null)
      })
    }
  }
})
