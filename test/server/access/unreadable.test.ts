import assert from 'node:assert/strict'
import { keyText } from '../../../ops/identity.ts'
import { TEXT } from '../scene.ts'
import { ch, creation, edit, FORBIDDEN, send } from './note.ts'
import { type Line, Site } from './site.ts'

describe('What one may not read', () => {
  let site: Site
  let root: Line
  beforeEach(async () => {
    site = new Site()
    root = await site.greet('root')
    await send(root, creation)
  })
  afterEach(() => site.close())

  it('[Z6] reaches nobody: a crowd asks in every way, and hears of nothing but its own', async () => {
    const secret = { c: 'notes', d: 'secret' }
    await root.ask({ ...creation, ...secret, create: { type: TEXT, data: 'TOP' } }, { a: 'op', d: 'secret' })
    site.board.give('ann', 'manage')
    const ann = await site.greet('ann')
    const channels = [keyText({ collection: 'notes', id: 'secret' }), 'notes.secret']
    for (const v of [0, 1, undefined]) {
      for (const a of ['f', 's']) ann.say({ a, ...secret, v })
      ann.say({ a: 'bs', c: 'notes', b: v === undefined ? ['a', 'secret'] : { a: 1, secret: v } })
      ann.say({ a: 'h.catchup', ...secret, v: v ?? null, own: [['root', 1]] })
    }
    for (const [i, channel] of channels.entries()) ann.say({ a: 'ps', ch: channel, seq: i + 1 })
    await site.quiet()
    await root.ask(
      { a: 'op', ...secret, src: 'root', seq: 2, v: 1, op: ['TOP'] },
      { a: 'op', d: 'secret', seq: 2 },
    )
    await root.ask({ a: 'p', ch: channels[0], id: 'me', p: 'TOP', pv: 1 }, { a: 'p' })
    await root.ask(
      { a: 'p', ch: channels[1], id: 'me', p: 'TOP', pv: 1, ...secret, v: 2, t: TEXT },
      { a: 'p' },
    )
    await send(root, edit('root', 2, 1, ['seen']))
    await site.quiet()
    assert.doesNotMatch(JSON.stringify(ann.said), /TOP/)
    assert.match(JSON.stringify(ann.said), /seen/)
  })

  it('[Z23] of many documents at once those that may be read are answered, the others refused one by one', async () => {
    site.board.give('ann', 'read')
    const ann = await site.greet('ann')
    ann.say({ a: 'bf', c: 'notes', b: ['a', 'b'] })
    const answers = [await ann.next({ a: 'bf' }), await ann.next({ a: 'bf' })]
    const data = Object.assign({}, ...answers.map(answer => answer.data))
    assert.deepEqual([data.a.data, data.b.error.code], ['hi', FORBIDDEN])
  })

  it('[Z6] one channel of ShareDB may be of two documents: each hears what it may read', async () => {
    const [left, right] = [
      { c: 'a', d: 'b.c' },
      { c: 'a.b', d: 'c' },
    ]
    site.board.give('ann', 'read', 'a', 'b.c')
    const ann = await site.greet('ann')
    assert.equal((await ann.ask({ a: 'ps', ch: 'a.b.c', seq: 1 }, { a: 'ps' })).error, undefined)
    for (const [p, each] of Object.entries({ left, right })) {
      await root.ask({ a: 'p', ch: 'a.b.c', id: p, p, pv: 1, ...each, v: 0, t: TEXT }, { a: 'p', id: p })
    }
    await site.quiet()
    assert.deepEqual(
      ann.said.filter(({ a }) => a === 'p').map(({ p }) => p),
      ['left'],
    )
    const forged = { a: 'p', ch: 'notes.a', id: 'x', p: 'x', pv: 1, c: 'a', d: 'b.c', v: 0, t: TEXT }
    assert.equal((await ann.ask(forged, { a: 'p', ch: 'notes.a' })).error.code, FORBIDDEN)
  })

  it('[Z21] presence says by the server’s word whose it is', async () => {
    for (const who of ['ann', 'bob']) site.board.give(who, 'read')
    const ann = await site.greet('ann', { id: 'ann', name: 'Ann' })
    const bob = await site.greet('bob')
    await bob.ask({ a: 'ps', ch, seq: 1 }, { a: 'ps' })
    ann.say({ a: 'p', ch, id: 'me', p: { name: 'root' }, pv: 1, who: { id: 'root' } })
    const heard = await bob.next({ a: 'p', src: 'ann' })
    assert.deepEqual([heard.who, heard.p], [{ id: 'ann', name: 'Ann' }, { name: 'root' }])
    await ann.ask({ a: 'ps', ch, seq: 1 }, { a: 'ps' })
    bob.say({ a: 'p', ch, id: 'me', p: 1, pv: 1 })
    assert.deepEqual((await ann.next({ a: 'p', src: 'bob' })).who, { id: 'bob' })
  })

  it('[Z24] no projection leads around the right to read, and a query takes that of the whole collection', async () => {
    const { share } = site.gateway.backend
    share.addProjection('titles', 'notes', { title: true })
    for (const may of ['titles', 'notes']) {
      site.board.give(may, 'manage', may, '*')
      const line = await site.greet(may)
      for (const a of ['f', 's']) {
        const answer = await line.ask({ a, c: 'titles', d: 'a' }, { a })
        // ShareDB cannot project our types, and finds that out first.
        assert.equal(answer.error.code, may === 'titles' ? 'INTERNAL' : FORBIDDEN)
      }
      assert.equal((await line.ask({ ...edit(may, 1, 1), c: 'titles' }, { a: 'op' })).error.code, FORBIDDEN)
      await send(root, edit('root', may === 'notes' ? 3 : 2, 1, ['secret']))
      await site.quiet()
      assert.doesNotMatch(JSON.stringify(line.said), /secret|"hi/)
    }
    const queried = (agent: ReturnType<typeof share.connect>['agent']) =>
      new Promise<{ code?: string } | null>(resolve => share.queryFetch(agent, 'notes', {}, {}, resolve))
    const agents: ReturnType<typeof share.connect>['agent'][] = []
    share.use('receive', ({ agent }, next) => {
      agents.push(agent)
      next()
    })
    for (const who of ['some', 'all']) {
      site.board.give(who, 'manage', 'notes', who === 'all' ? '*' : 'a*')
      await site.greet(who)
      const code = (await queried(agents.at(-1)!))?.code
      assert.equal(code === FORBIDDEN, who === 'some', code)
    }
  })

  it('[Z26] who comes to ShareDB past the gateway may do nothing, but for the server itself', async () => {
    const { share } = site.gateway.backend
    const fetched = (agent: Parameters<typeof share.fetch>[0]) =>
      new Promise(resolve =>
        share.fetch(agent, 'notes', 'a', (error, snapshot) => resolve(error ?? snapshot?.data)),
      )
    assert.equal(await fetched(share.connect().agent), 'hi')
    const { agent } = share.connect()
    Object.defineProperty(agent.stream, 'isServer', { value: false })
    assert.equal(((await fetched(agent)) as { code: string }).code, FORBIDDEN)
  })
})
