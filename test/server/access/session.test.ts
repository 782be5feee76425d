import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keyText } from '../../../ops/identity.ts'
import type { Principal } from '../../../server/access/access.ts'
import { type AnyFrame, TEXT } from '../scene.ts'
import { Board, hello, type Line, Site, tokenOf } from './site.ts'

const doc = { c: 'notes', d: 'a' }
const key = { collection: 'notes', id: 'a' }
const ch = keyText(key)
const FORBIDDEN = 'FORBIDDEN'
const UNAVAILABLE = 'ACCESS_UNAVAILABLE'

const creation = { a: 'op', ...doc, src: 'root', seq: 1, v: 0, create: { type: TEXT, data: 'hi' } }

/** An edit under a name, and the fields of its answer. */
const edit = (src: string, seq: number, v: number, op: unknown = ['x']) => ({
  a: 'op',
  ...doc,
  src,
  seq,
  v,
  op,
})
const answerTo = ({ src, seq }: AnyFrame) => ({ a: 'op', src, seq, op: undefined })
const send = (line: Line, frame: AnyFrame) => line.ask(frame, answerTo(frame))

/** What a line was told of others' ops. */
const opsOn = (line: Line) => line.said.filter(({ a, error, op }) => a === 'op' && !error && op !== undefined)

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

describe('Rights that are taken back', () => {
  let site: Site
  let root: Line
  let ann: Line
  beforeEach(async () => {
    site = new Site()
    site.board.give('ann', 'write')
    site.board.give('ann', 'write', 'notes', 'b')
    root = await site.greet('root')
    await send(root, creation)
    ann = await site.greet('ann')
    await ann.ask({ a: 's', ...doc }, { a: 's' })
  })
  afterEach(() => site.close())

  const ways: [when: string, change: () => Promise<void> | void][] = [
    ['at the next check', () => site.pass(5000)],
    ['at once when the policy says so of the principal', () => site.board.changed('ann')],
    ['at once when the policy says so of all', () => site.board.changed()],
  ]
  for (const [when, change] of ways) {
    it(`[Z17] stop what is open, ${when}, and it is told`, async () => {
      await ann.ask({ a: 'ps', ch, seq: 1 }, { a: 'ps' })
      site.board.give('ann', null)
      await change()
      await site.quiet()
      assert.equal((await ann.next({ a: 's', ...doc })).error.code, FORBIDDEN)
      assert.equal((await ann.next({ a: 'ps', ch })).error.code, FORBIDDEN)
      await root.ask({ a: 'p', ch, id: 'me', p: 'secret', pv: 1 }, { a: 'p' })
      await send(root, edit('root', 2, 1, ['secret']))
      await site.quiet()
      assert.doesNotMatch(JSON.stringify(ann.said), /secret/)
      assert.equal((await send(ann, edit('ann', 1, 2))).error.code, FORBIDDEN)
      assert.equal(
        (await ann.ask({ a: 'h.catchup', ...doc, v: 1, own: [] }, { a: 'h.catchup' })).error.code,
        FORBIDDEN,
      )
      assert.equal((await ann.ask({ a: 's', ...doc, v: 0 }, { a: 's' })).error.code, FORBIDDEN)
      assert.deepEqual([ann.end, opsOn(ann)], [null, []])
    })
  }

  it('[Z17] while something is on its way stop that, too, and no content is reported', async () => {
    ann.say({ a: 's', c: 'notes', d: 'b', v: 0 })
    ann.say({ a: 'h.catchup', c: 'notes', d: 'b', v: 0, own: [] })
    site.board.give('ann', null, 'notes', 'b')
    site.board.changed('ann')
    assert.equal((await ann.next({ a: 'h.catchup' })).error.code, FORBIDDEN)
    await site.quiet()
    await root.ask({ ...creation, d: 'b', create: { type: TEXT, data: 'secret' } }, { a: 'op', d: 'b' })
    await site.quiet()
    assert.doesNotMatch(JSON.stringify(ann.said), /secret/)
    assert.deepEqual(site.reports, [])
    await site.pass(5000)
    assert.equal((await ann.next({ a: 's', d: 'b', data: undefined })).error, undefined)
    assert.equal((await ann.next({ a: 's', d: 'b', data: undefined })).error.code, FORBIDDEN)
  })

  it('[Z17] are not asked of others where one principal is named', async () => {
    site.board.asked.length = 0
    site.board.changed('bob')
    await site.quiet()
    assert.deepEqual(site.board.asked, [])
  })

  it('[Z17] and given again, count again', async () => {
    site.board.give('ann', null)
    site.board.changed('ann')
    await ann.next({ a: 's', ...doc })
    site.board.give('ann', 'read')
    site.board.changed('ann')
    await site.quiet()
    assert.equal((await ann.ask({ a: 's', ...doc }, { a: 's' })).data.data, 'hi')
  })

  it('[Z18] an edit that may not be written is refused alone: others go on, also of one document', async () => {
    assert.equal((await send(ann, edit('ann', 1, 1))).error, undefined)
    site.board.give('ann', 'read')
    site.board.changed('ann')
    await site.quiet()
    assert.equal((await send(ann, edit('ann', 2, 2))).error.code, FORBIDDEN)
    const other = { ...creation, d: 'b', src: 'ann', seq: 1 }
    assert.equal((await ann.ask(other, { a: 'op', d: 'b' })).error, undefined)
    await send(root, edit('root', 2, 2))
    assert.equal((await ann.next({ a: 'op', src: 'root', seq: 2 })).v, 2, 'what may be read is still told')
    site.board.give('ann', 'write')
    site.board.changed('ann')
    await site.quiet()
    assert.equal((await send(ann, edit('ann', 3, 3))).error, undefined)
  })

  it('[Z18] an edit that was committed before is acknowledged all the same', async () => {
    await send(ann, edit('ann', 1, 1))
    site.board.give('ann', 'read')
    site.board.changed('ann')
    await site.quiet()
    const again = await send(ann, edit('ann', 1, 1))
    assert.deepEqual([again.error, again.again, again.v], [undefined, true, 1])
  })

  it("[Z17] who only announced is said goodbye for, and ShareDB's client is told in its words", async () => {
    const bob = site.dial()
    const { holdfast: _, ...greeting } = hello('bob')
    site.board.give('bob', 'read')
    await bob.ask({ ...greeting, token: tokenOf({ id: 'bob' }) }, { a: 'hs' })
    await bob.ask({ a: 's', ...doc }, { a: 's' })
    await root.ask({ a: 'ps', ch, seq: 1 }, { a: 'ps' })
    await bob.ask({ a: 'p', ch, id: 'me', p: 'here', pv: 1 }, { a: 'p' })
    assert.equal((await root.next({ a: 'p', src: 'bob' })).p, 'here')
    site.board.give('bob', null)
    site.board.changed('bob')
    assert.equal((await bob.next({ a: 'op', ...doc })).error.code, FORBIDDEN)
    assert.equal((await root.next({ a: 'p', src: 'bob' })).p, null)
  })
})

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

