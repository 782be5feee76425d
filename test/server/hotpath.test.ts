/** What keeps many writers and readers of one document cheap, and what must hold all the same. */

import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { PresenceTurns } from '../../server/bus/presence.ts'
import { type Gateway, openGateway } from '../../server/gateway/gateway.ts'
import { openOutbox } from '../../server/gateway/outbox.ts'
import { openSession, type Session } from '../../server/gateway/session.ts'
import { type Line, type Parcel, parcelOf } from '../../server/gateway/wire.ts'
import { readSettings } from '../../server/settings.ts'
import type { Announcement } from '../../server/sharedb.ts'
import type { Engine } from '../../server/store/engine.ts'
import { storeOn } from '../../server/store/enginestore.ts'
import { openSqliteEngine } from '../../server/store/sqlite/engine.ts'
import { type AnyFrame, TEXT } from './scene.ts'

interface Reader {
  readonly session: Session
  readonly lines: Line[]
  /** The same, parsed. */
  readonly frames: AnyFrame[]
  say(frame: AnyFrame): void
}

const key = { collection: 'notes', id: 'a' }
const doc = { c: 'notes', d: 'a' }

describe('The hot path', () => {
  let gateway: Gateway
  /** What happens before a group of commits is written. */
  let before: () => Promise<void>

  beforeEach(async () => {
    before = async () => {}
    const engine: Engine = openSqliteEngine({ path: ':memory:' })
    const append = engine.append.bind(engine)
    engine.append = async commits => {
      await before()
      return append(commits)
    }
    gateway = openGateway({ store: storeOn(engine), settings: readSettings(), report: () => {} })
    const author = dial('author')
    author.say({ a: 'op', ...doc, v: 0, seq: 1, create: { type: TEXT, data: '' } })
    await quiet()
  })
  afterEach(async () => {
    await gateway.close()
    await gateway.store.close()
  })

  async function quiet(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      await turn()
      await gateway.backend.idle()
    }
  }

  function dial(src: string): Reader {
    const lines: Line[] = []
    const frames: AnyFrame[] = []
    const send = (parcel: Parcel) => {
      lines.push(...parcel.lines)
      for (const { text } of parcel.lines) frames.push(JSON.parse(text))
    }
    const session = openSession(gateway, { send, close() {}, bufferedBytes: () => 0 })
    const say = (frame: AnyFrame) => session.receive(JSON.stringify(frame))
    say({ a: 'hs', protocol: 1, protocolMinor: 2, id: src })
    return { session, lines, frames, say }
  }

  async function followers(count: number): Promise<Reader[]> {
    const readers = Array.from({ length: count }, (_, i) => dial(`reader-${i}`))
    for (const reader of readers) reader.say({ a: 's', ...doc, v: 1 })
    await quiet()
    for (const { lines, frames } of readers) {
      lines.length = 0
      frames.length = 0
    }
    return readers
  }

  const type = (reader: Reader, seq: number, v: number, letter = 'x') =>
    reader.say({ a: 'op', ...doc, v, seq, op: [letter] })
  const acksOf = ({ frames }: Reader) => frames.filter(({ a, op }) => a === 'op' && op === undefined)
  const contentOf = async () => String((await gateway.store.snapshot(key)).data)

  it('[P10] an op is one text for all who follow its document, in which its receipt stands', async () => {
    const readers = await followers(5)
    type(readers[0]!, 1, 1)
    await quiet()
    const told = readers.slice(1).map(({ lines }) => lines)
    assert.deepEqual(
      told.map(({ length }) => length),
      [1, 1, 1, 1],
    )
    assert.equal(new Set(told.flat()).size, 1, 'one line')
    const { hash } = readers[1]!.frames[0]!
    assert.equal(hash, acksOf(readers[0]!)[0]!.hash)
    assert.match(hash, /^[0-9a-f]{32}$/)
  })

  it('[P11] of many who write at once, each is told every op of others once and in order, and before their own is acknowledged', async () => {
    const readers = await followers(20)
    for (let round = 0; round < 3; round++) {
      for (const reader of readers) type(reader, round + 1, 1 + round * readers.length)
      await quiet()
    }
    const all = Array.from({ length: 60 }, (_, i) => i + 1)
    for (const { frames } of readers)
      assert.deepEqual(
        frames.map(({ v }) => v),
        all,
      )
    const texts = new Map<number, Set<Line>>()
    for (const { lines, frames } of readers)
      for (const [i, { op, v }] of frames.entries())
        if (op !== undefined) texts.set(v, (texts.get(v) ?? new Set()).add(lines[i]!))
    assert.deepEqual(
      [...texts.values()].map(({ size }) => size),
      all.map(() => 1),
    )
  })

  it('[P11] [P90] so are many readers, of whom some write on while the others rest, and one who comes meanwhile', async () => {
    const readers = await followers(60)
    const writers = readers.slice(0, 5)
    const rounds = 20
    const last = () => readers.every(({ frames }) => frames.at(-1)?.v === rounds * writers.length)
    const late: Reader[] = []
    for (let round = 0; round < rounds; round++) {
      // On top of what it has heard.
      for (const writer of writers) type(writer, round + 1, 1 + (writer.frames.at(-1)?.v ?? 0))
      await quiet()
      if (round !== rounds / 2) continue
      late.push(dial('late'))
      late[0]!.say({ a: 's', ...doc, v: 1 + (round + 1) * writers.length })
      await quiet()
    }
    while (!last() || late[0]!.frames.at(-1)?.v !== rounds * writers.length) await turn()
    const all = Array.from({ length: rounds * writers.length }, (_, i) => i + 1)
    const versions = ({ frames }: Reader) => frames.filter(({ a }) => a === 'op').map(({ v }) => v)
    for (const reader of readers) assert.deepEqual(versions(reader), all)
    assert.deepEqual(versions(late[0]!), all.slice((rounds / 2 + 1) * writers.length))
  })

  it('[P12] edits of one document that come together are written together, one op each', async () => {
    const readers = await followers(50)
    const { commits, groups } = gateway.store.counts
    for (const reader of readers) type(reader, 1, 1)
    await quiet()
    assert.equal(gateway.store.counts.commits - commits, 50)
    assert.equal(gateway.store.counts.groups - groups, 1)
    assert.equal(await contentOf(), 'x'.repeat(50))
  })

  it('[P13] an edit that is being written is seen by nobody but the next one', async () => {
    const [writer, other, late] = (await followers(3)) as [Reader, Reader, Reader]
    const written = Promise.withResolvers<void>()
    let isWriting = false
    before = () => {
      isWriting = true
      return written.promise
    }
    type(writer, 1, 1, 'a')
    type(other, 1, 1, 'b')
    while (!isWriting) await turn()
    late.say({ a: 'f', ...doc, v: null })
    await turn()
    assert.deepEqual([writer.frames, other.frames], [[], []])
    assert.deepEqual(
      late.frames.map(({ a, data }) => [a, data.v, data.data]),
      [['f', 1, '']],
    )
    assert.equal((await gateway.store.head(key)).v, 1)
    written.resolve()
    await quiet()
    assert.equal(acksOf(writer).length + acksOf(other).length, 2)
    assert.equal((await contentOf()).length, 2)
  })

  it('[P14] what was made on top of an edit that was not written is not written either; sent again, all are there once', async () => {
    const readers = await followers(6)
    const failing = Promise.withResolvers<void>()
    let writes = 0
    before = () => (++writes === 1 ? failing.promise : Promise.resolve())
    for (const reader of readers.slice(0, 3)) type(reader, 1, 1)
    while (writes === 0) await turn()
    // Upon those three, and in another group.
    for (const reader of readers.slice(3)) type(reader, 1, 1)
    await turn()
    failing.reject(new Error('the disk is full'))
    await quiet()
    for (const { frames } of readers)
      assert.deepEqual(
        frames.map(({ error }) => error?.code),
        ['STORE_FAILED'],
      )
    assert.deepEqual([(await gateway.store.head(key)).v, await contentOf()], [1, ''])
    for (const reader of readers) type(reader, 1, 1)
    await quiet()
    for (const reader of readers) assert.equal(acksOf(reader).filter(({ error }) => !error).length, 1)
    assert.equal(await contentOf(), 'x'.repeat(6))
  })

  it('[P14] an edit that comes twice while it is being written is acknowledged when it is, and once as new', async () => {
    const [writer] = (await followers(1)) as [Reader]
    const written = Promise.withResolvers<void>()
    before = () => written.promise
    type(writer, 1, 1)
    await turn()
    type(writer, 1, 1)
    await turn()
    assert.deepEqual(writer.frames, [])
    written.resolve()
    await quiet()
    assert.deepEqual(
      acksOf(writer).map(({ v, again }) => [v, again]),
      [
        [1, undefined],
        [1, true],
      ],
    )
    assert.equal(await contentOf(), 'x')
  })

  it('[P15] of presence that is announced in one turn the newest is told, once to each listener', async () => {
    const [mover, listener] = (await followers(2)) as [Reader, Reader]
    const ch = 'notes.a'
    listener.say({ a: 'ps', ch, seq: 1 })
    await quiet()
    for (let pv = 1; pv <= 5; pv++) mover.say({ a: 'p', ch, id: 'caret', p: { at: pv }, pv })
    mover.say({ a: 'p', ch, id: 'other', p: { at: 0 }, pv: 1 })
    await quiet()
    const told = listener.frames.filter(({ a }) => a === 'p').map(({ id, p }) => [id, p.at])
    assert.deepEqual(told, [
      ['caret', 5],
      ['other', 0],
    ])
    assert.equal(mover.frames.filter(({ a }) => a === 'p').length, 6, 'each is answered')
  })

  it('[P15] what is told is as it was announced, whatever becomes of it later', async () => {
    const told: Announcement[] = []
    let answered = 0
    const turns = new PresenceTurns((_channel, announcement) => told.push(announcement))
    const announcement = { ch: 'c', src: 's', id: 'i', p: { at: 1 } as unknown, pv: 1 }
    turns.add('c', announcement, () => answered++)
    announcement.p = null
    await turn()
    turns.add('c', announcement, () => answered++)
    await turn()
    assert.deepEqual(
      told.map(({ p }) => p),
      [{ at: 1 }, null],
    )
    assert.equal(answered, 2)
  })
})

