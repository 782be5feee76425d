import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { creation, doc, edit, FORBIDDEN, key, send } from './note.ts'
import { hello, Site, tokenOf } from './site.ts'

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
