/** That an import takes nothing that cannot be: each line of an export, spoilt. */

import assert from 'node:assert/strict'
import type { Engine } from '../../server/store/engine.ts'
import { importCollection } from '../../server/store/import.ts'
import { verifyStore } from '../../server/store/verify.ts'
import { json, text } from '../../types/index.ts'
import { chunked, exported } from './exporting.ts'
import { type DatabasePlace, small } from './place.ts'
import { writeFixture } from './verifying.ts'

type Lines = Record<string, unknown>[]

const only = (lines: Lines, key: string) => lines.filter(line => Object.keys(line)[0] === key)
const first = (lines: Lines, key: string) => only(lines, key)[0]!
/** The op of version `v` of the nth document. */
function op(lines: Lines, v: number, nth = 0): Record<string, unknown> {
  return only(lines, 'v').filter(line => line.v === v)[nth]!
}
const drop = (lines: Lines, line: Record<string, unknown>) => lines.splice(lines.indexOf(line), 1)
const insert = (lines: Lines, before: Record<string, unknown>, line: Record<string, unknown>) =>
  lines.splice(lines.indexOf(before), 0, line)

/** Stands for an op that JSON.stringify cannot write. */
const DEEP = '<deep>'

interface Spoiling {
  readonly what: string
  spoil(lines: Lines): unknown
  readonly says: RegExp
}