describe('Whose a src is', () => {
  let site: Site
  let folder: string
  const path = () => join(folder, 'store.sqlite')
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-access-'))
    site = new Site({}, undefined, path())
    for (const who of ['ann', 'bob']) site.board.give(who, 'manage')
    await send(await site.greet('root'), creation)
  })
  afterEach(async () => {
    await site.close()
    rmSync(folder, { recursive: true })
  })

  const refusedHello = async (src: string, who: string) => {
    const line = site.dial()
    const { error } = await line.ask({ ...hello(src), token: tokenOf({ id: who }) }, { a: 'hs' })
    return [error?.code, line.end?.code]
  }

  it('[Z19] nobody greets with a src that another uses in an open session, or wrote under', async () => {
    const ann = await site.greet('src1', { id: 'ann' })
    assert.deepEqual(await refusedHello('src1', 'bob'), [FORBIDDEN, 4403])
    assert.deepEqual(await refusedHello('src1', 'ann'), [undefined, undefined], 'a second session of ann')
    await send(ann, edit('src1', 1, 1))
    for (const session of [...site.gateway.sessions]) session.closed()
    assert.deepEqual(await refusedHello('src1', 'bob'), [FORBIDDEN, 4403])
    assert.deepEqual(await refusedHello('root', 'bob'), [FORBIDDEN, 4403])
    await site.restart(path())
    assert.deepEqual(await refusedHello('src1', 'bob'), [FORBIDDEN, 4403])
    assert.deepEqual(await refusedHello('src1', 'ann'), [undefined, undefined])
  })

  it('[Z19] nobody sends an op under the src of another, known or new, alone or with a question', async () => {
    const ann = await site.greet('src1', { id: 'ann' })
    const bob = await site.greet('src2', { id: 'bob' })
    const codes = async (src: string, seq: number) => {
      const alone = await send(bob, edit(src, seq, 1))
      const question = { a: 'h.catchup', ...doc, v: 1, own: [], submit: { src, seq, op: ['x'] } }
      const along = await bob.ask(question, { a: 'h.catchup' })
      return [alone.error?.code, along.error?.code]
    }
    assert.deepEqual(await codes('src1', 1), [FORBIDDEN, FORBIDDEN], 'it is in an open session')
    await send(ann, edit('src1', 1, 1))
    ann.session.closed()
    assert.deepEqual(await codes('src1', 2), [FORBIDDEN, FORBIDDEN], 'she wrote under it')
    assert.deepEqual(await codes('src1', 1), [FORBIDDEN, FORBIDDEN], 'and what she wrote')
    assert.equal((await site.store.head(key)).v, 2)
    const back = await site.greet('src3', { id: 'ann' })
    assert.equal((await send(back, edit('src1', 2, 2))).error, undefined, 'what she has left is taken')
  })

  it('[Z20] an earlier src is its principal’s after a restart; one that nobody used is the first one’s', async () => {
    await send(await site.greet('src1', { id: 'ann' }), edit('src1', 1, 1))
    await site.restart(path())
    const ann = await site.greet('src2', { id: 'ann' })
    assert.equal((await send(ann, edit('src1', 1, 1))).again, true)
    for (const [i, src] of ['src1', 'lost1', 'lost2'].entries())
      assert.equal((await send(ann, edit(src, 2, 2 + i))).error, undefined, src)
    const bob = await site.greet('src9', { id: 'bob' })
    for (const src of ['src1', 'lost1', 'lost2'])
      assert.equal((await send(bob, edit(src, 3, 5))).error.code, FORBIDDEN)
    assert.equal(await site.store.ownerOf('lost2'), 'ann')
  })

  it('[Z20] of two who send one new src at once, one has it and the other is refused', async () => {
    const lines = await Promise.all(['ann', 'bob'].map(id => site.greet(`src of ${id}`, { id })))
    const answers = await Promise.all(lines.map((line, i) => send(line, edit('new', i + 1, 1))))
    assert.deepEqual(answers.map(({ error }) => error?.code).sort(), [FORBIDDEN, undefined].sort())
  })

  it('[Z20] who may not write claims nothing', async () => {
    site.board.give('bob', 'read')
    const bob = await site.greet('src2', { id: 'bob' })
    assert.equal((await send(bob, edit('new', 1, 1))).error.code, FORBIDDEN)
    assert.equal(await site.store.ownerOf('new'), null)
  })
})

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
