import assert from 'node:assert/strict'
import type { Client, Doc } from '../../client/api.ts'
import { type ConnectOptions, connect } from '../../client/client.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import { volatileLog } from '../../client/log/volatile.ts'
import type { Change } from '../../ops/change.ts'
import { until } from '../client/until.ts'
import { Board, tokenOf } from '../server/access/site.ts'
import { closeAll, serve, type TestServer } from '../server/scene.ts'

const open: Client[] = []

function device(options: Partial<ConnectOptions> & { server: string }): Client {
  const made = connect({ timings: { backoffBaseMs: 10, backoffMaxMs: 20 }, ...options })
  open.push(made)
  return made
}

/** An address where nothing listens. */
async function nowhere(): Promise<string> {
  const server = await serve()
  await server.close()
  return server.url
}

async function onServer(server: TestServer, id: string): Promise<{ v: number; data: unknown } | null> {
  const answer = await fetch(`${server.url}/v1/docs/notes/${id}`)
  return answer.ok ? ((await answer.json()) as { v: number; data: unknown }) : null
}

/** Resolves when the device has nothing unsent in `doc`. */
function arrived(doc: Doc): Promise<void> {
  return new Promise(resolve => {
    const look = () => doc.truth.unsent === 0 && doc.truth.status === 'synced' && resolve()
    doc.on('truth', look)
    look()
  })
}

/** A device that wrote in two documents with no server, and its storage. */
async function away() {
  const storage = memoryStorage()
  const client = device({ server: await nowhere(), log: memoryLog({ storage }) })
  const [one, two] = [
    await client.open<string>('notes', 'one', 'text'),
    await client.open<string>('notes', 'two', 'text'),
  ]
  one.edit(['first'])
  one.edit([5, ' second'])
  two.edit(['other'])
  return { client, storage, one, two }
}

