import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { errors } from '../../ops/errors.ts'
import { closeAll, greet, serve, TEXT, type TestServer, webSocketUrl } from './scene.ts'

describe('HTTP', () => {
  let server: TestServer
  before(async () => {
    server = await serve()
    const client = await greet(server, 'setup')
    for (const d of ['a', 'b/c', 'é']) {
      const name = { a: 'op', c: 'notes', d, src: 'setup', seq: 1 }
      await client.ask({ ...name, v: 0, create: { type: TEXT, data: d } }, name)
    }
  })
  after(closeAll)

  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(server.url + path, init)
    // biome-ignore lint/suspicious/noExplicitAny: whatever the server says
    return { response, body: (await response.json()) as any }
  }

  it('[H3] says that it is well and ready', async () => {
    assert.deepEqual((await get('/health')).body, { status: 'ok' })
    assert.deepEqual((await get('/ready')).body, { status: 'ready' })
  })

  it('[H3] is not ready when the store cannot serve, and says no more than that', async () => {
    const broken = await serve()
    await broken.gateway.store.close()
    const response = await fetch(`${broken.url}/ready`)
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    assert.equal(response.status, 503)
    assert.deepEqual(error, { code: 'STORE_FAILED', message: errors.STORE_FAILED.meaning })
    assert.equal((await fetch(`${broken.url}/health`)).status, 200)
    assert.match(broken.reports.join('\n'), /STORE_FAILED/)
  })

  it('[H4] reads a document, whatever its name', async () => {
    assert.deepEqual((await get('/v1/docs/notes/a')).body, { v: 1, type: 'text', data: 'a' })
    assert.deepEqual((await get('/v1/docs/notes/b%2Fc')).body, { v: 1, type: 'text', data: 'b/c' })
    assert.deepEqual((await get('/v1/docs/notes/%C3%A9')).body, { v: 1, type: 'text', data: 'é' })
  })

  it('[H4] lists a collection page by page, each document once', async () => {
    const seen: string[] = []
    let after: string | null = ''
    for (let pages = 0; after !== null && pages < 10; pages++) {
      const { body } = await get(`/v1/docs/notes?limit=1${after && `&after=${encodeURIComponent(after)}`}`)
      for (const doc of body.docs) {
        assert.deepEqual([doc.collection, doc.type, doc.v, typeof doc.at], ['notes', 'text', 1, 'number'])
        seen.push(doc.id)
      }
      after = body.after
    }
    assert.equal(after, null)
    assert.deepEqual(seen.sort(), ['a', 'b/c', 'é'])
    assert.deepEqual((await get('/v1/docs/empty')).body, { docs: [], after: null })
  })

  it('[H6] sends a policy that runs only scripts of our own', async () => {
    const { response } = await get('/health')
    const policy = response.headers.get('content-security-policy') ?? ''
    assert.match(policy, /script-src 'self'(;|$)/)
    assert.match(policy, /object-src 'none'/)
    assert.match(policy, /require-trusted-types-for 'script'; ?trusted-types lit-html holdfast default$/)
    assert.doesNotMatch(policy, /unsafe-eval|script-src[^;]*unsafe/)
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(response.headers.get('x-powered-by'), null)
    assert.equal(response.headers.get('cache-control'), 'no-store')
  })
})

