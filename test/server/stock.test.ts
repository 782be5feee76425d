import assert from 'node:assert/strict'
import { closeAll, done, greet, JSON1, RICH, reached, serve, stockClient, TEXT } from './scene.ts'

const scenes = [
  { uri: TEXT, start: 'hello', op: [5, ' world'], end: 'hello world' },
  { uri: JSON1, start: { list: [1] }, op: ['list', 0, { r: true, i: 2 }], end: { list: [2] } },
  {
    uri: RICH,
    start: { ops: [{ insert: 'hi\n' }] },
    op: { ops: [{ insert: 'oh ' }] },
    end: { ops: [{ insert: 'oh hi\n' }] },
  },
]

const plain = (data: unknown) => JSON.parse(JSON.stringify(data))

describe("ShareDB's own client", () => {
  afterEach(closeAll)

  for (const { uri, start, op, end } of scenes) {
    it(`[W1] opens, edits, follows and deletes a document of ${uri}`, async () => {
      const server = await serve()
      const ann = stockClient(server).doc('notes', 'a')
      const bob = stockClient(server).doc('notes', 'a')
      await done(call => bob.subscribe(call))
      await done(call => ann.create(start, uri, call))
      await reached(bob, 1)
      await done(call => ann.submitOp(op, call))
      await reached(bob, 2)
      assert.deepEqual(plain(bob.data), end)
      assert.equal(bob.type?.uri, uri)
      await done(call => bob.del(call))
      assert.equal(bob.type, null)
      assert.equal((await server.gateway.store.head({ collection: 'notes', id: 'a' })).v, 3)
    })
  }

  it('[W1] is served with every request that it knows but queries', async () => {
    const server = await serve()
    const client = await greet(server, 'ann')
    for (const d of ['a', 'b']) {
      const name = { a: 'op', c: 'notes', d, src: 'ann', seq: 1 }
      await client.ask({ ...name, v: 0, create: { type: TEXT, data: d } }, name)
      await client.ask({ ...name, seq: 2, v: 1, op: ['x'] }, { ...name, seq: 2, op: undefined })
    }
    const content = (d: string) => ({ v: 2, data: `x${d}`, type: TEXT })
    const address = { c: 'notes', d: 'a' }
    assert.deepEqual((await client.ask({ a: 'f', ...address }, { a: 'f' })).data, content('a'))
    assert.deepEqual((await client.ask({ a: 's', ...address }, { a: 's' })).data, content('a'))
    client.send({ a: 'f', ...address, v: 1 })
    assert.deepEqual((await client.next({ a: 'op', d: 'a', v: 1, seq: 2 })).seq, 2)
    assert.deepEqual(await client.ask({ a: 'u', ...address }, { a: 'u' }), { a: 'u', ...address })
    const bulk = { a: content('a'), b: content('b') }
    assert.deepEqual((await client.ask({ a: 'bf', c: 'notes', b: ['a', 'b'] }, { a: 'bf' })).data, bulk)
    assert.deepEqual((await client.ask({ a: 'bs', c: 'notes', b: ['a', 'b'] }, { a: 'bs' })).data, bulk)
    assert.equal((await client.ask({ a: 'bu', c: 'notes', b: ['a', 'b'] }, { a: 'bu' })).error, undefined)
    const past = await client.ask({ a: 'nf', id: 7, ...address, v: 1 }, { a: 'nf', id: 7 })
    assert.equal(past.data, 'a')
    const dawn = await client.ask({ a: 'nt', id: 8, ...address, ts: 0 }, { a: 'nt', id: 8 })
    assert.deepEqual([dawn.v, dawn.type], [0, null])
  })

  it('[W1] writes at once with others, and all end equal', async () => {
    const server = await serve()
    const docs = Array.from({ length: 5 }, () => stockClient(server).doc('notes', 'crowd'))
    await done(call => docs[0]!.create('', TEXT, call))
    await Promise.all(docs.map(doc => done(call => doc.subscribe(call))))
    const edits = docs.flatMap((doc, who) =>
      Array.from({ length: 10 }, (_, n) => done(call => doc.submitOp([`${who}${n} `], call))),
    )
    await Promise.all(edits)
    const head = await server.gateway.store.snapshot({ collection: 'notes', id: 'crowd' })
    await Promise.all(docs.map(doc => reached(doc, head.v)))
    for (const doc of docs) assert.equal(doc.data, head.data)
    assert.equal(String(head.data).length, 5 * 10 * 3)
  })
})
