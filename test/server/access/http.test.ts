import assert from 'node:assert/strict'
import type { Settings } from '../../../server/settings.ts'
import { closeAll, dial, serve, TEXT, type TestServer } from '../scene.ts'
import { Board, hello, tokenOf } from './site.ts'

const token = tokenOf({ id: 'ann' })

describe('Access over HTTP and sockets', () => {
  let board: Board
  beforeEach(() => {
    board = new Board()
  })
  afterEach(closeAll)

  /** With documents 0 to n - 1, of which ann may read every third. */
  async function open(settings: Partial<Settings> = {}, n = 1): Promise<TestServer> {
    const server = await serve(settings, null, board)
    for (let i = 0; i < n; i++) {
      await server.gateway.backend.submit(
        { collection: 'notes', id: `${i}` },
        { create: { type: TEXT, data: 'hi' } },
      )
      if (i % 3 === 0) board.give('ann', 'read', 'notes', `${i}`)
    }
    return server
  }

  const get = (server: TestServer, path: string, headers: Record<string, string>) =>
    fetch(server.url + path, { headers })

  const codeOf = async (response: Response) =>
    ((await response.json()) as { error?: { code: string } }).error?.code ?? response.status

  it('[Z22] the token comes as a bearer, and nowhere else', async () => {
    const server = await open()
    const path = '/v1/docs/notes/0'
    assert.equal(await codeOf(await get(server, path, { authorization: `Bearer ${token}` })), 200)
    const cases: [path: string, headers: Record<string, string>, code: string][] = [
      [path, {}, 'TOKEN_MISSING'],
      [path, { authorization: 'Basic YTpi' }, 'TOKEN_MISSING'],
      [path, { authorization: 'Bearer hello' }, 'TOKEN_INVALID'],
      [path, { authorization: `Bearer ${tokenOf({ id: 'ann', expires: 1 })}` }, 'TOKEN_EXPIRED'],
      [path, { authorization: `Bearer ${tokenOf({ id: 'bob' })}` }, 'FORBIDDEN'],
      [
        `${path}?token=${encodeURIComponent(token)}&access_token=${encodeURIComponent(token)}`,
        {},
        'TOKEN_MISSING',
      ],
      ['/v1/docs/notes/none', { authorization: `Bearer ${tokenOf({ id: 'bob' })}` }, 'FORBIDDEN'],
    ]
    for (const [path, headers, code] of cases) {
      const response = await get(server, path, headers)
      assert.equal(response.status, code === 'FORBIDDEN' ? 403 : 401)
      assert.equal(response.headers.get('www-authenticate') !== null, code !== 'FORBIDDEN')
      assert.equal(await codeOf(response), code)
    }
    assert.deepEqual(server.reports, [])
  })

  it('[Z22] the list has what may be read, page by page, each document once', async () => {
    const server = await open({}, 20)
    const seen: string[] = []
    let pages = 0
    for (let after: string | null = ''; after !== null; pages++) {
      const path = `/v1/docs/notes?limit=2${after && `&after=${after}`}`
      const body = (await (await get(server, path, { authorization: `Bearer ${token}` })).json()) as {
        docs: { id: string }[]
        after: string | null
      }
      assert.ok(body.docs.length <= 2)
      seen.push(...body.docs.map(({ id }) => id))
      after = body.after
    }
    assert.deepEqual(seen, ['18', '15', '12', '9', '6', '3', '0'])
    assert.ok(pages <= 5)
    board.asked.length = 0
    const all = await get(server, '/v1/docs/notes', { authorization: `Bearer ${tokenOf({ id: 'root' })}` })
    assert.equal(((await all.json()) as { docs: [] }).docs.length, 20)
    assert.deepEqual(board.asked, ['root read notes/null'], 'who may read all is asked about once')
  })

  it('[Z22] a page of another origin may send the token', async () => {
    const server = await open({ ORIGINS: ['https://app.example'] })
    const response = await fetch(`${server.url}/v1/docs/notes`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-headers': 'authorization' },
    })
    assert.equal(response.status, 204)
    assert.match(response.headers.get('access-control-allow-headers') ?? '', /^Authorization,/)
    assert.equal(response.headers.get('access-control-allow-credentials'), null, 'there is no cookie')
  })

  const cookie = `other=1; session=${token} ; session2=x`
  const origins: [
    what: string,
    headers: Record<string, string>,
    settings: Partial<Settings>,
    counts: boolean,
  ][] = [
    ['a listed origin', { origin: 'https://app.example' }, { ORIGINS: ['https://app.example'] }, true],
    ['this very host and port', { origin: 'SELF' }, {}, true],
    ['another port of this host', { origin: 'http://127.0.0.1:1' }, {}, false],
    ['an origin that * lets in', { origin: 'https://app.example' }, { ORIGINS: ['*'] }, false],
    ['no origin', {}, {}, false],
    ['no origin, by a page of another site', { 'sec-fetch-site': 'cross-site' }, {}, false],
    ['no origin, by a page of our own', { 'sec-fetch-site': 'same-origin' }, {}, true],
    ['a file', { origin: 'null' }, { ORIGINS: ['*'] }, false],
    ['this host, where no cookie is named', { origin: 'SELF' }, { COOKIE: '' }, false],
  ]
  for (const [what, plain, settings, counts] of origins) {
    it(`[Z14] a cookie ${counts ? 'counts' : 'does not count'} from ${what}`, async () => {
      const server = await open({ COOKIE: 'session', ...settings })
      const headers = Object.fromEntries(
        Object.entries({ ...plain, cookie }).map(([name, value]) => [
          name,
          value === 'SELF' ? server.url : value,
        ]),
      )
      // Node's fetch sets some of these by itself; a socket sends what it is told.
      const client = await dial(server, { headers })
      const greeted = await client.ask(hello('src1'), { a: 'hs' })
      assert.equal(greeted.error?.code, counts ? undefined : 'TOKEN_MISSING')
      if (!counts) assert.equal((await client.closed).code, 4401)
      if ('sec-fetch-site' in plain) return
      assert.equal(
        await codeOf(await get(server, '/v1/docs/notes/0', headers)),
        counts ? 200 : 'TOKEN_MISSING',
      )
    })
  }

  it('[I26] a src is of one principal over HTTP, too, and so is a key', async () => {
    const server = await open()
    board.give('ann', 'write', 'notes', '0')
    board.give('bob', 'write', 'notes', '0')
    const post = (who: string, edit: object, headers: Record<string, string> = {}) =>
      fetch(`${server.url}/v1/docs/notes/0/ops`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${tokenOf({ id: who })}`,
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify({ v: 1, op: ['x'], ...edit }),
      })
    const named = { src: 'hers', seq: 1 }
    assert.equal(await codeOf(await post('ann', named)), 200)
    assert.equal(await codeOf(await post('ann', named)), 200)
    assert.equal(await server.gateway.store.ownerOf('hers'), 'ann')
    assert.equal(await codeOf(await post('bob', named)), 'FORBIDDEN')
    assert.equal(await codeOf(await post('bob', { src: 'hers', seq: 2 })), 'FORBIDDEN')
    const live = await dial(server)
    await live.ask({ ...hello('live'), token }, { a: 'hs' })
    assert.equal(await codeOf(await post('bob', { src: 'live', seq: 1 })), 'FORBIDDEN')
    for (const who of ['ann', 'bob'])
      assert.equal(await codeOf(await post(who, {}, { 'idempotency-key': 'same' })), 200)
    const { v } = await server.gateway.store.head({ collection: 'notes', id: '0' })
    assert.equal(v, 4)
    board.give('ann', 'read', 'notes', '0')
    assert.equal(await codeOf(await post('ann', { src: 'new', seq: 1 })), 'FORBIDDEN')
    assert.equal(
      await codeOf(await post('ann', { del: true, op: undefined, src: 'new', seq: 1 })),
      'FORBIDDEN',
    )
    board.give('ann', 'write', 'notes', '0')
    const deletion = await post('ann', { del: true, op: undefined, src: 'new', seq: 1 })
    assert.equal(await codeOf(deletion), 'FORBIDDEN', 'that takes manage')
    assert.equal((await server.gateway.store.head({ collection: 'notes', id: '0' })).v, 4)
  })

  it('[Z25] a token stands in no report and no answer, whatever goes wrong', async () => {
    const server = await open({ COOKIE: 'session' })
    const secret = 's3cr3t.t0k3n.x'
    board.authenticate = () => Promise.reject(new Error('the policy broke'))
    const client = await dial(server)
    client.send({ ...hello('a'), token: secret })
    await client.closed
    const again = await dial(server)
    again.send({ ...hello('a'), token: secret, more: '\ud800', id: 7 })
    await again.next({ a: 'hs' })
    const response = await get(server, '/v1/docs/notes', { authorization: `Bearer ${secret}` })
    assert.equal(response.status, 503)
    const said = [
      ...server.reports,
      JSON.stringify(client.frames),
      JSON.stringify(again.frames),
      await response.text(),
    ]
    assert.match(said.join(), /the policy broke/)
    assert.doesNotMatch(said.join(), /s3cr3t|t0k3n/)
  })

  it('[Z28] while the policy cannot be asked, requests are answered with 503, and are done when it can', async () => {
    const server = await open()
    board.give('ann', 'write', 'notes', '0')
    const { access, authenticate } = board
    const asks: [path: string, init?: object][] = [
      ['/v1/docs/notes/0'],
      ['/v1/docs/notes'],
      ['/v1/feed/notes'],
      [
        '/v1/docs/notes/0/ops',
        { method: 'POST', body: JSON.stringify({ src: 's', seq: 1, v: 1, op: ['x'] }) },
      ],
    ]
    const answers = () =>
      Promise.all(
        asks.map(async ([path, init]) => {
          const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
          const response = await fetch(server.url + path, { ...init, headers })
          return [response.status, await codeOf(response)]
        }),
      )
    const none = asks.map(() => [503, 'ACCESS_UNAVAILABLE'])
    board.access = () => {
      throw new Error('no route to the app')
    }
    assert.deepEqual(await answers(), none)
    board.authenticate = () => Promise.reject(new Error('no route to the app'))
    assert.deepEqual(await answers(), none)
    Object.assign(board, { access, authenticate })
    assert.deepEqual(
      await answers(),
      asks.map(() => [200, 200]),
    )
    assert.equal((await server.gateway.store.head({ collection: 'notes', id: '0' })).v, 2)
  })

  it('[Z17] sessions of a closed server are not asked about any more', async () => {
    const server = await open({ ACCESS_RECHECK_MS: 100 })
    await server.close()
    board.asked.length = 0
    board.changed()
    assert.deepEqual(board.asked, [])
  })
})
