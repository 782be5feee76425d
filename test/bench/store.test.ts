import assert from 'node:assert/strict'
import { text } from '../../types/index.ts'
import { textOp } from '../traces/splice.ts'
import { FrameReader, sized } from './peers/hocuspocus-frames.ts'
import type { WritersCalls } from './peers/writers.ts'
import { Peer } from './process.ts'
import { COLLECTION, editOf, textOf } from './store/edits.ts'
import { Databases } from './store/places.ts'
import { type StoreMeasured, storeReport, storeRows, storeVerdicts } from './store/report.ts'
import { measureRound, type Round, type RoundPlan } from './store/round.ts'
import { type StoreServer, type StoreSystem, storeSystems } from './store/systems.ts'
import { percentile } from './table.ts'

const system = (name: string) => storeSystems.find(each => each.name === name)!
const load = { name: 'small', writers: 4, documents: 2, size: 1000 }
const plan = (system: StoreSystem): RoundPlan => ({
  ...load,
  system,
  warmMs: 50,
  windowMs: 150,
  profile: false,
  databases: new Databases(),
})

/** The system, with `change` made to each of its servers. */
const changed = (name: string, change: (server: StoreServer) => Partial<StoreServer>): StoreSystem => ({
  ...system(name),
  async start(surroundings) {
    const server = await system(name).start(surroundings)
    return { ...server, ...change(server) }
  },
})

describe('the store benchmark', () => {
  for (const name of ['holdfast-sqlite', 'sharedb-memory']) {
    it(`[N9] ${name}: the store has just the edits that were acknowledged, and documents of the size`, async () => {
      const counted: number[] = []
      const lengths: number[] = []
      const watched = changed(name, server => ({
        async edits(id) {
          const edits = await server.edits(id)
          counted.push(edits)
          if (name.startsWith('holdfast')) lengths.push((await readText(server, id)).length)
          return edits
        },
      }))
      const { commitsPerSecond, p50, p99 } = await measureRound(plan(watched))
      assert.equal(counted.length, load.documents)
      assert.ok(
        counted.every(edits => edits > 0),
        String(counted),
      )
      // A disk may stand still for longer than such a short window.
      if (name === 'sharedb-memory') assert.ok(commitsPerSecond > 0 && p50 > 0 && p99 >= p50)
      for (const length of lengths) assert.ok(length >= load.size && length < load.size + 100, String(length))
    })
  }

  it('[N9] a round whose store has another number of edits does not count', async () => {
    const forgetful = changed('sharedb-memory', server => ({
      edits: async id => (await server.edits(id)) - 1,
    }))
    await assert.rejects(measureRound(plan(forgetful)), /edits were acknowledged, and the store has/)
  })

  it('[N9] writers whose connection ends fail, at the start and under way', async () => {
    const client = new Peer<WritersCalls>(system('sharedb-memory').client)
    const absent = { url: 'ws://127.0.0.1:1', documents: ['a'], size: 100, warmMs: 50, windowMs: 50 }
    await assert.rejects(client.ask('run', absent), /ECONNREFUSED/)
    await client.stop()
    const dying = changed('sharedb-memory', server => {
      const stopAtWork = async (id: string) => {
        while ((await server.edits(id)) === 0);
        await server.stop()
      }
      return {
        async create(id, text) {
          await server.create(id, text)
          stopAtWork(id).catch(() => {})
        },
      }
    })
    await assert.rejects(measureRound({ ...plan(dying), windowMs: 10_000 }), /the connection ended|ECONN/)
  })

  it('[N10] edits fit the document, keep its size and move through it', () => {
    const size = 1000
    let document = textOf(size, 7)
    assert.equal(document.length, size)
    assert.equal(textOf(size, 7), document)
    assert.notEqual(textOf(size, 8), document)
    const places = new Set<number>()
    for (let index = 0; index < 3000; index++) {
      const edit = editOf(index % 3, Math.floor(index / 3), size)
      const op = textOp(edit)
      assert.equal(text.check(op, document), null)
      document = text.apply(document, op as never)
      assert.equal(document.length, size)
      places.add(edit.at)
    }
    assert.ok(places.size > 800, `${places.size} places`)
  })

  it('[N10] frames by hand are those of lib0', () => {
    assert.deepEqual([...sized(Buffer.of(7))], [1, 7])
    assert.deepEqual([...sized(Buffer.alloc(300)).subarray(0, 2)], [0xac, 0x02])
    for (const length of [0, 127, 128, 16_383, 16_384, 3_000_000]) {
      const reader = new FrameReader(Buffer.concat([sized(Buffer.alloc(length, 5)), Buffer.of(9)]))
      assert.equal(reader.sized().length, length)
      assert.equal(reader.number(), 9)
    }
  })
})

