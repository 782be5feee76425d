import assert from 'node:assert/strict'
import {
  type AnyFrame,
  closeAll,
  greet,
  type RawClient,
  RICH,
  serve,
  TEXT,
  type TestServer,
} from './scene.ts'

const address = { a: 'op', c: 'notes', d: 'a' }

describe('The same name again', () => {
  let server: TestServer
  let ann: RawClient

  beforeEach(async () => {
    server = await serve()
    ann = await greet(server, 'ann')
    await submit(ann, 1, 0, { create: { type: TEXT, data: '' } })
  })
  afterEach(closeAll)

  async function submit(
    client: RawClient,
    seq: number,
    v: number,
    change: AnyFrame,
    src = 'ann',
  ): Promise<AnyFrame> {
    const name = { ...address, src, seq }
    // Others' ops, and an earlier src's own, come with their content; an ack comes without.
    return client.ask({ ...name, v, ...change }, { ...name, op: undefined })
  }

  async function content(): Promise<{ v: number; data: unknown }> {
    const { v, data } = await server.gateway.store.snapshot({ collection: 'notes', id: 'a' })
    return { v, data }
  }

  it('[W5] on the same base is acknowledged again and changes nothing', async () => {
    const first = await submit(ann, 2, 1, { op: ['x'] })
    assert.match(first.hash, /^[0-9a-f]{32}$/)
    assert.deepEqual(first, { ...address, src: 'ann', seq: 2, v: 1, hash: first.hash })
    const again = await submit(ann, 2, 1, { op: ['x'] })
    assert.deepEqual(again, { ...address, src: 'ann', seq: 2, v: 1, again: true })
    assert.deepEqual(await content(), { v: 2, data: 'x' })
  })

  it('[W5] on a newer base is acknowledged at its first version', async () => {
    await submit(ann, 2, 1, { op: ['x'] })
    await submit(ann, 3, 2, { op: ['y'] })
    const again = await submit(ann, 2, 3, { op: ['x'] })
    assert.equal(again.v, 1)
    assert.equal(again.again, true)
    assert.deepEqual(await content(), { v: 3, data: 'yx' })
  })

  it('[W5] with another content on the same base is refused and changes nothing', async () => {
    await submit(ann, 2, 1, { op: ['x'] })
    assert.equal((await submit(ann, 2, 1, { op: ['other'] })).error.code, 'NAME_REUSED')
    assert.deepEqual(await content(), { v: 2, data: 'x' })
  })

  it('[W5] is told from another edit by its seal, whatever base it comes on', async () => {
    const [seal, other] = ['0123456789abcdef', 'fedcba9876543210']
    await submit(ann, 2, 1, { op: ['x'], seal })
    assert.equal((await submit(ann, 2, 1, { op: ['rebased'], seal })).again, true)
    assert.equal((await submit(ann, 2, 2, { op: [1, 'rebased'], seal })).again, true)
    for (const v of [1, 2])
      assert.equal((await submit(ann, 2, v, { op: ['x'], seal: other })).error.code, 'NAME_REUSED')
    // A client that was brought up to date before it sent the op again.
    assert.equal((await submit(ann, 2, 2, { op: ['x'], seal: `${seal}1` })).again, true)
    // ShareDB's own client names no seal and may have rebased what it sends again.
    assert.equal((await submit(ann, 2, 2, { op: ['x'] })).again, true)
    assert.deepEqual(await content(), { v: 2, data: 'x' })
  })

  it('[W5] twice in one breath is committed once, and only the second says again', async () => {
    const name = { ...address, src: 'ann', seq: 2 }
    ann.send({ ...name, v: 1, op: ['x'] })
    ann.send({ ...name, v: 1, op: ['x'] })
    const acks = [await ann.next(name), await ann.next(name)]
    assert.deepEqual(
      acks.map(ack => ack.again),
      [undefined, true],
    )
    assert.deepEqual(await content(), { v: 2, data: 'x' })
  })

  it('[W5] from two connections at once is committed once', async () => {
    const twin = await greet(server, 'ann')
    const acks = await Promise.all([ann, twin].map(client => submit(client, 2, 1, { op: ['x'] })))
    assert.equal(acks.filter(ack => ack.again).length, 1)
    assert.deepEqual(await content(), { v: 2, data: 'x' })
  })

  it('[W5] a create sent again after a deletion does not bring the document back', async () => {
    await submit(ann, 2, 1, { del: true })
    const again = await submit(ann, 1, 0, { create: { type: TEXT, data: '' } })
    assert.deepEqual(again, { ...address, src: 'ann', seq: 1, v: 0, again: true })
    assert.deepEqual(await content(), { v: 2, data: undefined })
  })

  it('[W5] an edit sent again after a deletion and another creation changes nothing', async () => {
    await submit(ann, 2, 1, { op: ['x'] })
    await submit(ann, 3, 2, { del: true })
    await submit(ann, 4, 3, { create: { type: RICH } })
    assert.equal((await submit(ann, 2, 1, { op: ['x'] })).again, true)
    assert.equal((await content()).v, 4)
  })

  it('[W5] the same seq under another src is another edit', async () => {
    const bob = await greet(server, 'bob')
    await submit(ann, 2, 1, { op: ['x'] })
    assert.equal((await submit(bob, 2, 1, { op: ['y'] }, 'bob')).again, undefined)
    assert.equal((await content()).v, 3)
  })

  it('[W5] the same name on another document is another edit', async () => {
    const other = { ...address, d: 'b', src: 'ann', seq: 1 }
    assert.equal((await ann.ask({ ...other, v: 0, create: { type: TEXT } }, other)).again, undefined)
  })

  it('[W6] seqs of a src rise: a lower one is known, or refused', async () => {
    await submit(ann, 3, 1, { op: ['3'] })
    await submit(ann, 5, 2, { op: ['5'] })
    assert.equal((await submit(ann, 4, 3, { op: ['4'] })).error.code, 'SEQ_PASSED')
    assert.equal((await submit(ann, 3, 3, { op: ['3'] })).again, true)
    assert.equal((await submit(ann, 5, 2, { op: ['5'] })).again, true)
    assert.deepEqual(await content(), { v: 3, data: '53' })
  })

  it('[W6] an edit keeps its name when a later connection of another src sends it', async () => {
    const reborn = await greet(server, 'ann-reborn')
    await reborn.ask({ a: 's', c: 'notes', d: 'a', v: 1 }, { a: 's' })
    await submit(reborn, 2, 1, { op: ['x'] })
    assert.equal((await submit(reborn, 2, 1, { op: ['x'] })).again, true)
    assert.deepEqual(await content(), { v: 2, data: 'x' })
  })

  it('[W7] an edit of a document that was deleted and made anew with another type is stale', async () => {
    const bob = await greet(server, 'bob')
    await submit(ann, 2, 1, { op: ['abc'] })
    await submit(ann, 3, 2, { del: true })
    await submit(ann, 4, 3, { create: { type: RICH } })
    const late = await submit(bob, 1, 1, { op: ['late'] }, 'bob')
    assert.equal(late.error.code, 'ERR_DOC_WAS_DELETED')
    const deletion = await submit(bob, 2, 4, { del: true }, 'bob')
    assert.equal(deletion.v, 4)
    assert.equal((await submit(bob, 3, 5, { del: true }, 'bob')).error.code, 'ERR_DOC_WAS_DELETED')
    assert.equal((await content()).v, 5)
  })

  it('[W8] simultaneous writers take turns: 50 edits cost 50 commits', async () => {
    const commits: unknown[] = []
    server.gateway.backend.share.use('commit', (submit, next) => {
      commits.push(submit.op.seq)
      next()
    })
    await Promise.all(Array.from({ length: 50 }, (_, n) => submit(ann, 10 + n, 1, { op: ['x'] })))
    assert.equal(commits.length, 50)
    assert.deepEqual(await content(), { v: 51, data: 'x'.repeat(50) })
  })
})
