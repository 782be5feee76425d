import assert from 'node:assert/strict'
import type { Client } from '../../client/api.ts'
import { type ConnectOptions, connect } from '../../client/client.ts'
import type { ReplicaEvent } from '../../client/engine/replica.ts'
import type { Dial } from '../../client/link/link.ts'
import { dialWebSocket } from '../../client/link/websocket.ts'
import type { Write } from '../../client/log/log.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import type { Change } from '../../ops/change.ts'
import type { ClientFrame } from '../../ops/protocol.ts'
import { Board, tokenOf } from '../server/access/site.ts'
import { closeAll, serve } from '../server/scene.ts'
import { until } from './until.ts'

const open: Client[] = []

function client(options: Partial<ConnectOptions> & { server: string }): Client {
  const made = connect({ timings: { backoffBaseMs: 10, backoffMaxMs: 20 }, ...options })
  open.push(made)
  return made
}

/** Dials for real and notes what the client sends; `pass` may keep a frame back. */
function watched(pass: (frame: ClientFrame) => boolean = () => true): {
  dial: Dial
  sent: ClientFrame[]
  messages: ClientFrame[][]
} {
  const sent: ClientFrame[] = []
  const messages: ClientFrame[][] = []
  const dial: Dial = (url, events) => {
    const socket = dialWebSocket(url, events)
    const send = (text: string) => {
      const frames = [JSON.parse(text)].flat() as ClientFrame[]
      messages.push(frames)
      sent.push(...frames)
      const passed = frames.filter(pass)
      if (passed.length > 0) socket.send(JSON.stringify(passed.length === 1 ? passed[0] : passed))
    }
    return { ...socket, send }
  }
  return { dial, sent, messages }
}

const documentsOf = (frames: readonly ClientFrame[], a: string) =>
  frames.flatMap(frame => (frame.a === a && 'd' in frame ? [frame.d] : []))

/** A client of its own that leaves `count` documents behind in `storage` with an unsent edit each. */
async function unsentIn(storage: ReturnType<typeof memoryStorage>, count: number): Promise<void> {
  const away = client({ server: 'http://127.0.0.1:9', log: memoryLog({ storage }) })
  for (let i = 0; i < count; i++) {
    const doc = await away.open('notes', `d${i}`, 'text')
    doc.edit([`text ${i}`])
    await doc.saved
  }
  await away.close()
}