describe('What goes out to sockets', () => {
  const texts = ['a', 'ä€😀', 'x'.repeat(125), 'x'.repeat(126), 'y'.repeat(65_535), 'z'.repeat(65_536)]

  /** The texts of unmasked frames. */
  function read(bytes: Buffer): string[] {
    const found: string[] = []
    for (let at = 0; at < bytes.length; ) {
      assert.equal(bytes[at], 0x81)
      const short = bytes[at + 1]!
      const head = short < 126 ? 2 : short === 126 ? 4 : 10
      const length =
        short < 126
          ? short
          : short === 126
            ? bytes.readUInt16BE(at + 2)
            : Number(bytes.readBigUInt64BE(at + 2))
      found.push(bytes.toString('utf8', at + head, at + head + length))
      at += head + length
    }
    return found
  }

  it('[P16] is handed over once for each turn of the event loop, whole and in order, the same bytes to all who are told the same', async () => {
    const outbox = openOutbox()
    const streams = [0, 1, 2].map(() => {
      const chunks: Buffer[] = []
      const stream = new PassThrough({ highWaterMark: 2 ** 20 })
      stream.on('data', chunk => chunks.push(chunk))
      return { out: outbox.open(stream), chunks }
    })
    const ops = texts.map(text => ({ a: 'op', op: text }))
    const several = parcelOf({ a: 'ops', messages: ops })
    const parcels = [several, ...texts.map(text => parcelOf({ text }))]
    const told = (i: number) => (i === 2 ? parcels.slice(1) : parcels)
    for (const [i, { out }] of streams.entries()) for (const parcel of told(i)) out.send(parcel)
    assert.equal(several.lines.length, texts.length)
    assert.ok(streams[0]!.out.bytes >= parcels.reduce((sum, { bytes }) => sum + bytes, 0))
    await turn()
    for (const [i, { out, chunks }] of streams.entries()) {
      assert.equal(chunks.length, 1)
      assert.deepEqual(
        read(chunks[0]!),
        told(i).flatMap(({ lines }) => lines.map(({ text }) => text)),
      )
      assert.equal(out.bytes, 0)
    }
    assert.equal(streams[0]!.chunks[0]!.buffer, streams[1]!.chunks[0]!.buffer)
  })
})
