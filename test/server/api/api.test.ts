import assert from 'node:assert/strict'
import { request } from 'node:http'
import { errors } from '../../../ops/errors.ts'
import { allRoutes, description, templateOf } from '../../../server/api/openapi.ts'
import { errorsOf } from '../../../server/api/routes.ts'
import { closeAll, greet, serve, type TestServer } from '../scene.ts'
import { ask, make } from './asking.ts'

const doc = '/v1/docs/notes/text'

describe('The API', () => {
  let server: TestServer
  beforeEach(async () => {
    server = await serve()
  })
  afterEach(closeAll)

  it('[I10] describes every route, with every code that it may be answered with', async () => {
    const { body } = await ask(server, '/openapi.json')
    assert.deepEqual(body, JSON.parse(JSON.stringify(description())))
    assert.equal(body.openapi, '3.1.0')
    for (const entry of allRoutes) {
      const operation = body.paths[templateOf(entry.path)]?.[entry.method]
      assert.ok(operation, `${entry.method} ${entry.path}`)
      for (const code of errorsOf(entry)) {
        const { content } = operation.responses[errors[code].http]
        assert.ok(content['application/json'].schema.properties.error.properties.code.enum.includes(code))
      }
      const named = operation.parameters.filter((each: { in: string }) => each.in === 'path').length
      assert.equal(named, entry.path.split(':').length - 1)
    }
    const count = Object.values<object>(body.paths).flatMap(path => Object.keys(path)).length
    assert.equal(count, allRoutes.length)
  })

  it('[I12] reads a document at a version and at a time', async () => {
    await make(server, 'text', 'text', 'one')
    const { docs } = (await ask(server, '/v1/docs/notes')).body
    await ask(server, doc, { method: 'PUT', send: { data: 'two' } })
    assert.equal((await ask(server, `${doc}?v=1`)).body.data, 'one')
    assert.equal((await ask(server, doc)).body.data, 'two')
    const later = encodeURIComponent(new Date(docs[0].at + 60_000).toISOString())
    assert.equal((await ask(server, `${doc}?at=${later}`)).body.data, 'two')
  })

  it('[I13] tells a document as JSON, text or HTML, as it is accepted or asked for', async () => {
    const bad = '<img src=x onerror=alert(1)>'
    const rich = {
      ops: [
        { insert: 'Title' },
        { insert: '\n', attributes: { header: 1 } },
        { insert: bad, attributes: { bold: true } },
        { insert: '\n' },
        { insert: 'a', attributes: { link: 'https://x.example/?a="b"' } },
        { insert: '\n', attributes: { list: 'bullet' } },
        { insert: 'b', attributes: { color: 'red;background:url(x)', font: '"><script>' } },
        { insert: '\n', attributes: { list: 'bullet', indent: 1 } },
        { insert: 'x\ny' },
        { insert: '\n', attributes: { 'code-block': true } },
        { insert: { image: 'https://x.example/a.png' }, attributes: { alt: '"><b>', width: '5' } },
        { insert: '\n' },
      ],
    }
    await make(server, 'rich', 'rich', rich)
    const html = await ask(server, '/v1/docs/notes/rich', { headers: { accept: 'text/html' } })
    assert.match(html.headers.get('content-type') ?? '', /^text\/html/)
    assert.deepEqual(html.text.split('\n'), [
      '<h1>Title</h1>',
      '<p><strong>&lt;img src=x onerror=alert(1)&gt;</strong></p>',
      '<ul><li><a href="https://x.example/?a=&quot;b&quot;" rel="noopener noreferrer nofollow">a</a></li>' +
        '<li class="ql-indent-1">b</li></ul>',
      '<p>x</p>',
      '<pre>y</pre>',
      '<p><img src="https://x.example/a.png" alt="&quot;&gt;&lt;b&gt;" width="5"></p>',
    ])
    await make(server, 'text', 'text', '<a>\nb')
    const text = await ask(server, doc, { headers: { accept: 'text/plain' } })
    assert.equal(text.text, '<a>\nb')
    assert.equal((await ask(server, `${doc}?as=html`)).text, '<p>&lt;a&gt;</p>\n<p>b</p>')
    assert.equal((await ask(server, doc, { headers: { accept: 'text/html;q=0.1, */*' } })).body.v, 1)
  })

  it('[I14] lists by prefix and by time of change', async () => {
    for (const id of ['a-1', 'a-2', 'b-1', 'a"', '%25']) await make(server, id, 'text', '')
    const ids = async (query: string) =>
      (await ask(server, `/v1/docs/notes?${query}`)).body.docs.map(({ id }: { id: string }) => id)
    assert.deepEqual(await ids('prefix=a-'), ['a-2', 'a-1'])
    assert.deepEqual(await ids('prefix=a'), ['a"', 'a-2', 'a-1'])
    assert.deepEqual(await ids('prefix=a%22'), ['a"'])
    assert.deepEqual(await ids('prefix=%25'), ['%'])
    assert.deepEqual(await ids('since=2001-01-01T00:00:00Z&limit=2'), ['%', 'a"'])
    assert.deepEqual(await ids('until=2001-01-01T00:00:00Z'), [])
  })

  it('[I15] takes an op once, however often it is sent, and says so', async () => {
    await make(server, 'text', 'text', 'ab')
    const op = { src: 's', seq: 1, v: 1, op: [1, 'x'], seal: '0123456789abcdef' }
    const first = await ask(server, `${doc}/ops`, { send: op })
    await ask(server, `${doc}/ops`, { send: { ...op, seq: 2, v: 2, op: ['y'], seal: 'fedcba9876543210' } })
    const again = await ask(server, `${doc}/ops`, { send: op })
    assert.deepEqual(again.body, { ...first.body, again: true })
    assert.equal((await ask(server, doc)).body.data, 'yaxb')
    const other = await ask(server, `${doc}/ops`, { send: { ...op, seq: 2 } })
    assert.equal(other.body.error.code, 'NAME_REUSED')
  })

  it('[I15] an answer that was lost doubles nothing: the retry finds the edit', async () => {
    await make(server, 'text', 'text', 'ab')
    const body = JSON.stringify({ v: 1, op: ['x'] })
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'k1' }
    const committed = new Promise<void>(resolve =>
      server.gateway.backend.share.on('submitRequestEnd', () => resolve()),
    )
    const lost = request(`${server.url}${doc}/ops`, { method: 'POST', headers })
    lost.on('error', () => {})
    lost.on('response', () => assert.fail('the answer was to be lost'))
    server.gateway.backend.share.use('afterWrite', (_context, next) => {
      lost.destroy()
      next()
    })
    lost.end(body)
    await committed
    const retry = await ask(server, `${doc}/ops`, { raw: body, headers })
    assert.equal(retry.body.again, true)
    assert.deepEqual((await ask(server, doc)).body, { v: 2, type: 'text', data: 'xab' })
  })

  it('[I16] a key names a request: a put, and a deletion, are done once', async () => {
    const keyed = (key: string, method: string, send?: unknown) =>
      ask(server, doc, { method, send, headers: { 'idempotency-key': key } })
    await keyed('1', 'PUT', { type: 'text', data: 'a' })
    await keyed('2', 'PUT', { data: 'b' })
    assert.equal((await keyed('1', 'PUT', { type: 'text', data: 'a' })).body.again, true)
    assert.equal((await ask(server, doc)).body.data, 'b')
    assert.equal((await keyed('2', 'PUT', { data: 'c' })).body.error.code, 'NAME_REUSED')
    await keyed('3', 'DELETE')
    await keyed('4', 'PUT', { type: 'text', data: 'new' })
    assert.equal((await keyed('3', 'DELETE')).body.again, true)
    assert.equal((await ask(server, doc)).body.data, 'new')
  })

  it('[I17] makes a document this by the difference, and keeps what others write meanwhile', async () => {
    await make(server, 'text', 'text', 'one two')
    const same = await ask(server, doc, { method: 'PUT', send: { data: 'one two' } })
    assert.deepEqual([same.body.v, same.body.unchanged], [1, true])
    const [put] = await Promise.all([
      ask(server, doc, { method: 'PUT', send: { data: 'one 2' } }),
      ask(server, `${doc}/ops`, { send: { src: 'bob', seq: 1, v: 1, op: ['zero '] } }),
    ])
    assert.ok(put.body.v > 1)
    assert.equal((await ask(server, doc)).body.data, 'zero one 2')
  })

  it('[I18] answers a batch one by one, and stops a document where an op of it was refused', async () => {
    await make(server, 'a', 'text', '')
    await make(server, 'b', 'text', '')
    const on = (id: string, seq: number, v: number, op: unknown) => ({
      collection: 'notes',
      id,
      src: 's',
      seq,
      v,
      op,
    })
    const ops = [on('a', 1, 1, ['1']), on('b', 1, 1, [9, 'x']), on('a', 2, 2, ['2']), on('b', 2, 1, ['y'])]
    const { results } = (await ask(server, '/v1/ops', { send: { ops } })).body
    assert.deepEqual(
      results.map((each: { v?: number; error?: { code: string } }) => each.v ?? each.error?.code),
      [2, 'OP_MISFIT', 3, 'BATCH_STOPPED'],
    )
    const again = (await ask(server, '/v1/ops', { send: { ops } })).body.results
    assert.deepEqual([again[0].again, again[2].again], [true, true])
    assert.equal((await ask(server, '/v1/docs/notes/a')).body.data, '21')
    assert.equal((await ask(server, '/v1/docs/notes/b')).body.data, '')
  })

  it('[I19] writers over HTTP and over a socket end with the same document', async () => {
    await make(server, 'text', 'text', '')
    const ann = await greet(server, 'ann')
    await ann.ask({ a: 's', c: 'notes', d: 'text', v: 1 }, { a: 's' })
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const name = { a: 'op', c: 'notes', d: 'text', src: 'ann', seq: i + 1 }
        if (i % 2) await ann.ask({ ...name, v: 1, op: ['s'] }, name)
        else await ask(server, `${doc}/ops`, { send: { src: `http ${i}`, seq: 1, v: 1, op: ['h'] } })
      }),
    )
    const { v, data } = (await ask(server, doc)).body
    assert.deepEqual([v, [...data].sort().join('')], [21, 'h'.repeat(10) + 's'.repeat(10)])
    // ShareDB tells with an ack what it was transformed over, again.
    const versions = [...new Set(ann.frames.filter(({ a }) => a === 'op').map(frame => frame.v))]
    assert.deepEqual(
      versions.toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, i) => i + 1),
    )
  })

  it('[I20] has ETags by version: what is known is not told again, a write may insist on a version', async () => {
    const made = await make(server, 'text', 'text', 'a')
    const etag = made.headers.get('etag')!
    const read = await ask(server, doc)
    assert.equal(read.headers.get('etag'), etag)
    const known = await ask(server, doc, { headers: { 'if-none-match': `"v0", ${etag}` } })
    assert.deepEqual([known.status, known.text], [304, ''])
    const html = await ask(server, `${doc}?as=html`, { headers: { 'if-none-match': etag } })
    assert.equal(html.status, 200)
    const headers = { 'if-match': etag }
    const racers = ['b', 'c', 'd'].map(data => ask(server, doc, { method: 'PUT', send: { data }, headers }))
    const statuses = (await Promise.all(racers)).map(({ status }) => status)
    assert.deepEqual(statuses.toSorted(), [200, 412, 412])
    assert.equal((await ask(server, doc)).body.v, 2)
    const op = { src: 's', seq: 1, v: 2, op: ['x'] }
    const insisted = { send: op, headers: { 'if-match': '"v2"' } }
    assert.equal((await ask(server, `${doc}/ops`, insisted)).status, 200)
    assert.equal((await ask(server, `${doc}/ops`, insisted)).body.again, true, 'it was met then')
    assert.equal((await ask(server, doc, { method: 'DELETE', headers })).status, 412)
  })

  it('[I21] tells history in sittings, and goes back to a version by a new edit', async () => {
    await make(server, 'text', 'text', 'one')
    await ask(server, doc, { method: 'PUT', send: { data: 'two' } })
    await server.gateway.store.history.mark({ collection: 'notes', id: 'text' }, 'first', 1)
    const { sittings, before, marks, people } = (await ask(server, `${doc}/history`)).body
    assert.deepEqual(
      [sittings.map(({ v }: { v: number }) => v), before, marks[0].name, people],
      [[1, 0], null, 'first', {}],
    )
    const back = await ask(server, `${doc}/restore`, { send: { v: 1 } })
    assert.equal(back.body.v, 3)
    assert.equal((await ask(server, doc)).body.data, 'one')
  })

  it('[I22] answers a catch-up as on a socket', async () => {
    await make(server, 'text', 'text', 'a')
    await ask(server, `${doc}/ops`, { send: { src: 's', seq: 1, v: 1, op: ['x'] } })
    const { body } = await ask(server, `${doc}/catchup`, { send: { v: 1, own: [['s', 1]] } })
    assert.deepEqual([body.from, body.v, body.segments], [1, 2, [{ n: 1, op: ['x'], own: ['s', 1] }]])
  })

  it('[I23] exports a collection as lines and imports them, with their history, up to a size', async () => {
    await make(server, 'text', 'text', 'one')
    await ask(server, doc, { method: 'PUT', send: { data: 'two' } })
    const lines = await ask(server, '/v1/export/notes')
    const other = await serve()
    const headers = { 'content-type': 'application/x-ndjson' }
    const imported = await ask(other, '/v1/import/copies', { raw: lines.text, headers })
    assert.deepEqual(imported.body, { collection: 'copies', documents: 1, ops: 2, known: 0 })
    assert.equal((await ask(other, '/v1/docs/copies/text?v=1')).body.data, 'one')
    assert.equal((await ask(other, '/v1/import/copies', { raw: lines.text, headers })).body.known, 1)
    const small = await serve({ IMPORT_BYTES: 100 })
    const refused = await ask(small, '/v1/import/copies', { raw: lines.text, headers })
    assert.equal(refused.body.error.code, 'IMPORT_TOO_LARGE')
  })

  it('[I63] an import has no document that could not be made here, whoever wrote the file', async () => {
    await make(server, 'text', 'text', 'one')
    const { text } = await ask(server, '/v1/export/notes')
    const headers = { 'content-type': 'application/x-ndjson' }
    const bad = ['', '__proto__', 'constructor', 'a\0b', '\ud800', 'n'.repeat(256)]
    for (const name of bad) {
      const raw = text.replace('"doc":"text"', `"doc":${JSON.stringify(name)}`)
      const { body } = await ask(server, '/v1/import/copies', { raw, headers })
      assert.equal(body.error.code, 'NAME_INVALID', name)
      assert.match(body.error.message, /^Line 2: /)
    }
    assert.deepEqual((await ask(server, '/v1/docs/copies')).body.docs, [])
    const long = await serve({ NAME_CHARS: 300 })
    const raw = text.replace('"doc":"text"', `"doc":"${'n'.repeat(300)}"`)
    assert.equal((await ask(long, '/v1/import/copies', { raw, headers })).body.documents, 1)
  })

  it('[I24] packs a large answer, with brotli where it is accepted', async () => {
    await make(server, 'text', 'text', 'x'.repeat(10_000))
    const encoding = async (accept: string, path = doc) => {
      const response = await fetch(server.url + path, { headers: { 'accept-encoding': accept } })
      await response.text()
      return response.headers.get('content-encoding')
    }
    assert.equal(await encoding('gzip, br'), 'br')
    assert.equal(await encoding('gzip'), 'gzip')
    assert.equal(await encoding('identity'), null)
    assert.equal(await encoding('gzip, br', '/v1/docs/none'), null)
  })

  it('[I25] refuses writes while it drains, and ends who waits', async () => {
    await make(server, 'text', 'text', '')
    const waiting = ask(server, '/v1/feed/notes?after=1&wait=60000')
    while (server.gateway.feed.waiters === 0) await new Promise(resolve => setImmediate(resolve))
    await server.gateway.drain()
    assert.deepEqual((await waiting).body.changes, [])
    const refused = await ask(server, doc, { method: 'PUT', send: { data: 'x' } })
    assert.equal(refused.body.error.code, 'SERVER_DRAINING')
    assert.equal((await ask(server, doc)).status, 200)
  })
})