describe('the order of what a client sends', () => {
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
    await closeAll()
  })

  it('[R8] the document on screen catches up first, the others a few at a time, and all of them in the end', async () => {
    const storage = memoryStorage()
    await unsentIn(storage, 30)
    const server = await serve()
    let answers = 0
    const { dial, sent } = watched()
    let most = 0
    const counting: Dial = (url, events) =>
      dial(url, {
        ...events,
        text(text) {
          if (JSON.parse(text).a === 'h.catchup') {
            most = Math.max(most, documentsOf(sent, 'h.catchup').length - answers)
            answers++
          }
          events.text(text)
        },
      })
    const back = client({ server: server.url, log: memoryLog({ storage }), dial: counting })
    const screen = await back.open('notes', 'd7', 'text')
    await screen.settled
    const reader = client({ server: server.url })
    for (let i = 0; i < 30; i++) {
      const doc = await reader.open<string>('notes', `d${i}`, 'text')
      while (doc.data !== `text ${i}`) await new Promise<void>(resolve => doc.on('change', () => resolve()))
    }
    assert.ok(documentsOf(sent, 'h.catchup').slice(0, 10).includes('d7'), 'the one on screen waited')
    assert.ok(most <= 9, `${most} documents caught up at once`)
  })

  it('[R9] a batch over several documents is one write and one request', async () => {
    const writes: (readonly Write[])[] = []
    const log = memoryLog()
    const noting = {
      ...log,
      write(given: readonly Write[]) {
        writes.push(given)
        return log.write(given)
      },
    }
    const server = await serve()
    const { dial, messages } = watched()
    const it = client({ server: server.url, log: noting, dial })
    const docs = await Promise.all(['a', 'b', 'c'].map(id => it.open('notes', id, 'text')))
    for (const doc of docs) doc.edit(['0'])
    await Promise.all(docs.map(doc => doc.settled))
    writes.length = 0
    messages.length = 0
    it.batch(() => {
      for (const doc of docs) doc.edit(['x'])
    })
    await docs[0]!.saved
    const [first] = writes.filter(each => each.some(({ events = [] }) => events.some(isEdit)))
    assert.deepEqual(
      first?.filter(({ events = [] }) => events.some(isEdit)).map(({ key }) => key.id),
      ['a', 'b', 'c'],
    )
    await Promise.all(docs.map(doc => doc.settled))
    const requests = messages.filter(frames => frames.some(({ a }) => a === 'op'))
    assert.deepEqual(
      requests.map(frames => documentsOf(frames, 'op')),
      [['a', 'b', 'c']],
    )
  })

  it('[R10] a link never arrives before the document that it leads to, whatever is cut in between', async () => {
    const storage = memoryStorage()
    const server = await serve()
    let keepBack = true
    const { dial } = watched(frame => !(keepBack && 'd' in frame && frame.d === 'page' && frame.a === 'op'))
    const first = client({ server: server.url, log: memoryLog({ storage }), dial })
    const index = await first.open<string>('notes', 'index', 'text')
    const page = await first.open<string>('notes', 'page', 'text')
    first.batch(() => {
      page.edit(['the page'])
      index.edit(['see page'], { after: [page] })
    })
    await Promise.all([page.saved, index.saved])
    const reader = client({ server: server.url })
    const seen = await reader.open<string>('notes', 'index', 'text')
    const metrics = await first.metrics()
    assert.equal(metrics.unsent, 4)
    await first.close()
    assert.equal(seen.data, '')
    keepBack = false
    const orders: string[] = []
    const readPage = await reader.open<string>('notes', 'page', 'text')
    readPage.on('change', () => orders.push('page'))
    seen.on('change', () => orders.push('index'))
    const linked = new Promise<void>(resolve =>
      seen.on('change', () => seen.data === 'see page' && resolve()),
    )
    client({ server: server.url, log: memoryLog({ storage }) })
    await linked
    assert.equal(readPage.data, 'the page')
    assert.equal(orders.at(0), 'page')
  })

  it('[R10] an edit waits as long as the one before it is held, and goes once a person has decided', async () => {
    const server = await serve({ DOCUMENT_BYTES: 500 })
    const it = client({ server: server.url })
    const [page, index] = [await it.open('notes', 'page', 'text'), await it.open('notes', 'index', 'text')]
    page.edit(['x'.repeat(600)])
    index.edit(['see page'], { after: [page] })
    await page.settled
    assert.deepEqual([page.held.length > 0, index.unsent], [true, 2])
    for (const { name } of page.held) page.discard(name)
    await index.settled
    assert.equal(index.unsent, 0)
  })

  it('[R162] what leads to a document whose creation is held waits for a decision; to one with another held edit, it does not', async () => {
    const board = new Board()
    for (const id of ['index', 'there']) board.give('ada', 'write', 'notes', id)
    board.give('ada', 'read', 'notes', 'gone')
    const server = await serve({ DOCUMENT_BYTES: 500 }, null, board)
    const it = client({ server: server.url, token: async () => tokenOf({ id: 'ada' }) })
    const [index, there, gone] = await Promise.all(
      ['index', 'there', 'gone'].map(id => it.open('notes', id, 'text')),
    )
    there!.edit(['x'.repeat(600)])
    gone!.edit(['nobody may write this'])
    await Promise.all([there!.settled, gone!.settled])
    assert.deepEqual([there!.held.length, gone!.held.length], [1, 1])
    index!.edit(['see there'], { after: [there!] })
    await index!.settled
    index!.edit([' and gone'], { after: [gone!] })
    await until(index!, ({ saved }) => saved)
    assert.equal(index!.unsent, 1)
    gone!.discard(gone!.held[0]!.name)
    await index!.settled
    assert.equal(index!.unsent, 0)
  })

  it('[R11] a paused client saves and sends nothing until it is resumed', async () => {
    const server = await serve()
    const it = client({ server: server.url })
    const doc = await it.open<string>('notes', 'paused', 'text')
    doc.edit(['a'])
    await doc.settled
    const paused = new Promise<string>(resolve => it.on('phase', resolve))
    it.pause()
    assert.equal(await paused, 'paused')
    doc.edit([1, 'b'])
    await doc.saved
    it.reconnect()
    const other = await client({ server: server.url }).open<string>('notes', 'paused', 'text')
    assert.deepEqual([doc.status, doc.unsent, other.data], ['offline', 1, 'a'])
    it.resume()
    await doc.settled
    assert.equal(doc.data, 'ab')
  })

  it('[R12] the metrics count what happened', async () => {
    const server = await serve()
    const [one, two] = [client({ server: server.url }), client({ server: server.url })]
    const [mine, theirs] = [
      await one.open<string>('notes', 'm', 'text'),
      await two.open<string>('notes', 'm', 'text'),
    ]
    mine.edit(['a'])
    await mine.settled
    while (theirs.data !== 'a') await new Promise<void>(resolve => theirs.on('change', () => resolve()))
    theirs.edit([1, 'b'])
    await theirs.settled
    while (mine.data !== 'ab') await new Promise<void>(resolve => mine.on('change', () => resolve()))
    const { edits, sealed, acked, remote, unsent, held, tabs, documents, save, commit, connections } =
      await one.metrics()
    assert.deepEqual(
      { edits, acked, remote, unsent, held, tabs, documents, connections },
      { edits: 2, acked: 2, remote: 1, unsent: 0, held: 0, tabs: 1, documents: 1, connections: 1 },
    )
    assert.equal(sealed, 1)
    assert.ok(save.count > 0 && commit.count > 0)
    assert.ok(commit.max >= commit.mean)
  })

  it('[R13] the token is asked for each connection; a function that fails is tried again', async () => {
    const server = await serve()
    const { dial, sent } = watched()
    let asked = 0
    const token = async () => {
      asked++
      if (asked === 1) throw new Error('not signed in yet')
      return `token ${asked}`
    }
    const it = client({ server: server.url, dial, token })
    const doc = await it.open('notes', 't', 'text')
    doc.edit(['x'])
    await doc.settled
    it.reconnect()
    doc.edit([1, 'y'])
    await doc.settled
    const tokens = sent.flatMap(frame => (frame.a === 'hs' ? [frame.token] : []))
    assert.deepEqual(tokens, ['token 2', 'token 3'])
  })

  it('[R161] documents that lead to each other both arrive', async () => {
    const storage = memoryStorage()
    const away = client({ server: 'http://127.0.0.1:9', log: memoryLog({ storage }) })
    const one = await away.open<string>('notes', 'one', 'text')
    const two = await away.open<string>('notes', 'two', 'text')
    for (const n of [1, 2]) {
      one.edit([`one ${n}. `], { after: [two] })
      two.edit([`two ${n}. `], { after: [one] })
    }
    await Promise.all([one.saved, two.saved])
    await away.close()
    const server = await serve()
    const here = client({ server: server.url, log: memoryLog({ storage }) })
    const docs = [await here.open('notes', 'one', 'text'), await here.open('notes', 'two', 'text')]
    await Promise.all(docs.map(doc => doc.settled))
    assert.deepEqual(
      docs.map(({ data, held }) => [data, held]),
      [
        ['one 2. one 1. ', []],
        ['two 2. two 1. ', []],
      ],
    )
  })

  it('[R15] unsent edits are lifted step by step to the schema that the app has now', async () => {
    const storage = memoryStorage()
    const away = client({ server: 'http://127.0.0.1:9', log: memoryLog({ storage }), schema: { version: 1 } })
    for (const [id, title] of [
      ['good', 'Old'],
      ['bad', 'Unliftable'],
    ] as const) {
      const doc = await away.open('notes', id, 'json')
      doc.edit(['title', { i: title }])
      doc.edit(['n', { i: 1 }])
      await doc.saved
    }
    await away.close()
    const server = await serve()
    const rename = (change: Change) =>
      JSON.stringify(change).includes('Unliftable')
        ? null
        : JSON.parse(JSON.stringify(change).replaceAll('title', 'name'))
    const schema = { version: 3, upcast: { 1: rename, 2: (change: Change) => change } }
    const now = client({ server: server.url, log: memoryLog({ storage }), schema })
    const [good, bad] = [
      await now.open<object>('notes', 'good', 'json'),
      await now.open('notes', 'bad', 'json'),
    ]
    await Promise.all([good.settled, bad.settled])
    assert.deepEqual([good.data, good.held], [{ name: 'Old', n: 1 }, []])
    assert.ok(bad.held.some(({ reason }) => reason.code === 'SCHEMA_OLD'))
  })
})

const isEdit = ({ event }: { event: unknown }) => Array.isArray(event) || (event as ReplicaEvent).t === 'edit'
