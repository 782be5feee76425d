import assert from 'node:assert/strict'
import { TEXT } from '../scene.ts'
import { ch, creation, doc, edit, FORBIDDEN, opsOn, send } from './note.ts'
import { hello, type Line, Site, tokenOf } from './site.ts'

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
