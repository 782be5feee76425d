import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Client, Doc } from '../../client/api.ts'
import { type ConnectOptions, connect } from '../../client/client.ts'
import { type Clock, systemClock } from '../../client/clock.ts'
import type { Dial, SocketEvents } from '../../client/link/link.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import { volatileLog } from '../../client/log/volatile.ts'
import { closeAll, serve } from '../server/scene.ts'
import { until } from './until.ts'

const open: Client[] = []

function client(options: Partial<ConnectOptions> & { server: string }): Client {
  const made = connect({ timings: { backoffBaseMs: 10, backoffMaxMs: 20 }, ...options })
  open.push(made)
  return made
}

const equal = async (a: Doc, b: Doc) => {
  while (!isDeepStrictEqual(a.data, b.data)) {
    await new Promise<void>(resolve => {
      const offs = [a.on('change', done), b.on('change', done)]
      function done() {
        for (const off of offs) off()
        resolve()
      }
    })
  }
}

/** An address where nothing listens. */
async function nowhere(): Promise<string> {
  const server = await serve()
  await server.close()
  return server.url
}

describe('client', () => {
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
    await closeAll()
  })

  it('[C1] two clients edit one document of each type and end equal; both facts are told', async () => {
    const server = await serve()
    const [a, b] = [client({ server: server.url }), client({ server: server.url })]
    const edits = {
      text: [['hello'], [' world']],
      rich: [{ ops: [{ insert: 'hello' }] }, { ops: [{ insert: 'bold', attributes: { bold: true } }] }],
      json: [
        ['a', { i: 1 }],
        ['b', { i: { c: [2] } }],
      ],
    } as const
    for (const type of ['text', 'rich', 'json'] as const) {
      const [mine, theirs] = [await a.open('notes', type, type), await b.open('notes', type, type)]
      assert.equal(mine.truth.exists, false)
      mine.edit(edits[type][0])
      theirs.edit(edits[type][1])
      await Promise.all([mine.saved, theirs.saved])
      await Promise.all([mine.settled, theirs.settled])
      await equal(mine, theirs)
      assert.deepEqual(
        [mine.unsent, mine.truth.saved, mine.truth.settled, mine.truth.exists],
        [0, true, true, true],
      )
      await until(mine, truth => truth.status === 'synced')
    }
  })

  it('[C2] opens with no server at all, keeps edits, and sends them from the next visit even if nobody opens the document', async () => {
    const storage = memoryStorage()
    const away = client({ server: await nowhere(), log: memoryLog({ storage }) })
    const doc = await away.open<string>('notes', 'offline', 'text')
    doc.edit(['written offline'])
    await doc.saved
    assert.deepEqual(
      [doc.status, doc.truth.saved, doc.truth.settled, doc.unsent],
      ['offline', true, false, 2],
    )
    await away.close()

    const server = await serve()
    const reader = await client({ server: server.url }).open<string>('notes', 'offline', 'text')
    const arrived = until(reader, truth => truth.exists)
    const back = client({ server: server.url, log: memoryLog({ storage }) })
    await arrived
    await equal(reader, await back.open('notes', 'offline', 'text'))
    assert.equal(reader.data, 'written offline')
  })

  it('[C3] a document that is known here opens from the log, edits and all', async () => {
    const storage = memoryStorage()
    const server = await serve()
    const first = client({ server: server.url, log: memoryLog({ storage }) })
    const doc = await first.open<string>('notes', 'known', 'text')
    doc.edit(['from the server'])
    await doc.settled
    await first.close()
    const later = client({ server: await nowhere(), log: memoryLog({ storage }) })
    const again = await later.open<string>('notes', 'known', 'text')
    assert.equal(again.data, 'from the server')
    const [known] = await later.known()
    assert.deepEqual(
      [known?.collection, known?.id, known?.type, known?.unsent],
      ['notes', 'known', 'text', 0],
    )
  })

  it('[C4] a log that cannot save: the status says so, and editing and sending go on', async () => {
    const server = await serve()
    const doc = await client({ server: server.url, log: volatileLog('the disk is full') }).open<string>(
      'notes',
      'volatile',
      'text',
    )
    doc.edit(['in memory'])
    await assert.rejects(doc.saved, { code: 'LOG_FAILED', message: /the disk is full/ })
    await doc.settled
    assert.deepEqual([doc.truth.saved, doc.truth.settled, doc.truth.error?.code], [false, true, 'LOG_FAILED'])
    const reader = await client({ server: server.url }).open<string>('notes', 'volatile', 'text')
    assert.equal(reader.data, 'in memory')
  })

  it('[C5] bad calls are refused with a code where they are made', async () => {
    const server = await serve()
    const it = client({ server: server.url })
    const doc = await it.open<string>('notes', 'strict', 'text')
    doc.edit(['abc'])
    await doc.settled
    assert.throws(() => doc.edit([9, 'x']), { code: 'OP_MISFIT' })
    await assert.rejects(it.open('notes', 'strict', 'json'), { code: 'TYPE_MISMATCH' })
    await assert.rejects(it.open('notes', '', 'text'), { code: 'NAME_INVALID' })
    await assert.rejects(it.open('notes', '__proto__', 'text'), { code: 'NAME_INVALID' })
    await assert.rejects(it.open('notes', 'x', 'spreadsheet' as 'text'), { code: 'TYPE_UNKNOWN' })
    assert.throws(() => connect({ server: 'localhost:7007' }), { code: 'SETTING_INVALID' })
    await doc.close()
    assert.throws(() => doc.edit(['x']), { code: 'CLIENT_CLOSED' })
    await it.close()
    await assert.rejects(it.open('notes', 'late', 'text'), { code: 'CLIENT_CLOSED' })
    assert.equal((await client({ server: server.url }).open('notes', 'strict', 'text')).data, 'abc')
  })

  it('[C8] [K1] asks for what was missed in the same flight as it greets, and then who else is there', async () => {
    const storage = memoryStorage()
    const server = await serve()
    const first = client({ server: server.url, log: memoryLog({ storage }) })
    await (await first.open('notes', 'asked', 'text')).settled
    await first.close()
    const sent: string[] = []
    let events: SocketEvents | null = null
    const dial: Dial = (_url, given) => {
      events = given
      return { send: text => sent.push(JSON.parse(text).a), close: () => {} }
    }
    const later = client({ server: server.url, log: memoryLog({ storage }), dial })
    await later.open('notes', 'asked', 'text')
    events!.open()
    assert.deepEqual(sent.splice(0), ['hs', 'h.catchup'])
    const hear = (frame: object) => events!.text(JSON.stringify(frame))
    hear({ a: 'hs', protocol: 1, protocolMinor: 2, id: 'x', holdfast: 1 })
    assert.deepEqual(sent.splice(0), [])
    hear({ a: 'h.catchup', c: 'notes', d: 'asked', from: 0, v: 0, segments: [] })
    assert.deepEqual(sent, ['s', 'ps'])
  })

  it('[C10] closing leaves no timer behind', async () => {
    const server = await serve()
    const timers = new Set<object>()
    const clock: Clock = {
      ...systemClock,
      after(ms, task) {
        const running = { task }
        timers.add(running)
        const cancel = systemClock.after(ms, () => {
          timers.delete(running)
          task()
        })
        return () => {
          timers.delete(running)
          cancel()
        }
      },
    }
    const it = client({ server: server.url, clock })
    const doc = await it.open<string>('notes', 'timers', 'text')
    doc.edit(['x'])
    await doc.settled
    assert.ok(timers.size > 0, 'a link that is up watches its line')
    await it.close()
    assert.equal(timers.size, 0)
  })

  it('[C6] a change is told once to each handle, as local only to the one that made it', async () => {
    const server = await serve()
    const one = client({ server: server.url })
    const [a, b] = [
      await one.open<string>('notes', 'handles', 'text'),
      await one.open<string>('notes', 'handles', 'text'),
    ]
    const told: string[] = []
    a.on('change', ({ change, local }) => told.push(`a ${Object.keys(change)[0]} ${local}`))
    b.on('change', ({ change, local }) => told.push(`b ${Object.keys(change)[0]} ${local}`))
    a.edit(['hi'])
    assert.deepEqual(told.splice(0), ['a create true', 'a op true'])
    await equal(a, b)
    assert.deepEqual(told, ['b create false', 'b op false'])
    await a.settled
  })

  it('[C6] listeners may edit while they are told of a change', async () => {
    const server = await serve()
    const [a, b] = [client({ server: server.url }), client({ server: server.url })]
    const [mine, theirs] = [
      await a.open<string>('notes', 'echo', 'text'),
      await b.open<string>('notes', 'echo', 'text'),
    ]
    theirs.on('change', ({ local }) => {
      if (!local && theirs.data.length === 5) theirs.edit([5, '!'])
    })
    mine.edit(['hello'])
    while (mine.data !== 'hello!') await new Promise<void>(resolve => mine.on('change', () => resolve()))
    await equal(mine, theirs)
  })

  it('[C7] an edit that the server refuses is held, seen, retried and discarded', async () => {
    const server = await serve({ DOCUMENT_BYTES: 2000 })
    const doc = await client({ server: server.url }).open<string>('notes', 'small', 'text')
    doc.edit(['start'])
    await doc.settled
    doc.edit([5, 'x'.repeat(3000)])
    await doc.settled
    const [held] = doc.held
    assert.deepEqual(
      [doc.status, doc.data, doc.truth.held, held?.reason.code],
      ['held', 'start', 1, 'DOCUMENT_TOO_LARGE'],
    )
    assert.equal(held?.text, 'x'.repeat(3000))
    doc.edit([5, ' and on'])
    await doc.settled
    doc.retry(held!.name)
    await doc.settled
    assert.deepEqual([doc.data, doc.truth.held], ['start and on', 1])
    doc.discard(doc.held[0]!.name)
    await until(doc, truth => truth.held === 0)
    assert.deepEqual([doc.held.length, doc.truth.settled], [0, true])
  })

  it('[C8] those who have a document open see each other come, change and go', async () => {
    const server = await serve()
    const [a, b] = [client({ server: server.url }), client({ server: server.url })]
    const [mine, theirs] = [await a.open('notes', 'who', 'text'), await b.open('notes', 'who', 'text')]
    const seen: string[][] = []
    const next = () => new Promise<void>(resolve => mine.on('presence', () => resolve()))
    mine.on('presence', peers => seen.push(peers.map(peer => (peer.state as { name: string }).name)))
    let told = next()
    theirs.announce({ name: 'Ada' })
    await told
    told = next()
    theirs.announce({ name: 'Ada L.' })
    await told
    told = next()
    await b.close()
    await told
    assert.deepEqual([seen[0], seen.at(-2), seen.at(-1)], [['Ada'], ['Ada L.'], []])
  })

  it('[C9] a document that somebody deletes: what is unsent is held, and the next edit creates it anew', async () => {
    const server = await serve()
    const [a, b] = [client({ server: server.url }), client({ server: server.url })]
    const [mine, theirs] = [
      await a.open<string>('notes', 'gone', 'text'),
      await b.open<string>('notes', 'gone', 'text'),
    ]
    mine.edit(['short-lived'])
    await mine.settled
    await equal(mine, theirs)
    theirs.delete()
    await theirs.settled
    await until(mine, truth => !truth.exists)
    assert.equal(mine.data, '')
    mine.edit(['again'])
    await mine.settled
    await equal(mine, theirs)
    assert.equal(theirs.data, 'again')
  })
})
