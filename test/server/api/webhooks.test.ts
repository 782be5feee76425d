import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings, type Settings } from '../../../server/settings.ts'
import { webhooksIn } from '../../../server/webhooks/config.ts'
import { isPrivate } from '../../../server/webhooks/post.ts'
import { closeAll, serve, type TestServer } from '../scene.ts'
import { ask, make } from './asking.ts'
import { openReceiver, type Receiver, SECRET } from './receiver.ts'

describe('Webhooks', function () {
  this.timeout(20_000)
  let receiver: Receiver
  let DATA: string
  beforeEach(async () => {
    receiver = await openReceiver()
    DATA = mkdtempSync(join(tmpdir(), 'holdfast-hooks-'))
  })
  afterEach(async () => {
    await closeAll()
    await receiver.close()
    rmSync(DATA, { recursive: true })
  })

  const open = (settings: Partial<Settings> = {}): Promise<TestServer> =>
    serve({
      DATA,
      WEBHOOKS: JSON.stringify([{ url: receiver.url, collections: ['notes'], secret: SECRET }]),
      ...settings,
    })
  /** Resolves when the cursor stands behind a change. */
  const settled = async (server: TestServer, after: number) => {
    for (;;) {
      const view = await cursorsOf(server)
      if (view.some(({ after: at, pending }) => at === after && pending === null)) return
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  const cursorsOf = async (server: TestServer) => {
    const { createHash } = await import('node:crypto')
    const name = `webhook ${createHash('sha256').update(receiver.url).digest('hex').slice(0, 32)} "notes"`
    const text = await server.gateway.store.memo(name)
    return text === null ? [] : [JSON.parse(text)]
  }

  it('[I40] tells what changed, signed, and goes on from there', async () => {
    const server = await open()
    await make(server, 'a', 'text', 'secret content')
    const first = await receiver.next()
    assert.deepEqual(first.ids, ['a'])
    assert.doesNotMatch(first.body, /secret content/)
    await settled(server, 1)
    await make(server, 'elsewhere', 'text', '', 'other')
    await ask(server, '/v1/docs/notes/a', { method: 'DELETE' })
    const second = JSON.parse((await receiver.next()).body)
    assert.deepEqual(
      [second.collection, second.changes[0].type, second.changes[0].change],
      ['notes', null, 2],
    )
    await settled(server, 2)
    assert.equal(receiver.deliveries.length, 2)
  })

  it('[I41] is tried again, the same under the same id, until it is taken; edits do not wait', async () => {
    receiver.answers.push(500, 302)
    const server = await open()
    await make(server, 'a', 'text', '')
    const first = await receiver.next()
    await make(server, 'b', 'text', '')
    const second = await receiver.next()
    const third = await receiver.next()
    for (const again of [second, third]) assert.deepEqual([again.id, again.body], [first.id, first.body])
    const next = await receiver.next()
    assert.notEqual(next.id, first.id)
    assert.deepEqual(next.ids, ['b'])
    await settled(server, 2)
    assert.equal(server.reports.length, 2)
    assert.match(server.reports[0]!, /fails.*500/)
    assert.match(server.reports[1]!, /again/)
    assert.doesNotMatch(server.reports.join(), /s3cr3t|some length/)
  })

  it('[I42] goes on after a restart, where the answer was not heard with the same delivery', async () => {
    receiver.answers.push(null)
    const server = await open()
    await make(server, 'a', 'text', '')
    const unheard = await receiver.next()
    await server.close()
    const reborn = await open()
    const again = await receiver.next()
    assert.deepEqual([again.id, again.body], [unheard.id, unheard.body])
    await settled(reborn, 1)
    await make(reborn, 'b', 'text', '')
    assert.deepEqual((await receiver.next()).ids, ['b'])
    await settled(reborn, 2)
    await reborn.close()
    const third = await open()
    await make(third, 'c', 'text', '')
    assert.deepEqual((await receiver.next()).ids, ['c'])
  })

  it('[I42] two servers on one database send the same deliveries, and move on together', async () => {
    const [one, two] = [await open(), await open()]
    for (let i = 0; i < 10; i++) await make(i % 2 ? one : two, `${i}`, 'text', '')
    await settled(one, 10)
    const bodies = new Map(receiver.deliveries.map(({ id, body }) => [id, body]))
    assert.ok(receiver.deliveries.every(({ id, body }) => bodies.get(id) === body))
    const told = [...bodies.values()].flatMap(body =>
      JSON.parse(body).changes.map((each: { id: string }) => each.id),
    )
    assert.deepEqual(
      told.toSorted(),
      Array.from({ length: 10 }, (_, i) => `${i}`),
    )
  })

  it('[I43] a server ends while a receiver is slow', async () => {
    receiver.answers.push(null)
    const server = await open({ DRAIN_MS: 5000 })
    await make(server, 'a', 'text', '')
    await receiver.next()
    await server.close()
  })

  it('[I44] leads to no private address where that is forbidden', async () => {
    const server = await open({ WEBHOOK_NETWORKS: 'public' })
    await make(server, 'a', 'text', '')
    while (server.reports.length === 0) await new Promise(resolve => setImmediate(resolve))
    assert.match(server.reports[0]!, /private address/)
    assert.equal(receiver.deliveries.length, 0)
    const inside = [
      '127.0.0.1',
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '::1',
      'fd00::1',
      '::ffff:127.0.0.1',
    ]
    assert.deepEqual(
      inside.filter(address => !isPrivate(address)),
      [],
    )
    assert.deepEqual(['8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8'].filter(isPrivate), [])
  })

  it('[I45] a list that cannot be is refused at the start, and nothing of it repeated', () => {
    const hook = { url: 'https://a.example', collections: ['notes'], secret: SECRET }
    const file = join(DATA, 'secret')
    writeFileSync(file, `${SECRET}\n`)
    const list = join(DATA, 'hooks.json')
    writeFileSync(list, JSON.stringify([{ ...hook, secret: undefined, secretFile: file }]))
    assert.deepEqual(webhooksIn({ ...readSettings(), WEBHOOKS: list }), [hook])
    const bad = [
      '[',
      '[{}]',
      '/nowhere/hooks.json',
      JSON.stringify([{ ...hook, url: 'ftp://a.example' }]),
      JSON.stringify([{ ...hook, collections: [] }]),
      JSON.stringify([{ ...hook, secret: 's3cr3t' }]),
      JSON.stringify([{ ...hook, secretFile: file }]),
      JSON.stringify([{ ...hook, more: 's3cr3t' }]),
      JSON.stringify([{ ...hook, secret: undefined }]),
    ]
    for (const WEBHOOKS of bad) {
      assert.throws(
        () => webhooksIn({ ...readSettings(), WEBHOOKS }),
        (error: { code?: string; message: string }) =>
          error.code === 'SETTING_INVALID' && !/s3cr3t|some length/.test(error.message),
      )
    }
  })
})