/** The first document is `long`, the third is `trimmed`. */
const spoilings: readonly Spoiling[] = [
  {
    what: 'another format',
    spoil: lines => Object.assign(lines[0]!, { holdfast: 2 }),
    says: /^Line 1: .*holdfast/,
  },
  { what: 'no header', spoil: lines => lines.shift(), says: /^Line 1: / },
  { what: 'a file cut behind a document', spoil: lines => lines.pop(), says: /cut/ },
  {
    what: 'a file with a document less',
    spoil: lines => lines.splice(lines.indexOf(only(lines, 'doc')[2]!), 99).at(-1),
    says: /cut/,
  },
  {
    what: 'counts that are not those of the file',
    spoil: lines => Object.assign(lines.at(-1)!, { end: { documents: 3, ops: 66 } }),
    says: /3 documents and 66 ops/,
  },
  { what: 'something behind the end', spoil: lines => lines.push({ doc: 'more', v: 1 }), says: /end/ },
  {
    what: 'a line of no kind',
    spoil: lines => Object.assign(op(lines, 3), { w: 1 }),
    says: /^Line \d+: .*w/,
  },
  {
    what: 'an op before any document',
    spoil: lines => drop(lines, first(lines, 'doc')),
    says: /^Line 2: no document/,
  },

  {
    what: 'an op that is gone',
    spoil: lines => drop(lines, op(lines, 3)),
    says: /^Line \d+: the op of version 3/,
  },
  {
    what: 'the last op gone',
    spoil: lines => drop(lines, op(lines, 30)),
    says: /"long" ends at version 30, not at 31/,
  },
  {
    what: 'an op that is there twice',
    spoil: lines => insert(lines, op(lines, 3), op(lines, 3)),
    says: /version 4 must/,
  },
  {
    what: 'an op behind the head',
    spoil: lines => Object.assign(first(lines, 'doc'), { v: 30 }),
    says: /head 30/,
  },
  {
    what: 'an op with two changes',
    spoil: lines => Object.assign(op(lines, 3), { del: true }),
    says: /exactly one/,
  },
  { what: 'an op without a time', spoil: lines => delete op(lines, 3).at, says: /at/ },
  {
    what: 'an op that was changed',
    spoil: lines => Object.assign(op(lines, 3), { op: ['zz'] }),
    says: /hash/,
  },
  {
    what: 'an op of another src',
    spoil: lines => Object.assign(op(lines, 3), { src: 'me' }),
    says: /written last|hash/,
  },
  {
    what: 'an op that does not fit',
    spoil: lines => Object.assign(op(lines, 3), { op: [99, 'x'] }),
    says: /OP_MISFIT/,
  },
  {
    what: 'an op that is none',
    spoil: lines => Object.assign(op(lines, 3), { op: { no: 1 } }),
    says: /OP_MALFORMED/,
  },
  {
    what: 'an op that nests without end',
    spoil: lines => Object.assign(op(lines, 3), { op: DEEP }),
    says: /deeper/,
  },
  { what: 'half a name', spoil: lines => delete op(lines, 3).seq, says: /src and seq/ },
  { what: 'a seq that falls', spoil: lines => Object.assign(op(lines, 5), { seq: 1 }), says: /seq 1/ },
  {
    what: 'a create of no type',
    spoil: lines => Object.assign(op(lines, 0), { create: { type: 'no' } }),
    says: /called no/,
  },
  {
    what: 'a create with data that is none of its type',
    spoil: lines => Object.assign(op(lines, 0), { create: { type: text.uri, data: 5 } }),
    says: /DATA_MALFORMED/,
  },
  {
    what: 'a create on what exists',
    spoil: lines => {
      delete op(lines, 3).op
      op(lines, 3).create = { type: text.uri }
    },
    says: /OP_MISFIT/,
  },
  {
    what: 'an edit of what does not exist',
    spoil: lines => {
      delete op(lines, 0).create
      op(lines, 0).op = ['x']
    },
    says: /OP_MISFIT/,
  },

  {
    what: 'another receipt',
    spoil: lines => Object.assign(first(lines, 'doc'), { hash: 'f'.repeat(32) }),
    says: /hash/,
  },
  {
    what: 'another time of the head',
    spoil: lines => Object.assign(first(lines, 'doc'), { at: 5 }),
    says: /time/,
  },
  {
    what: 'a document of no version',
    spoil: lines => Object.assign(first(lines, 'doc'), { v: 0 }),
    says: /without an op/,
  },
  { what: 'a writer gone', spoil: lines => drop(lines, first(lines, 'writer')), says: /"writer" names/ },
  {
    what: 'a writer twice',
    spoil: lines => insert(lines, op(lines, 0), first(lines, 'writer')),
    says: /named before/,
  },
  {
    what: 'a writer who wrote more',
    spoil: lines => Object.assign(first(lines, 'writer'), { seq: 99 }),
    says: /written last/,
  },
  {
    what: 'a mark of the future',
    spoil: lines => Object.assign(first(lines, 'mark'), { v: 99 }),
    says: /beyond the head/,
  },
  {
    what: 'a mark twice',
    spoil: lines => insert(lines, first(lines, 'writer'), first(lines, 'mark')),
    says: /given before/,
  },
  {
    what: 'a mark behind ops',
    spoil: lines => insert(lines, op(lines, 3), first(lines, 'mark')),
    says: /too late/,
  },

  {
    what: 'a trimmed history without a beginning',
    spoil: lines => drop(lines, first(lines, 'content')),
    says: /version 10/,
  },
  {
    what: 'a beginning of another type',
    spoil: lines => Object.assign(first(lines, 'content'), { type: json.uri }),
    says: /version 10/,
  },
  {
    what: 'a beginning that is no document',
    spoil: lines => Object.assign(first(lines, 'content'), { data: 5 }),
    says: /DATA_MALFORMED/,
  },
  {
    what: 'another beginning',
    spoil: lines => Object.assign(first(lines, 'content'), { data: 'x' }),
    says: /OP_MISFIT|writers of/,
  },
  { what: 'a span gone', spoil: lines => drop(lines, first(lines, 'span')), says: /span from version 0/ },
  {
    what: 'the last span gone',
    spoil: lines => drop(lines, only(lines, 'span').at(-1)!),
    says: /reach to version 10/,
  },
  {
    what: 'a span with another receipt',
    spoil: lines => Object.assign(only(lines, 'span')[1]!, { hash: 'f'.repeat(32) }),
    says: /not those that it sums up/,
  },
  {
    what: 'a span that sums up others',
    spoil: lines => Object.assign(only(lines, 'span')[1]!, { about: first(lines, 'span').about }),
    says: /other versions/,
  },
  {
    what: 'a beginning after the head',
    spoil: lines => Object.assign(first(lines, 'from'), { from: 99 }),
    says: /before the head/,
  },
  {
    what: 'a turn after the beginning',
    spoil: lines => Object.assign(first(lines, 'from'), { turns: [[11, null]] }),
    says: /creates and deletes/,
  },
  {
    what: 'writers of another length',
    spoil: lines => Object.assign(first(lines, 'credits'), { runs: [[1, 0]] }),
    says: /writers of 1 units/,
  },
  {
    what: 'a run of nobody',
    spoil: lines => Object.assign(first(lines, 'credits'), { runs: [[1, 9]] }),
    says: /no writer/,
  },
]

