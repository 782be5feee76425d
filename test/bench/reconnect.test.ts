import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { readSequential } from '../traces/files.ts'
import { makeBranches } from './branches.ts'
import { digest } from './content.ts'
import { Line } from './line.ts'
import { type Measured, report, rowsOf } from './report.ts'
import { runSession, type Sample } from './session.ts'
import { systems } from './systems.ts'
import { figure, median, spread, table } from './table.ts'

describe('the reconnect benchmark', () => {
  const paper = readSequential('automerge-paper', { sample: true })
  const blog = readSequential('seph-blog1', { sample: true })
  const letters = new Set<string>()

  for (const system of systems) {
    for (const kind of system.kinds) {
      it(`[N4] ${system.name}, ${kind}: two processes merge 200 edits with 200 and end equal`, async () => {
        const branches = makeBranches(paper, blog, 200, kind)
        const plan = { system, kind, branches, documents: 2, limitMs: 15_000, profile: false }
        const samples = await runSession(plan)
        assert.equal(samples.length, 2)
        for (const { ms, traffic } of samples) {
          assert.ok(ms > 0)
          assert.ok(traffic.out > 100 && traffic.in > 100, JSON.stringify(traffic))
        }
        for (const sample of samples) letters.add(sample.letters)
        assert.equal(letters.size, 1, 'another set of characters than the systems before')
      })
    }
  }

  it('[N4] two sides that end different are told apart', () => {
    const [ab, ba] = [digest('ab'), digest('ba')]
    assert.notEqual(ab.hash, ba.hash)
    assert.equal(ab.letters, ba.letters)
    assert.notEqual(digest('aab').letters, ab.letters)
    const bold = { insert: 'b', attributes: { bold: true } }
    assert.equal(digest([{ insert: 'a' }, { insert: 'c' }, bold]).hash, digest([{ insert: 'ac' }, bold]).hash)
    assert.notEqual(digest([{ insert: 'acb' }]).hash, digest([{ insert: 'ac' }, bold]).hash)
  })
})

describe('the figures', () => {
  const sample = (ms: number, bytes: number): Sample => ({
    ms,
    editMs: 1,
    letters: '',
    traffic: { out: 0, in: bytes },
  })
  const measured = (system: string, ms: number, bytes: number): Measured => ({
    case: '10000x10000',
    system,
    cold: [sample(ms, bytes)],
    warm: [sample(ms / 2, bytes)],
    overMs: null,
  })
  const late: Measured = { case: '10000x10000', system: 'sharedb', cold: [], warm: [], overMs: 120_000 }

  it('[N5] are medians with their spread', () => {
    assert.equal(median([3, 1, 2]), 2)
    assert.equal(median([4, 1, 2, 3]), 2.5)
    assert.equal(spread([3, 1, 2]), '2 (1-3)')
    assert.equal(figure(0.012345), '0.0123')
    assert.equal(table(['a', 'b'], [['long', '1']]), 'a     b\n----  -\nlong  1')
  })

  it('[N5] are rows with a time, cold and warm, and the bytes of both directions; none for a system over its limit', () => {
    assert.deepEqual(rowsOf([measured('yjs', 8, 100), late]), [
      { case: '10000x10000', metric: 'time_ms', system: 'yjs', value: 8 },
      { case: '10000x10000', metric: 'time_ms_warm', system: 'yjs', value: 4 },
      { case: '10000x10000', metric: 'wire_bytes', system: 'yjs', value: 100 },
    ])
  })

  it('[N5] are held against the targets, met or missed', () => {
    const printed = report(
      '10000x10000',
      1000,
      [measured('holdfast', 10, 50), measured('yjs', 8, 300), late],
      undefined,
    )
    assert.match(printed, /sharedb +> 120 s/)
    assert.match(printed, /time at least 100x against sharedb: 12,000x, met/)
    assert.match(printed, /time at least 1x against yjs: 0\.8x, MISSED/)
    assert.match(printed, /bytes at least 4x against yjs: 6x, met/)
    assert.match(printed, /against sharedb-ot-text: not measured/)
  })
})

describe('a line', () => {
  /** Dials; what became of it, as often as it was told. */
  const dial = (line: Line, url: string) => {
    const told: (number | 'open')[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const tell = (what: number | 'open') => {
      told.push(what)
      resolve()
    }
    const socket = line.dial(url, { open: () => tell('open'), text: () => {}, close: code => tell(code) })
    return { told, first: promise, socket }
  }

  it('[N6] that is cut closes what is open, once, and refuses to dial until it is mended', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(server, 'listening')
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
    const line = new Line()

    const open = dial(line, url)
    const [accepted] = (await once(server, 'connection')) as [WebSocket]
    await open.first
    const gone = once(accepted, 'close')
    open.socket.send('\u00e9')
    line.cut()
    await gone
    assert.deepEqual(open.told, ['open', 1006])
    assert.deepEqual(line.takeTraffic(), { out: 2, in: 0 })

    const refused = dial(line, url)
    await refused.first
    assert.deepEqual(refused.told, [1006])

    line.mend()
    const again = dial(line, url)
    await again.first
    assert.deepEqual(again.told, ['open'])
    line.cut()
    server.close()
  })
})
