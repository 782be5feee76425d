import assert from 'node:assert/strict'
import type { Client, Doc } from '../../client/api.ts'
import { type ConnectOptions, connect } from '../../client/client.ts'
import { type Clock, systemClock } from '../../client/clock.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import { closeAll, serve } from '../server/scene.ts'

const open: Client[] = []

function client(options: Partial<ConnectOptions> & { server: string }): Client {
  const made = connect({ timings: { backoffBaseMs: 10, backoffMaxMs: 20 }, ...options })
  open.push(made)
  return made
}

/** Resolves when `doc` holds `data`. */
const holds = (doc: Doc<string>, data: string): Promise<void> =>
  new Promise(resolve => {
    const look = () => {
      if (doc.data !== data) return
      off()
      resolve()
    }
    const off = doc.on('change', look)
    look()
  })

const can = ({ truth }: Doc<string>) => [truth.canUndo, truth.canRedo]

describe('undo of a client', () => {
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
    await closeAll()
  })

  it('[U5] of two who type one paragraph at once, each takes back all of its own', async () => {
    const { url } = await serve()
    const [mine, theirs] = await Promise.all([
      client({ server: url }).open<string>('notes', 'shared', 'text'),
      client({ server: url }).open<string>('notes', 'shared', 'text'),
    ])
    mine.edit(['The end.'])
    await holds(theirs, 'The end.')
    for (let i = 0; i < 8; i++) {
      mine.edit([4 + i, 'm'])
      theirs.edit([4 + i, 't'])
      await Promise.all([mine.settled, theirs.settled])
      if (i % 3 === 0) await holds(theirs, mine.data)
    }
    await holds(theirs, mine.data)
    while (theirs.truth.canUndo) await theirs.undo()
    await holds(mine, 'The mmmmmmmmend.')
    while (theirs.truth.canRedo) await theirs.redo()
    await theirs.settled
    await holds(mine, theirs.data)
    while (mine.truth.canUndo) await mine.undo()
    await mine.settled
    await holds(theirs, 'tttttttt')
  })

  it('[U6] [U7] undoes after a reload, offline, what an earlier visit wrote, and sends that', async () => {
    const storage = memoryStorage()
    const server = await serve()
    const first = client({ server: server.url, log: memoryLog({ storage }) })
    const doc = await first.open<string>('notes', 'reload', 'text')
    doc.edit(['one'])
    doc.edit([3, ' two'])
    await doc.settled
    await doc.undo()
    await doc.saved
    await first.close()

    const other = await client({ server: server.url }).open<string>('notes', 'reload', 'text')
    const later = client({ server: server.url, log: memoryLog({ storage }), dial: () => dead })
    const again = await later.open<string>('notes', 'reload', 'text')
    assert.equal(again.data, 'one')
    assert.deepEqual(can(again), [true, true])
    await again.redo()
    assert.equal(again.data, 'one two')
    await again.undo()
    await again.undo()
    assert.deepEqual([again.data, ...can(again)], ['', false, true])
    await again.saved
    await later.close()

    await other.settled
    other.edit(['theirs '])
    await other.settled
    const back = client({ server: server.url, log: memoryLog({ storage }) })
    const last = await back.open<string>('notes', 'reload', 'text')
    await holds(last, 'theirs ')
    await last.redo()
    await last.settled
    await holds(other, last.data)
    assert.match(last.data, /^(one)?theirs (one)?$/)
  }).timeout(10_000)

  it('[U13] [U16] groups by its clock, goes on over what others write, and never with the edit of another handle', async () => {
    const { url } = await serve()
    let now = 0
    const clock: Clock = { ...systemClock, now: () => now }
    const it = client({ server: url, clock })
    const doc = await it.open<string>('notes', 'groups', 'text')
    const type = (handle: Doc<string>, word: string, at: number) => {
      for (const [i, letter] of [...word].entries()) handle.edit(at + i > 0 ? [at + i, letter] : [letter])
    }
    type(doc, 'two words', 0)
    await doc.undo()
    assert.equal(doc.data, 'two')
    await doc.redo()
    now = 5_000
    type(doc, '!!', 9)
    await doc.settled
    const theirs = await client({ server: url }).open<string>('notes', 'groups', 'text')
    theirs.edit(['> '])
    await holds(doc, '> two words!!')
    type(doc, '!', 13)
    await doc.undo()
    assert.equal(doc.data, '> two words')
    const beside = await it.open<string>('notes', 'groups', 'text')
    type(doc, 'a', 11)
    await holds(beside, doc.data)
    type(beside, 'b', 12)
    await holds(doc, beside.data)
    type(doc, 'c', 12)
    await doc.undo()
    assert.equal(doc.data, '> two wordsab')
    await beside.undo()
    await holds(doc, '> two wordsa')
  })

  it('[U18] tells what can be undone, and an undo to every handle as a change that nobody shows yet', async () => {
    const { url } = await serve()
    const it = client({ server: url })
    const doc = await it.open<string>('notes', 'told', 'text')
    const beside = await it.open<string>('notes', 'told', 'text')
    const told: string[] = []
    for (const [name, handle] of [
      ['doc', doc],
      ['beside', beside],
    ] as const)
      handle.on('change', ({ local, undone }) => told.push(`${name} ${local} ${undone}`))
    doc.on('truth', ({ canUndo, canRedo }) => told.push(`${canUndo} ${canRedo}`))
    await doc.undo()
    assert.deepEqual([doc.truth.exists, ...can(doc)], [false, false, false])
    doc.edit(['x'])
    assert.equal(told.at(-1), 'true false')
    await holds(beside, 'x')
    await doc.saved
    told.length = 0
    await doc.undo()
    await holds(beside, '')
    assert.deepEqual(told.filter(line => /^(doc|beside)/.test(line)).sort(), [
      'beside false false',
      'doc false true',
    ])
    assert.ok(told.includes('false true'))
    await doc.settled
    await beside.redo()
    await holds(doc, 'x')
    assert.deepEqual(can(doc), [true, false])
    doc.delete()
    assert.deepEqual(can(doc), [false, false])
    await doc.close()
    await assert.rejects(doc.undo(), { code: 'CLIENT_CLOSED' })
  })
})

const dead = { send() {}, close() {} }
