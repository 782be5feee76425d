import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { Client, Doc } from '../../client/api.ts'
import { type ConnectOptions, connect } from '../../client/client.ts'
import type { Dial } from '../../client/link/link.ts'
import { dialWebSocket } from '../../client/link/websocket.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import { documentOf } from '../../client/rescued.ts'
import type { TypeName } from '../../types/type.ts'
import { closeAll, serve } from '../server/scene.ts'

const open: Client[] = []

function device(options: Partial<ConnectOptions> & { server: string }): Client {
  const made = connect({ timings: { backoffBaseMs: 10, backoffMaxMs: 20 }, ...options })
  open.push(made)
  return made
}

const large = 'x'.repeat(3000)
/** A first edit that the server takes, one that makes the document too large for it, and what that one saw. */
const cases: Record<TypeName, { first: unknown; second: unknown; saw: unknown }> = {
  text: { first: ['start'], second: [5, large], saw: `start${large}` },
  rich: {
    first: { ops: [{ insert: 'start' }] },
    second: { ops: [{ retain: 5, attributes: { bold: true } }, { insert: large }] },
    saw: { ops: [{ insert: 'start', attributes: { bold: true } }, { insert: large }] },
  },
  json: { first: ['a', { i: 1 }], second: ['b', { i: large }], saw: { a: 1, b: large } },
}

describe('held edits', () => {
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
    await closeAll()
  })

  const withHeld = async (type: TypeName, storage = memoryStorage()) => {
    const server = await serve({ DOCUMENT_BYTES: 2000 })
    const client = device({ server: server.url, log: memoryLog({ storage }) })
    const doc = await client.open('notes', type, type)
    const { first, second } = cases[type]
    doc.edit(first)
    await doc.settled
    doc.edit(second)
    await doc.settled
    assert.equal(doc.held.length, 1)
    return { server, client, doc }
  }

  it('[Q161] settle an edit only when they are saved on the device', async () => {
    const server = await serve({ DOCUMENT_BYTES: 2000 })
    let refused = false
    const dial: Dial = (url, events) =>
      dialWebSocket(url, {
        ...events,
        text(text) {
          refused ||= text.includes('DOCUMENT_TOO_LARGE')
          events.text(text)
        },
      })
    const held = new Promise<() => void>(resolve => {
      const complete = (commit: () => void) => (refused ? resolve(commit) : commit())
      const client = device({ server: server.url, log: memoryLog({ complete }), dial })
      void client.open('notes', 'large', 'text').then(async doc => {
        doc.edit([large])
        doc.settled.then(() => said.push('settled'))
      })
    })
    const said: string[] = []
    const save = await held
    await setImmediate()
    said.push('saved')
    save()
    await setImmediate()
    assert.deepEqual(said, ['saved', 'settled'])
  })

  for (const type of ['text', 'rich', 'json'] as const) {
    it(`[Q5] [Q6] are saved as a document with all that their writer saw, after a reload as well (${type})`, async () => {
      const storage = memoryStorage()
      const { server, client } = await withHeld(type, storage)
      await client.close()
      const later = device({ server: server.url, log: memoryLog({ storage }) })
      const doc = await later.open('notes', type, type)
      const other = await device({ server: server.url }).open('notes', type, type)
      if (type === 'text') other.edit(['theirs '])
      await other.settled
      const { name } = doc.held[0]!
      assert.equal(await doc.saveAs(name, 'rescued'), 'rescued')
      await until(doc, () => doc.held.length === 0)
      const made = await later.open('notes', 'rescued', type)
      assert.deepEqual(made.data, cases[type].saw)
    })
  }

  it('[Q5] of a document that somebody deleted keep what they were made on', async () => {
    const server = await serve()
    const storage = memoryStorage()
    const mine = device({ server: server.url, log: memoryLog({ storage }) })
    const doc = await mine.open<string>('notes', 'gone', 'text')
    doc.edit(['kept'])
    await doc.settled
    await mine.close()
    const theirs = await device({ server: server.url }).open<string>('notes', 'gone', 'text')
    const away = device({ server: 'http://127.0.0.1:1', log: memoryLog({ storage }) })
    const offline = await away.open<string>('notes', 'gone', 'text')
    offline.edit([4, ' and mine'])
    await offline.saved
    await away.close()
    theirs.delete()
    await theirs.settled
    const back = device({ server: server.url, log: memoryLog({ storage }) })
    const again = await back.open<string>('notes', 'gone', 'text')
    await until(again, () => again.held.length === 1)
    const { name } = again.held[0]!
    assert.deepEqual(await again.baseOf(name), { type: 'text', data: 'kept' })
    await again.saveAs(name, 'kept-copy')
    assert.equal((await back.open<string>('notes', 'kept-copy', 'text')).data, 'kept and mine')
  })

  it('[Q6] stay where the new document cannot be made', async () => {
    const { doc } = await withHeld('text')
    const { name } = doc.held[0]!
    await assert.rejects(doc.saveAs(name, ''), { code: 'NAME_INVALID' })
    await assert.rejects(doc.saveAs(name, 'text'), { code: 'DOCUMENT_EXISTS' })
    await assert.rejects(doc.saveAs({ ...name, seq: 99 }, 'other'), { code: 'NOT_FOUND' })
    assert.equal(doc.held.length, 1)
  })

  it('[Q6] that nothing is known about but themselves leave the text that they put in', async () => {
    const { doc } = await withHeld('text')
    assert.deepEqual(documentOf(doc.held[0]!, null), { type: 'text', data: large })
    const rich = { ...doc.held[0]!, type: 'rich', text: 'words' } as const
    assert.deepEqual(documentOf(rich, null), { type: 'rich', data: { ops: [{ insert: 'words' }] } })
    assert.deepEqual(documentOf({ ...rich, text: '' }, null), { type: 'rich', data: { ops: [] } })
    assert.throws(() => documentOf({ ...rich, original: { del: true } }, null), { code: 'OP_MISFIT' })
  })
})

function until(doc: Doc, is: () => boolean): Promise<void> {
  return new Promise(resolve => {
    const look = () => is() && resolve()
    doc.on('truth', look)
    look()
  })
}
