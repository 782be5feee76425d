import assert from 'node:assert/strict'
import { keyText } from '../../../ops/identity.ts'
import type { Principal } from '../../../server/access/access.ts'
import { TEXT } from '../scene.ts'
import { creation, doc, edit, FORBIDDEN, send, UNAVAILABLE } from './note.ts'
import { Board, hello, Site } from './site.ts'

describe('What a policy fails to answer', () => {
  afterEach(() => site.close())
  let site: Site

  const greet = async (answer: () => boolean | Promise<boolean>) => {
    site = new Site({}, { authenticate: new Board().authenticate, access: answer })
    return site.greet('ann')
  }

  it('[Z7] is unavailable: an exception, a rejection; anything else but true is a denial', async () => {
    let answer: () => unknown = () => true
    const line = await greet(() => answer() as boolean)
    const ask = async (d: string) => (await line.ask({ a: 'f', c: 'notes', d }, { a: 'f', d })).error?.code
    assert.equal(await ask('1'), undefined)
    answer = () => {
      throw new Error('broken')
    }
    assert.equal(await ask('2'), UNAVAILABLE)
    answer = () => Promise.reject(new Error('broken, too'))
    assert.equal(await ask('3'), UNAVAILABLE)
    answer = () => true
    for (const d of ['1', '2', '3']) assert.equal(await ask(d), undefined, 'a failure is not remembered')
    for (const [i, odd] of ['yes', 1, null, undefined, {}, Promise.resolve('yes')].entries()) {
      answer = () => odd
      assert.equal(await ask(`odd ${i}`), FORBIDDEN)
    }
    assert.match(site.reports.join(), /broken.*broken, too/)
  })

  it('[Z7] is unavailable in the end where it never answers, and holds up nothing but what comes behind', async () => {
    const line = await greet(() => new Promise<boolean>(() => {}))
    line.say({ a: 'f', ...doc })
    await site.pass(9999)
    assert.equal(line.said.length, 1)
    await site.pass(1)
    assert.equal((await line.next({ a: 'f' })).error.code, UNAVAILABLE)
  })

  it('[Z7] so it is where nobody says who it is', async () => {
    site = new Site()
    site.board.authenticate = () => new Promise(() => {})
    const line = site.dial()
    line.say({ ...hello('ann'), token: 't' })
    await site.pass(10_000)
    assert.equal((await line.next({ a: 'hs' })).error.code, UNAVAILABLE)
    assert.deepEqual(line.end, { code: 1013, reason: UNAVAILABLE })
  })

  it('[W90] a drain that overtakes the question who speaks turns the client away, takes nothing that came along, and keeps no src', async () => {
    site = new Site()
    site.board.give('bob', 'write')
    const asked = Promise.withResolvers<Principal>()
    const authenticate = site.board.authenticate
    site.board.authenticate = () => asked.promise
    const line = site.dial()
    line.say({ ...hello('ann'), token: 't' })
    line.say({ ...creation, src: 'ann' })
    line.session.drain()
    asked.resolve({ id: 'root' })
    assert.equal((await line.next({ a: 'hs' })).error.code, 'SERVER_DRAINING')
    await site.quiet()
    assert.equal(line.said.length, 1)
    assert.equal((await site.store.head({ collection: 'notes', id: 'a' })).v, 0)
    site.board.authenticate = authenticate
    const other = await site.greet('ann', { id: 'bob' })
    assert.equal((await other.ask({ ...creation, src: 'ann' }, { a: 'op' })).error, undefined)
  })

  it('[Z28] no frame is refused for good by a policy that fails, and each is taken once it answers', async () => {
    let fails = false
    const line = await greet(() => {
      if (fails) throw new Error('broken')
      return true
    })
    await send(line, { ...creation, src: 'ann' })
    fails = true
    const asks: [frame: object, answer: object][] = [
      [edit('ann', 2, 1), { a: 'op', seq: 2 }],
      [
        { a: 'op', ...doc, d: 'c', src: 'ann', seq: 1, v: 0, create: { type: TEXT } },
        { a: 'op', d: 'c' },
      ],
      [
        { a: 'h.catchup', c: 'notes', d: 'c', v: 0, own: [] },
        { a: 'h.catchup', d: 'c' },
      ],
      [
        { a: 's', c: 'notes', d: 'c', v: 0 },
        { a: 's', d: 'c' },
      ],
      [{ a: 'bf', c: 'notes', b: ['c'] }, { a: 'bf' }],
      [{ a: 'ps', ch: keyText({ collection: 'notes', id: 'c' }), seq: 1 }, { a: 'ps' }],
    ]
    // What was allowed to be written stands for now; what was not asked for yet is not known.
    assert.equal((await line.ask(...asks[0]!)).error, undefined)
    for (const [frame, answer] of asks.slice(1))
      assert.equal((await line.ask(frame, answer)).error?.code, UNAVAILABLE, JSON.stringify(frame))
    assert.equal(line.end, null)
    fails = false
    for (const [frame, answer] of asks.slice(1)) {
      const { error, data } = await line.ask(frame, answer)
      assert.deepEqual([error, data?.c?.error], [undefined, undefined], JSON.stringify(frame))
    }
  })

  it('[Z28] a session whose rights cannot be asked again is closed with 1013, and hears nothing more', async () => {
    let fails = false
    const line = await greet(() => {
      if (fails) throw new Error('broken')
      return true
    })
    await send(line, { ...creation, src: 'ann' })
    await line.ask({ a: 's', ...doc }, { a: 's' })
    fails = true
    await site.pass(5000)
    assert.deepEqual(line.end, { code: 1013, reason: UNAVAILABLE })
    assert.equal(line.said.filter(({ error }) => error).length, 0, 'nothing was refused')
  })

  it('[Z7] while answers wait, frames go on in the order in which they came', async () => {
    const answers: ((may: boolean) => void)[] = []
    const line = await greet(() => new Promise(resolve => answers.push(resolve)))
    line.say({ ...creation, src: 'ann' })
    line.say(edit('ann', 2, 1))
    line.say({ a: 'pp' })
    while (answers.length > 0) {
      for (const answer of answers.splice(0).reverse()) answer(true)
      await site.quiet()
    }
    assert.deepEqual(
      line.said.slice(1).map(({ a, seq, error }) => [a, seq, error]),
      [
        ['pp', undefined, undefined],
        ['op', 1, undefined],
        ['op', 2, undefined],
      ],
    )
  })
})