describe('Origins', () => {
  afterEach(closeAll)

  const corsOf = async (server: TestServer, origin: string) => {
    const response = await fetch(`${server.url}/v1/docs/notes`, { headers: { origin } })
    return response.headers.get('access-control-allow-origin')
  }

  /** The status of a refused upgrade, or 101. */
  const dialFrom = (server: TestServer, origin: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(webSocketUrl(server), { origin })
      socket.on('open', () => {
        socket.terminate()
        resolve(101)
      })
      socket.on('unexpected-response', (request, response) => {
        request.destroy()
        resolve(response.statusCode ?? 0)
      })
      socket.on('error', reject)
    })

  it('[H7] pages of the same host may connect and read, on any port; others may not', async () => {
    const server = await serve()
    for (const origin of [server.url, 'http://127.0.0.1:1234', 'https://127.0.0.1']) {
      assert.equal(await corsOf(server, origin), origin)
      assert.equal(await dialFrom(server, origin), 101)
    }
    for (const origin of ['https://evil.example', 'http://127.0.0.1.evil.example', 'null']) {
      assert.equal(await corsOf(server, origin), null)
      assert.equal(await dialFrom(server, origin), 403)
    }
  })

  it('[H7] listed origins may, and * lets everybody', async () => {
    const listed = await serve({ ORIGINS: ['https://app.example'] })
    assert.equal(await dialFrom(listed, 'https://app.example'), 101)
    assert.equal(await corsOf(listed, 'https://app.example'), 'https://app.example')
    assert.equal(await dialFrom(listed, 'http://app.example'), 403)
    const open = await serve({ ORIGINS: ['*'] })
    assert.equal(await dialFrom(open, 'null'), 101)
    assert.equal(await corsOf(open, 'https://any.example'), 'https://any.example')
  })

  it('[H5] a WebSocket elsewhere than at /ws is refused', async () => {
    const server = await serve()
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/socket`)
    const status = await new Promise(resolve => {
      socket.on('unexpected-response', (request, response) => {
        request.destroy()
        resolve(response.statusCode)
      })
      socket.on('error', () => {})
    })
    assert.equal(status, 404)
  })
})

describe('Pages', () => {
  let web: string
  let server: TestServer
  before(async () => {
    web = await mkdtemp(join(tmpdir(), 'holdfast-web-'))
    await mkdir(join(web, 'assets'))
    await writeFile(join(web, 'index.html'), '<!doctype html><title>shell</title>')
    await writeFile(join(web, 'embed.js'), 'embed()')
    await writeFile(join(web, 'sw.js'), 'worker()')
    await writeFile(join(web, 'assets', 'page-1A2B.js'), 'page()')
    server = await serve({}, web)
  })
  after(async () => {
    await closeAll()
    await rm(web, { recursive: true })
  })

  const cases = [
    { path: '/', type: /^text\/html/, cache: 'no-cache', holds: 'shell' },
    { path: '/d/notes/any%20name', type: /^text\/html/, cache: 'no-cache', holds: 'shell' },
    { path: '/embed.js', type: /^text\/javascript/, cache: 'no-cache', holds: 'embed' },
    { path: '/sw.js', type: /^text\/javascript/, cache: 'no-cache', holds: 'worker' },
    {
      path: '/assets/page-1A2B.js',
      type: /^text\/javascript/,
      cache: 'public, max-age=31536000, immutable',
      holds: 'page',
    },
  ]
  for (const { path, type, cache, holds } of cases) {
    it(`[H8] serves ${path} with the right type and memory`, async () => {
      const response = await fetch(server.url + path)
      assert.equal(response.status, 200)
      assert.match(response.headers.get('content-type') ?? '', type)
      assert.equal(response.headers.get('cache-control'), cache)
      assert.match(await response.text(), new RegExp(holds))
    })
  }

  it('[H8] a page of another origin may load embed.js, and only that', async () => {
    const embed = await fetch(`${server.url}/embed.js`)
    assert.equal(embed.headers.get('cross-origin-resource-policy'), 'cross-origin')
    const shell = await fetch(`${server.url}/`)
    assert.equal(shell.headers.get('cross-origin-resource-policy'), 'same-origin')
  })

  it('[H5] a page for a name that cannot be is refused', async () => {
    const response = await fetch(`${server.url}/d/notes/__proto__`)
    assert.equal(response.status, 400)
    assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'NAME_INVALID')
  })

  it('[H5] a post to a page is refused', async () => {
    assert.equal((await fetch(`${server.url}/`, { method: 'POST' })).status, 405)
  })
})
