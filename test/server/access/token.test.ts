import assert from 'node:assert/strict'
import { answerTo, creation, doc, edit, FORBIDDEN, key, send, UNAVAILABLE } from './note.ts'
import { hello, type Line, Site, tokenOf } from './site.ts'

describe('The token of a session', () => {
  let site: Site
  beforeEach(() => {
    site = new Site()
    site.board.give('ann', 'manage')
  })
  afterEach(() => site.close())

  const refusals: [what: string, token: string | undefined, code: string][] = [
    ['no token', undefined, 'TOKEN_MISSING'],
    ['a token that is none', 'hello', 'TOKEN_INVALID'],
    ['a token that ran out', tokenOf({ id: 'ann', expires: -1 }), 'TOKEN_EXPIRED'],
  ]
  for (const [what, token, code] of refusals) {
    it(`[Z13] a greeting with ${what} is answered with ${code} and closed with 4401`, async () => {
      const line = site.dial()
      line.say({ ...hello('ann'), ...(token !== undefined && { token }) })
      line.say({ a: 's', ...doc })
      assert.equal((await line.next({ a: 'hs' })).error.code, code)
      await site.quiet()
      assert.deepEqual(line.end, { code: 4401, reason: code })
      assert.equal(line.said.length, 1)
      assert.equal(site.gateway.sessions.size, 0)
    })
  }

  it('[Z13] what comes in the flight of the greeting is answered behind it, in its order', async () => {
    const line = site.dial()
    line.say({ ...hello('ann'), token: tokenOf({ id: 'ann' }) })
    line.say({ a: 'h.catchup', ...doc, v: null, own: [] })
    line.say({ ...creation, src: 'ann' })
    line.say({ ...edit('ann', 2, 1), op: ['y'] })
    await line.next({ a: 'op', seq: 2 })
    assert.deepEqual(
      line.said.map(({ a, seq, error }) => [a, seq, error]),
      [
        ['hs', undefined, undefined],
        ['h.catchup', undefined, undefined],
        ['op', 1, undefined],
        ['op', 2, undefined],
      ],
    )
  })

  it('[Z13] a policy that cannot tell is a failure of the server, told to the operator', async () => {
    site.board.authenticate = () => Promise.reject(new Error('no keys'))
    const line = site.dial()
    const { error } = await line.ask({ ...hello('ann'), token: 't0ken' }, { a: 'hs' })
    assert.equal(error.code, UNAVAILABLE)
    assert.match(site.reports.join(), /no keys/)
    assert.doesNotMatch(site.reports.join() + JSON.stringify(line.said), /t0ken/)
  })

  it('[Z13] the flood of a flight is cut', async () => {
    site.board.authenticate = () => new Promise(() => {})
    const line = site.dial()
    line.say({ ...hello('ann'), token: 't' })
    for (let i = 0; i <= 10_000 && !line.end; i++) line.say({ a: 'pp' })
    assert.equal(line.end?.code, 1009)
  })

  describe('that runs out', () => {
    let line: Line
    let root: Line
    beforeEach(async () => {
      root = await site.greet('root')
      await send(root, creation)
      line = await site.greet('ann', { id: 'ann', expires: 1000 })
      await line.ask({ a: 's', ...doc }, { a: 's' })
    })

    it('[Z15] is told, and from then on nothing passes until there is a new one', async () => {
      await site.pass(999)
      await send(root, edit('root', 2, 1))
      await line.next({ a: 'op', v: 1 })
      await site.pass(1)
      assert.equal((await line.next({ a: 'h.token' })).error.code, 'TOKEN_EXPIRED')
      await send(root, edit('root', 3, 2, ['secret']))
      const refused = await send(line, edit('ann', 1, 2))
      assert.equal(refused.error.code, 'TOKEN_EXPIRED')
      assert.equal((await line.ask({ a: 'f', ...doc }, { a: 'f' })).error.code, 'TOKEN_EXPIRED')
      assert.deepEqual(await line.ask({ a: 'pp' }, { a: 'pp' }), { a: 'pp' })
      await site.quiet()
      assert.doesNotMatch(JSON.stringify(line.said), /secret/)
      assert.equal((await site.store.head(key)).v, 3)
      const renewed = await line.ask(
        { a: 'h.token', token: tokenOf({ id: 'ann', expires: 9000 }) },
        { a: 'h.token' },
      )
      assert.equal(renewed.error, undefined)
      assert.deepEqual((await line.next({ a: 'op', v: 2 })).op, ['secret'])
      assert.equal((await send(line, edit('ann', 1, 3))).error, undefined)
      await site.pass(7999)
      assert.equal(line.end, null)
      await site.pass(1)
      assert.equal((await line.next({ a: 'h.token' })).error.code, 'TOKEN_EXPIRED')
    })

    it('[Z15] is not good any more for what waits for an answer of the policy', async () => {
      const answer = Promise.withResolvers<boolean>()
      const { access } = site.board
      site.board.access = (...asked) =>
        (asked[1] === 'write' ? answer.promise : access.apply(site.board, asked)) as boolean
      line.say(edit('ann', 1, 1))
      await site.pass(1000)
      answer.resolve(true)
      assert.equal((await line.next(answerTo(edit('ann', 1, 1)))).error.code, 'TOKEN_EXPIRED')
      assert.equal((await site.store.head(key)).v, 1)
    })

    it('[Z15] may be renewed before, and its new rights count at once', async () => {
      await line.ask(
        { a: 'h.token', token: tokenOf({ id: 'ann', expires: 50_000 }) },
        { a: 'h.token', error: undefined },
      )
      await site.pass(20_000)
      assert.equal(line.end, null)
      assert.equal((await send(line, edit('ann', 1, 1))).error, undefined)
    })

    it('[Z15] what waited is not told if the new token may not read it', async () => {
      await site.pass(1000)
      await line.next({ a: 'h.token' })
      await send(root, edit('root', 2, 1, ['secret']))
      await site.quiet()
      site.board.give('ann', null)
      await line.ask({ a: 'h.token', token: tokenOf({ id: 'ann' }) }, { a: 'h.token' })
      assert.equal(
        (await line.next({ a: 's', d: 'a', error: line.said.at(-2)?.error })).error.code,
        FORBIDDEN,
      )
      await send(root, edit('root', 3, 2, ['secret']))
      await site.quiet()
      assert.doesNotMatch(JSON.stringify(line.said), /secret/)
    })

    it('[Z15] comes alone: another one on top of it is refused, and no review of others waits for it', async () => {
      const verified = Promise.withResolvers<{ id: string }>()
      const { authenticate } = site.board
      site.board.authenticate = () => verified.promise
      line.say({ a: 'h.token', token: 'first' })
      assert.equal(
        (await line.ask({ a: 'h.token', token: 'second' }, { a: 'h.token' })).error.code,
        'FRAME_MALFORMED',
      )
      site.board.authenticate = authenticate
      site.board.give('bob', 'read')
      const bob = await site.greet('bob')
      await bob.ask({ a: 's', ...doc }, { a: 's' })
      for (const who of ['ann', 'bob']) site.board.give(who, null)
      site.board.changed()
      assert.equal((await bob.next({ a: 's' })).error.code, FORBIDDEN)
      verified.resolve({ id: 'ann' })
      assert.equal((await line.next({ a: 's' })).error.code, FORBIDDEN)
      assert.equal((await line.next({ a: 'h.token' })).error, undefined)
    })

    const endings: [what: string, token: string | null, code: string][] = [
      ['is not renewed within the grace', null, 'TOKEN_EXPIRED'],
      ["is followed by somebody else's", tokenOf({ id: 'bob' }), 'TOKEN_INVALID'],
      ['is followed by one that is none', 'hello', 'TOKEN_INVALID'],
      ['is followed by one that ran out, too', tokenOf({ id: 'ann', expires: 1000 }), 'TOKEN_EXPIRED'],
    ]
    for (const [what, token, code] of endings) {
      it(`[Z16] closes with 4401 if it ${what}`, async () => {
        await site.pass(1000)
        await line.next({ a: 'h.token' })
        await send(root, edit('root', 2, 1, ['secret']))
        if (token === null) await site.pass(9999)
        assert.equal(line.end, null)
        if (token === null) await site.pass(1)
        else assert.equal((await line.ask({ a: 'h.token', token }, { a: 'h.token' })).error.code, code)
        assert.deepEqual(line.end, { code: 4401, reason: code })
        assert.doesNotMatch(JSON.stringify(line.said), /secret/)
      })
    }

    it('[Z16] closes at once for who cannot renew it: a client of ShareDB', async () => {
      const plain = site.dial()
      const { holdfast: _, ...greeting } = hello('bob')
      await plain.ask({ ...greeting, token: tokenOf({ id: 'bob', expires: 1000 }) }, { a: 'hs' })
      await site.pass(1000)
      assert.deepEqual(plain.end, { code: 4401, reason: 'TOKEN_EXPIRED' })
    })

    it('[Z15] a session that ended leaves no timer behind', async () => {
      line.session.closed()
      root.session.closed()
      await site.gateway.drain()
      assert.equal(site.clock.step(), false)
    })
  })
})