async function readText({ url }: StoreServer, id: string): Promise<string> {
  const address = url.replace('ws', 'http').replace(/\/ws$/, '')
  const response = await fetch(`${address}/v1/docs/${COLLECTION}/${id}`)
  return ((await response.json()) as { data: string }).data
}

describe('the figures of the store', () => {
  const round = (commitsPerSecond: number, p99 = 2): Round => ({ commitsPerSecond, p50: 1, p99, busy: 0.25 })
  const measured = (name: string, system: string, ...rounds: Round[]): StoreMeasured => ({
    case: name,
    system,
    rounds,
  })
  const failed: StoreMeasured = {
    case: 'w1-100kB',
    system: 'hocuspocus-sqlite',
    rounds: [round(1)],
    failure: 'no such luck',
  }
  const all = [
    measured('w1-1kB', 'holdfast-sqlite', round(900)),
    measured('w1-1MB', 'holdfast-sqlite', round(600)),
    measured('w1-100kB', 'holdfast-sqlite', round(700, 5), round(2000, 9), round(800, 7)),
    measured('w1-100kB', 'sharedb-postgres', round(100)),
    measured('w1-100kB', 'sharedb-memory', round(760)),
    failed,
  ]

  it('[N11] are rows of the medians of the rounds, none for a system that failed', () => {
    assert.deepEqual(storeRows([all[2]!, failed]), [
      { case: 'w1-100kB', metric: 'commits_per_s', system: 'holdfast-sqlite', value: 800 },
      { case: 'w1-100kB', metric: 'p99_ms', system: 'holdfast-sqlite', value: 7 },
    ])
  })

  it('[N11] stand side by side with their ratio to ours, and a failure with its reason', () => {
    const printed = storeReport(
      { name: 'w1-100kB', writers: 1, documents: 1, size: 100_000 },
      all.filter(({ case: name }) => name === 'w1-100kB'),
      [{ ...round(5000), busy: Number.NaN }],
    )
    assert.match(printed, /1 writer on 1 document of 100,000 characters/)
    assert.match(printed, /^holdfast-sqlite +800 \(700-2,000\) +1 +1 \(1-1\) +7 \(5-9\) +25% +3$/m)
    assert.match(printed, /^sharedb-memory +760 +0\.95 /m)
    assert.match(printed, /^hocuspocus-sqlite +- +-/m)
    assert.match(printed, /^\(fsync of 4 kB\) +5,000 +6\.25 +1 +2 +- +1$/m)
    assert.match(printed, /hocuspocus-sqlite could not be run: no such luck/)
  })

  it('[N11] are held against the targets: met, missed or not measured', () => {
    const lines = storeVerdicts(all).trim().split('\n')
    assert.deepEqual(lines, [
      'Target w1-1kB holdfast-sqlite at most 1.5x w1-1MB holdfast-sqlite: 1.5x, met',
      'Target w1-1kB holdfast-postgres at most 1.5x w1-1MB holdfast-postgres: not measured',
      'Target w1-100kB holdfast-sqlite at least 10x w1-100kB sharedb-postgres: 8x, MISSED',
      'Target w1-100kB holdfast-postgres at least 10x w1-100kB sharedb-postgres: not measured',
      'Target w1-100kB holdfast-sqlite at least 1x w1-100kB sharedb-memory: 1.05x, met',
    ])
  })

  it('[N11] count a percentile as the value that so many do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
    assert.deepEqual(
      [percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1)],
      [50, 99, 100],
    )
    assert.equal(percentile([3], 0.99), 3)
    assert.ok(Number.isNaN(percentile([], 0.99)))
  })
})