describe('rescue file', () => {
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
    await closeAll()
  })

  it('[Q160] keeps the schema of its edits, which the app that imports them lifts to its own', async () => {
    const away = device({ server: await nowhere(), schema: { version: 2 } })
    const doc = await away.open('notes', 'one', 'json')
    doc.edit(['title', { i: 'Old' }])
    const text = await away.exportUnsent()
    const server = await serve()
    const fails = (): Change => {
      throw new Error('it is past this version')
    }
    const rename = (change: Change): Change => JSON.parse(JSON.stringify(change).replace('title', 'name'))
    const schema = { version: 3, upcast: { 1: fails, 2: rename } }
    const other = device({ server: server.url, schema, token: async () => null, rescueMs: 2000 })
    assert.deepEqual(await other.importUnsent(text), { sent: 2, known: 0, held: [] })
    assert.deepEqual((await onServer(server, 'one'))?.data, { name: 'Old' })
  })

  it('[Q1] [Q3] has all unsent edits of a device, and another device sends them', async () => {
    const { client } = await away()
    const text = await client.exportUnsent()
    const { format, version, device: from, docs } = JSON.parse(text)
    assert.deepEqual([format, version, docs.length], ['holdfast-journal', 1, 2])
    assert.match(from, /^[0-9a-f]{32}$/)
    const server = await serve()
    const other = device({ server: server.url })
    assert.deepEqual(await other.importUnsent(text), { sent: 5, known: 0, held: [] })
    assert.equal((await onServer(server, 'one'))?.data, 'first second')
    assert.equal((await onServer(server, 'two'))?.data, 'other')
    assert.deepEqual(await other.known(), [])
  })

  it('[Q1] has what a log could not save', async () => {
    const client = device({ server: await nowhere(), log: volatileLog('the disk is full') })
    const doc = await client.open<string>('notes', 'memory', 'text')
    doc.edit(['in memory only'])
    await assert.rejects(doc.saved)
    const text = await client.exportUnsent()
    const server = await serve()
    await device({ server: server.url }).importUnsent(text)
    assert.equal((await onServer(server, 'memory'))?.data, 'in memory only')
  })

  it('[Q1] [Q2] goes on under other names: what is written after it arrives once as well', async () => {
    const { client, storage, one } = await away()
    const text = await client.exportUnsent()
    one.edit([12, ' third'])
    one.edit(['zeroth '])
    await one.saved
    await client.close()
    const server = await serve()
    await device({ server: server.url }).importUnsent(text)
    assert.equal((await onServer(server, 'one'))?.data, 'first second')
    const back = device({ server: server.url, log: memoryLog({ storage }) })
    const again = await back.open<string>('notes', 'one', 'text')
    await arrived(again)
    assert.equal((await onServer(server, 'one'))?.data, 'zeroth first second third')
    assert.deepEqual(again.held, [])
    assert.equal(JSON.parse(await back.exportUnsent()).docs.length, 0)
  })

  it('[Q2] sends each edit once from three devices at a time, the first one among them, and again later', async () => {
    const { client, storage } = await away()
    const text = await client.exportUnsent()
    await client.close()
    const server = await serve()
    const reports = await Promise.all([
      device({ server: server.url }).importUnsent(text),
      device({ server: server.url }).importUnsent(text),
      device({ server: server.url, log: memoryLog({ storage }) })
        .open<string>('notes', 'one', 'text')
        .then(arrived),
    ])
    const again = await device({ server: server.url }).importUnsent(text)
    assert.deepEqual(again, { sent: 0, known: 5, held: [] })
    for (const report of reports)
      if (report) assert.deepEqual([report.sent + report.known, report.held], [5, []])
    assert.equal((await onServer(server, 'one'))?.data, 'first second')
    assert.equal((await onServer(server, 'two'))?.data, 'other')
  })

  it('[Q2] merges with what others wrote meanwhile, as the first device would have', async () => {
    const server = await serve()
    const writer = await device({ server: server.url }).open<string>('notes', 'one', 'text')
    writer.edit(['theirs '])
    await writer.settled
    const { client } = await away()
    await device({ server: server.url }).importUnsent(await client.exportUnsent())
    const { data } = (await onServer(server, 'one'))!
    assert.ok(['theirs first second', 'first secondtheirs '].includes(data as string), String(data))
  })

  it('[Q3] tells what the server does not take, and what was held before', async () => {
    const server = await serve({ DOCUMENT_BYTES: 2000 })
    const storage = memoryStorage()
    const first = device({ server: server.url, log: memoryLog({ storage }) })
    const doc = await first.open<string>('notes', 'small', 'text')
    doc.edit(['start'])
    await doc.settled
    doc.edit([5, 'x'.repeat(3000)])
    await doc.settled
    assert.equal(doc.held.length, 1)
    await first.close()
    const offline = device({ server: await nowhere(), log: memoryLog({ storage }) })
    const here = await offline.open<string>('notes', 'small', 'text')
    here.edit([5, 'y'.repeat(2500)])
    const text = await offline.exportUnsent()
    const { sent, held } = await device({ server: server.url }).importUnsent(text)
    assert.deepEqual(
      held.map(({ id, reason, text }) => [id, reason.code, text[0], text.length]),
      [
        ['small', 'DOCUMENT_TOO_LARGE', 'x', 3000],
        ['small', 'DOCUMENT_TOO_LARGE', 'y', 2500],
      ],
    )
    assert.equal(sent, 0)
    assert.equal((await onServer(server, 'small'))?.data, 'start')
  })

  it('[Q16] says of what waits for an edit that is not taken that it does, and ends', async () => {
    const client = device({ server: await nowhere() })
    const [page, index, list] = [
      await client.open('notes', 'page', 'text'),
      await client.open('notes', 'index', 'text'),
      await client.open('notes', 'list', 'text'),
    ]
    page.edit(['x'.repeat(600)] as never)
    index.edit(['see page'] as never, { after: [page] })
    list.edit(['see index'] as never, { after: [index] })
    const text = await client.exportUnsent()
    const small = await serve({ DOCUMENT_BYTES: 500 })
    const { sent, held } = await device({ server: small.url, rescueMs: 5000 }).importUnsent(text)
    const codes = Map.groupBy(held, ({ id }) => id)
    const codesOf = (id: string) => codes.get(id)!.map(({ reason }) => reason.code)
    assert.deepEqual(codesOf('page').at(-1), 'DOCUMENT_TOO_LARGE')
    assert.ok([...codesOf('index'), ...codesOf('list')].every(code => code === 'DEPENDENCY_HELD'))
    assert.equal(await onServer(small, 'index'), null)
    assert.ok(sent <= 1, 'no more than the creation of the page')
    const large = await serve()
    assert.deepEqual((await device({ server: large.url }).importUnsent(text)).held, [])
    assert.equal((await onServer(large, 'list'))?.data, 'see index')
  })

  it('[Q3] gives up in time when there is no server, and nothing is lost', async () => {
    const { client } = await away()
    const text = await client.exportUnsent()
    const cut = device({ server: await nowhere(), rescueMs: 30 })
    await assert.rejects(cut.importUnsent(text), { code: 'SERVER_AWAY' })
    const server = await serve()
    assert.equal((await device({ server: server.url }).importUnsent(text)).sent, 5)
  })

  describe('an edit that was held here and sent elsewhere', () => {
    const token = async () => tokenOf({ id: 'ada' })

    /** A device whose unsent edit stands in a file, and was then refused; `write` gives the right to write back. */
    async function refused() {
      const board = new Board()
      const server = await serve({}, null, board)
      const storage = memoryStorage()
      board.give('root', 'write', 'notes', 'one')
      const root = device({ server: server.url, token: async () => tokenOf({ id: 'root' }) })
      const theirs = await root.open<string>('notes', 'one', 'text')
      theirs.edit(['base '])
      await theirs.settled
      board.give('ada', 'read', 'notes', 'one')
      const reader = device({ server: server.url, log: memoryLog({ storage }), token })
      await arrived(await reader.open('notes', 'one', 'text'))
      await reader.close()
      const away = device({ server: await nowhere(), log: memoryLog({ storage }) })
      const mine = await away.open<string>('notes', 'one', 'text')
      mine.edit(['word '])
      const text = await away.exportUnsent()
      await away.close()
      return { board, server, storage, text, write: () => board.give('ada', 'write', 'notes', 'one') }
    }
    const held = (doc: Doc) => until(doc, truth => truth.held === 1)

    /** The edit is held on a device that is online, and would be taken now. */
    async function welcome() {
      const { board, server, storage, text, write } = await refused()
      const online = device({ server: server.url, log: memoryLog({ storage }), token })
      const doc = await online.open<string>('notes', 'one', 'text')
      await held(doc as Doc)
      write()
      board.changed('ada')
      return { server, text, doc }
    }

    it('[Q15] is there once, when it is tried again with no connection', async () => {
      const { server, storage, text, write } = await refused()
      const online = device({ server: server.url, log: memoryLog({ storage }), token })
      await held(await online.open('notes', 'one', 'text'))
      await online.close()
      write()
      assert.equal((await device({ server: server.url, token }).importUnsent(text)).sent, 1)
      const offline = device({ server: await nowhere(), log: memoryLog({ storage }) })
      const doc = await offline.open<string>('notes', 'one', 'text')
      doc.retry(doc.held[0]!.name)
      await doc.saved
      await offline.close()
      const back = device({ server: server.url, log: memoryLog({ storage }), token })
      const again = await back.open<string>('notes', 'one', 'text')
      await again.settled
      await arrived(again as Doc)
      assert.deepEqual([again.data, again.held], ['word base ', []])
    })

    it('[Q15] is there once, when both are sent at a time', async () => {
      const { server, text, doc } = await welcome()
      const importing = device({ server: server.url, token }).importUnsent(text)
      doc.retry(doc.held[0]!.name)
      const report = await importing
      await doc.settled
      await arrived(doc as Doc)
      assert.equal(report.sent + report.known, 1)
      assert.deepEqual([doc.data, doc.held], ['word base ', []])
    })

    it('[Q15] is there once, when it is tried again before the file is sent, and later edits are there', async () => {
      const { server, text, doc } = await welcome()
      doc.edit([5, 'later '])
      await until(doc, ({ unsent }) => unsent === 0)
      doc.retry(doc.held[0]!.name)
      await doc.settled
      assert.deepEqual([doc.data, doc.held], ['word base later ', []])
      const { sent } = await device({ server: server.url, token }).importUnsent(text)
      assert.equal(sent, 0)
      await arrived(doc as Doc)
      assert.equal(doc.data, 'word base later ')
    })
  })

  it('[Q4] refuses what is no rescue file, and says why', async () => {
    const { client } = await away()
    const good = await client.exportUnsent()
    const other = device({ server: await nowhere(), rescueBytes: 100_000 })
    const changed = (change: (file: never) => void) => {
      const copy = JSON.parse(good)
      change(copy as never)
      return JSON.stringify(copy)
    }
    type File = { version: number; docs: { id: string; state: Record<string, unknown> }[] }
    const bad: [string, RegExp][] = [
      ['', /not JSON/],
      ['null', /whole/],
      ['{"format":"other"}', /format/],
      [good.slice(0, -10), /not JSON/],
      [' '.repeat(100_001), /larger than 100000 bytes/],
      ['['.repeat(1000) + ']'.repeat(1000), /deeper/],
      [changed((file: File) => (file.version = 2)), /newer version/],
      [changed((file: File) => (file.docs[0]!.id = '__proto__')), /docs\.0\.id/],
      [changed((file: File) => delete file.docs[0]!.state.pending), /docs\.0\.state\.pending/],
      [changed((file: File) => (file.docs[0]!.state.v = -1)), /docs\.0\.state\.v/],
      [
        changed(
          (file: File) =>
            ((file.docs[0]!.state.pending as { change: unknown }[])[1]!.change = { op: [99, 'x'] }),
        ),
        /docs\.0 \(notes\/one\): /,
      ],
      [changed((file: File) => (file.docs[0]!.state.base = { type: 'text', data: 5 })), /docs\.0 \(notes/],
    ]
    for (const [text, words] of bad)
      await assert.rejects(other.importUnsent(text), { code: 'JOURNAL_INVALID', message: words })
  })
})