export function importingContract(title: string, makePlace: () => Promise<DatabasePlace>): void {
  describe(`importing spoilt files: ${title}`, () => {
    let file: string
    let place: DatabasePlace
    let engine: Engine
    const parsed = (): Lines =>
      file
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line))
    const written = (lines: Lines) =>
      lines
        .map(line => `${JSON.stringify(line)}\n`)
        .join('')
        .replace(`"${DEEP}"`, '['.repeat(9000) + ']'.repeat(9000))

    before(async () => {
      const first = await makePlace()
      await writeFixture(first)
      const from = await first.engine()
      file = await exported(from)
      await from.close()
      await first.remove()
    })
    beforeEach(async () => {
      place = await makePlace()
      engine = await place.engine()
    })
    afterEach(async () => {
      await engine.close()
      await place.remove()
    })

    it('[S48] takes the file that is spoilt below', async () => {
      const { documents, ops } = await importCollection(engine, chunked(written(parsed())), small)
      assert.deepEqual([documents, ops], [3, 31 + 14 + 22])
    })

    for (const { what, spoil, says } of spoilings) {
      it(`[S48] refuses ${what}, by the number of the line, and imports nothing of its document`, async () => {
        const lines = parsed()
        spoil(lines)
        const importing = importCollection(engine, chunked(written(lines)), small)
        await assert.rejects(importing, (error: Error & { code?: string }) => {
          assert.equal(error.code, 'IMPORT_INVALID')
          assert.match(error.message, /^Line \d+: /)
          assert.match(error.message, says)
          return true
        })
        // What is there was whole in the file.
        assert.equal((await verifyStore(engine)).kind, 'sound')
      })
    }

    const broken: [what: string, spoil: (bytes: Buffer) => Uint8Array][] = [
      ['what is no JSON', bytes => Buffer.concat([bytes.subarray(0, 900), bytes.subarray(901)])],
      ['what is no UTF-8', bytes => bytes.fill(0xff, 900, 901)],
      ['an empty file', () => Buffer.alloc(0)],
      ['a file cut within a line', bytes => bytes.subarray(0, 900)],
      ['an empty line', bytes => Buffer.concat([Buffer.from('\n'), bytes])],
    ]
    for (const [what, spoil] of broken) {
      it(`[S48] refuses ${what}`, async () => {
        const bytes = spoil(Buffer.from(file))
        const importing = importCollection(
          engine,
          (async function* () {
            yield bytes
          })(),
          small,
        )
        await assert.rejects(importing, { code: 'IMPORT_INVALID', message: /^Line \d+: / })
        assert.deepEqual(await engine.keys(null, 9), [])
      })
    }

    it('[S48] takes a file without receipts, writers and times of heads, as another program may write it', async () => {
      const lines = [
        { holdfast: 1, kind: 'collection', collection: 'notes', at: 0 },
        { doc: 'by hand', v: 2 },
        { v: 0, at: 5, create: { type: text.uri, data: 'a\u2028b' } },
        { v: 1, src: 'me', seq: 7, at: 6, op: [3, '!'] },
        { end: { documents: 1, ops: 2 } },
      ]
      await importCollection(engine, chunked(`${written(lines).replaceAll('\n', '\r\n').trimEnd()}`))
      const store = await place.store()
      assert.equal((await store.snapshot({ collection: 'notes', id: 'by hand' })).data, 'a\u2028b!')
      await store.close()
      assert.equal((await verifyStore(engine)).kind, 'sound')
    })

    it('[S48] takes a trimmed history without its writers as one of unknown writers', async () => {
      const lines = parsed()
      drop(lines, first(lines, 'credits'))
      await importCollection(engine, chunked(written(lines)), small)
      assert.equal((await verifyStore(engine)).kind, 'sound')
      const store = await place.store()
      const credits = await store.history.credits({ collection: 'notes', id: 'trimmed' })
      assert.ok(credits.some(({ src }) => src === null) && credits.some(({ src }) => src === 'me'))
      await store.close()
    })
  })
}
