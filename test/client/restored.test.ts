import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client, Doc } from '../../client/api.ts'
import { connect } from '../../client/client.ts'
import type { Dial } from '../../client/link/link.ts'
import { dialWebSocket } from '../../client/link/websocket.ts'
import { memoryLog } from '../../client/log/memory.ts'
import { type RunningServer, startServer } from '../../server/server.ts'
import { readSettings } from '../../server/settings.ts'
import { webSocketUrl } from '../server/scene.ts'
import { until } from './until.ts'

describe('a client whose server was restored from an old backup', () => {
  let folder: string
  let server: RunningServer
  let client: Client
  const start = async () => {
    const settings = { ...readSettings(), PORT: 0, DATA: folder }
    server = await startServer(settings, { web: null, report: () => {} })
  }
  /** The server may be another one by the next time. */
  const dial: Dial = (_url, events) => dialWebSocket(webSocketUrl(server), events)

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-restored-'))
    await start()
    client = connect({ server: server.url, dial, timings: { backoffBaseMs: 10, backoffMaxMs: 20 } })
  })

  afterEach(async () => {
    await client.close()
    await server.close()
    rmSync(folder, { recursive: true })
  })

  /** A document of which the server knows only the first half after this, and a third part that it never knew. */
  async function goBack(): Promise<Doc<string>> {
    const doc = await client.open<string>('notes', 'a', 'text')
    doc.edit(['one'])
    await doc.settled
    await server.close()
    const file = join(folder, 'holdfast.sqlite')
    const backup = join(folder, 'backup')
    copyFileSync(file, backup)
    await start()
    doc.edit([3, ' two'])
    await doc.settled
    await server.close()
    copyFileSync(backup, file)
    doc.edit([7, ' three'])
    await start()
    await until(doc, ({ wentBack }) => wentBack)
    assert.deepEqual([doc.data, doc.truth.held], ['one two three', 1])
    assert.equal((await server.gateway.store.snapshot({ collection: 'notes', id: 'a' })).data, 'one')
    return doc
  }

  it("[E26] offers this device's content, and writes it onto the server's when a person says so", async () => {
    const doc = await goBack()
    await doc.restore('mine')
    assert.deepEqual([doc.data, doc.held, doc.truth.error], ['one two three', [], null])
    assert.equal((await server.gateway.store.snapshot({ collection: 'notes', id: 'a' })).data, doc.data)
    doc.edit([13, '!'])
    await doc.settled
  })

  it('[E26] is offered as well where this device can save nothing', async () => {
    await client.close()
    const log = memoryLog({ complete: (_commit, fail) => fail('no space') })
    client = connect({ server: server.url, dial, log, timings: { backoffBaseMs: 10, backoffMaxMs: 20 } })
    const doc = await goBack()
    assert.equal(doc.truth.error?.code, 'LOG_FAILED')
    await doc.restore('mine')
    assert.deepEqual([doc.data, doc.truth.wentBack], ['one two three', false])
  })

  it("[E26] takes the server's, and holds what it never had", async () => {
    const doc = await goBack()
    await doc.restore('theirs')
    assert.deepEqual([doc.data, doc.held.map(({ text }) => text)], ['one', [' three']])
  })
})
