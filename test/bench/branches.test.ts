import assert from 'node:assert/strict'
import * as Y from 'yjs'
import { composeAll } from '../../ops/compose.ts'
import { rich, text } from '../../types/index.ts'
import type { Type } from '../../types/type.ts'
import { readSequential, type Sequential } from '../traces/files.ts'
import { deltaOp, type Splice, spliceShared, spliceString, textOp } from '../traces/splice.ts'
import { makeBranches } from './branches.ts'
import { digest } from './content.ts'
import { stockTypes } from './peers/stock.ts'

const paper = readSequential('automerge-paper', { sample: true })
const blog = readSequential('seph-blog1', { sample: true })
const { base, client, server } = makeBranches(paper, blog, 500, 'rich')

const inWords = (splices: readonly Splice[]) => splices.reduce(spliceString, base)

/** The same document on two replicas. */
function yjsPair(): [Y.Doc, Y.Doc] {
  const [a, b] = [new Y.Doc(), new Y.Doc()]
  a.getText().insert(0, base)
  Y.applyUpdate(b, Y.encodeStateAsUpdate(a))
  return [a, b]
}

function make(doc: Y.Doc, splices: readonly Splice[]): void {
  for (const splice of splices) spliceShared(doc.getText(), splice)
}

describe('the traces', () => {
  it('[N1] lead to their own ends', () => {
    for (const { start, end, splices } of [paper, blog])
      assert.equal(splices.reduce(spliceString, start), end)
  })
})

describe('the branches of the reconnect benchmark', () => {
  for (const [name, splices] of [['client', client] as const, ['server', server] as const]) {
    it(`[N2] ${name}: one by one and composed, text makes what splicing a string makes`, () => {
      const ops = splices.map(textOp)
      assert.ok(splices.length >= 500)
      assert.equal(
        ops.reduce((doc, op) => text.apply(doc, op), base),
        inWords(splices),
      )
      assert.equal(text.apply(base, composeAll(text as Type, ops) as never), inWords(splices))
    })

    it(`[N2] ${name}: so do the stock types`, () => {
      for (const type of ['text-unicode', 'ot-text']) {
        const made = splices.map(textOp).reduce((doc: unknown, op) => stockTypes[type]!.apply(doc, op), base)
        assert.equal(made, inWords(splices), type)
      }
    })

    it(`[N2] ${name}: the rich types and Yjs agree on text and formats`, () => {
      const start: unknown = { ops: [{ insert: base }] }
      const own = splices.map(deltaOp).reduce((doc: unknown, op) => rich.apply(doc as never, op), start) as {
        ops: never[]
      }
      const stock = splices
        .map(deltaOp)
        .reduce((doc, op) => stockTypes['rich-text']!.apply(doc, op), start) as { ops: never[] }
      const [doc] = yjsPair()
      make(doc, splices)
      const delta = doc.getText().toDelta()
      assert.equal(doc.getText().toString(), inWords(splices))
      assert.ok(delta.filter((run: { attributes?: object }) => run.attributes).length > 3)
      assert.equal(digest(own.ops).hash, digest(delta).hash)
      assert.equal(digest(stock.ops).hash, digest(delta).hash)
    })
  }

  it('[N2] bold belongs to the rich case alone: a text of Yjs has no formats', () => {
    const plain = makeBranches(paper, blog, 500, 'text')
    assert.ok(client.some(({ bold }) => bold))
    assert.ok([...plain.client, ...plain.server].every(({ bold }) => bold === undefined))
  })

  it('[N3] merge to the same characters by OT and by Yjs, each the same in both orders', () => {
    const [ours, theirs] = [client, server].map(
      branch => composeAll(text as Type, branch.map(textOp)) as never,
    )
    const here = text.apply(text.apply(base, ours!), text.transform(theirs!, ours!, 'right'))
    const there = text.apply(text.apply(base, theirs!), text.transform(ours!, theirs!, 'left'))
    const [a, b] = yjsPair()
    make(a, client)
    make(b, server)
    Y.applyUpdate(a, Y.encodeStateAsUpdate(b))
    Y.applyUpdate(b, Y.encodeStateAsUpdate(a))
    assert.equal(here, there)
    assert.equal(a.getText().toString(), b.getText().toString())
    assert.equal(digest(here).letters, digest(a.getText().toString()).letters)
  })

  it('[N3] are dealt over each other: each author makes the own text, and leaves the other alone', () => {
    const [small, capital] = [scribble('abcdefgh', 1n), scribble('ABCDEFGH', 2n)]
    const dealt = makeBranches(small, capital, 150, 'text')
    const [lower, upper] = [/[^a-h]/g, /[^A-H]/g].map(other => (made: string) => made.replace(other, ''))
    const here = dealt.client.reduce(spliceString, dealt.base)
    const there = dealt.server.reduce(spliceString, dealt.base)
    assert.equal(lower!(here), small.end)
    assert.equal(upper!(here), upper!(dealt.base))
    assert.equal(upper!(there), capital.end)
    assert.equal(lower!(there), lower!(dealt.base))
  })
})

/** A trace over the letters of `alphabet`: inserts, deletes and replacements anywhere, from a seed. */
function scribble(alphabet: string, seed: bigint): Sequential {
  let state = seed
  const below = (limit: number) => {
    // Knuth's MMIX generator; its upper bits are the good ones.
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn
    return Number((state >> 33n) % BigInt(limit))
  }
  const letters = (count: number) =>
    Array.from({ length: count }, () => alphabet[below(alphabet.length)]).join('')
  const start = letters(400)
  const splices: Splice[] = []
  let end = start
  for (let edit = 0; edit < 300; edit++) {
    const at = below(end.length + 1)
    const deleted = edit % 3 === 0 ? 0 : Math.min(below(30), end.length - at)
    const inserted = deleted > 0 && edit % 3 === 1 ? '' : letters(1 + below(20))
    splices.push({ at, deleted, inserted })
    end = spliceString(end, splices.at(-1)!)
  }
  return { start, end, splices }
}
