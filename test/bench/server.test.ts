import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import type { CrowdCalls } from './peers/crowd.ts'
import { Peer } from './process.ts'
import { type ServerMeasured, serverReport, serverRows, serverVerdicts } from './server/report.ts'
import { measureRound, type Round, type RoundPlan } from './server/round.ts'
import { type Server, type ServerSystem, serverSystems, systemsFor } from './server/systems.ts'
import { startArguments } from './start.ts'

const system = (name: string) => serverSystems.find(each => each.name === name)!
const small = { connections: 6, documents: 2, size: 1000, writers: 4, perSecond: 100 }
const plan = (system: ServerSystem, change: Partial<RoundPlan> = {}): RoundPlan => ({
  name: 'small',
  ...small,
  system,
  warmMs: 50,
  windowMs: 150,
  profile: false,
  ...change,
})

describe('the server benchmark', function () {
  this.timeout(30_000)

  for (const name of ['holdfast', 'sharedb', 'ws', 'ws+sync']) {
    it(`[N17] ${name}: everybody is told every edit, and the server has them all`, async () => {
      const counted: number[] = []
      const watched: ServerSystem = {
        ...system(name),
        async start(node) {
          const server = await system(name).start(node)
          const edits = async (id: string) => {
            counted.push(await server.edits(id))
            return counted.at(-1)!
          }
          return { ...server, edits }
        },
      }
      const { delivered, taken, p50, p99, cost } = await measureRound(plan(watched))
      assert.equal(counted.length, small.documents)
      assert.ok(
        counted.every(edits => edits > 0),
        String(counted),
      )
      assert.ok(delivered > 0 && taken > 0 && cost > 0, `${delivered} ${taken} ${cost}`)
      assert.ok(p50 > 0 && p99 >= p50)
    })
  }

  it('[N17] a round whose server has another number of edits does not count', async () => {
    const forgetful: ServerSystem = {
      ...system('ws'),
      async start(node) {
        const server = await system('ws').start(node)
        return { ...server, edits: async id => (await server.edits(id)) - 1 } satisfies Server
      },
    }
    await assert.rejects(measureRound(plan(forgetful)), /edits were written, and the server has/)
  })

  it('[N130] the floor of a durable server stands beside the others where one writes alone, and nowhere else', () => {
    const names = (writers: number) => systemsFor(writers, serverSystems).map(({ name }) => name)
    assert.deepEqual(names(1), ['holdfast', 'sharedb', 'hocuspocus', 'ws', 'ws+sync'])
    assert.deepEqual(names(10), ['holdfast', 'sharedb', 'hocuspocus', 'ws'])
    assert.deepEqual(names(0), names(10))
  })

  it('[N131] all servers run with the arguments for Node that npm start and the image have', () => {
    const image = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8')
    assert.deepEqual(JSON.parse(/^CMD (.*)$/m.exec(image)![1]!), [
      'node',
      ...startArguments,
      'server/main.ts',
    ])
  })

  it('[N18] the memory of an idle connection is what the server has more with it', async () => {
    const { bytes } = await measureRound(plan(system('ws'), { connections: 400, writers: 0 }))
    assert.ok(bytes > 1000 && bytes < 200_000, String(bytes))
  })

  /** A relay that hands on what `lie` makes of an edit, to one reader after the other. */
  async function typedAt(lie: (text: string, reader: number, count: number) => string[]): Promise<unknown> {
    const relay = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    const sockets: WebSocket[] = []
    let count = 0
    relay.on('connection', socket =>
      socket.once('message', id => {
        sockets.push(socket)
        socket.send(String(id))
        socket.on('message', data => {
          count++
          for (const [reader, other] of sockets.filter(each => each !== socket).entries())
            for (const text of lie(String(data), reader, count)) other.send(text)
          socket.send('ok')
        })
      }),
    )
    await once(relay, 'listening')
    const crowd = new Peer<CrowdCalls>(new URL('./peers/crowd.ts', import.meta.url))
    try {
      const url = `ws://127.0.0.1:${(relay.address() as AddressInfo).port}`
      await crowd.ask('open', { url, protocol: 'relay', documents: ['a', 'a', 'a'], size: 1000 })
      return await crowd.ask('type', {
        writers: 1,
        perSecond: 500,
        warmMs: 0,
        windowMs: 300,
        restMs: 300,
      })
    } finally {
      await crowd.stop()
      for (const socket of sockets) socket.terminate()
      relay.close()
    }
  }

  const lies: [
    what: string,
    lie: (text: string, reader: number, count: number) => string[],
    found: RegExp,
  ][] = [
    ['what nobody wrote', text => [text.replace('"seq":3', '"seq":33')], /nobody wrote/],
    ['another letter', text => [text.replace(/"[a-z]"(?=,\{"d)/, '"?"')], /nobody wrote/],
    [
      'something else than others',
      (text, reader) => [reader ? `${text} ` : text],
      /nobody wrote|told otherwise/,
    ],
    [
      'nothing, of one edit',
      (text, reader, count) => (reader && count === 5 ? [] : [text]),
      /otherwise|nobody|did not come/,
    ],
    [
      'nothing, of the last edits',
      (text, _reader, count) => (count > 20 ? [] : [text]),
      /deliveries did not come/,
    ],
    ['an edit twice', (text, _reader, count) => (count === 4 ? [text, text] : [text]), /told before/],
  ]
  for (const [what, lie, found] of lies) {
    it(`[N17] a round in which somebody is told ${what} does not count`, async () => {
      await assert.rejects(typedAt(lie), found)
    })
  }

  it('[N17] and one in which all are told the truth does', async () => {
    const { delivered, taken } = (await typedAt(text => [text])) as { delivered: number; taken: number }
    assert.ok(taken > 10 && delivered >= taken, `${delivered} ${taken}`)
  })
})

describe('the figures of the server', () => {
  const none = Number.NaN
  const round = (delivered: number, taken: number, p50 = 1, p99 = 2): Round => ({
    delivered,
    taken,
    p50,
    p99,
    cost: 5,
    busy: 0.25,
    bytes: none,
  })
  const idle = (bytes: number): Round => ({ ...round(none, none, none, none), cost: none, busy: none, bytes })
  const measured = (name: string, system: string, ...rounds: Round[]): ServerMeasured => ({
    case: name,
    system,
    rounds,
  })
  const failed: ServerMeasured = { case: 'fan100', system: 'hocuspocus', rounds: [], failure: 'no such luck' }
  const all = [
    measured('fan100', 'holdfast', round(900, 9, 1, 5), round(3000, 30, 2, 9), round(1200, 12, 3, 7)),
    measured('fan100', 'sharedb', round(400, 4)),
    measured('fan100', 'ws', round(2000, 20)),
    failed,
    measured('w1', 'holdfast', round(0, 500, 2)),
    measured('w1', 'sharedb', round(0, 1000, 1)),
    measured('idle5000', 'holdfast', idle(12_000)),
  ]

  it('[N19] are rows of the medians of the rounds; none for what failed or was not measured', () => {
    const rows = (name: string, system: string) =>
      serverRows(all.filter(each => each.case === name && each.system === system)).map(
        ({ metric, value }) => `${metric} ${value}`,
      )
    assert.deepEqual(rows('fan100', 'holdfast'), [
      'delivered_per_s 1200',
      'ops_per_s 12',
      'p50_ms 2',
      'p99_ms 7',
    ])
    assert.deepEqual(rows('fan100', 'hocuspocus'), [])
    assert.deepEqual(rows('w1', 'sharedb'), ['ops_per_s 1000', 'p50_ms 1', 'p99_ms 2'])
    assert.deepEqual(rows('idle5000', 'holdfast'), ['bytes_per_connection 12000'])
  })

  it('[N19] stand side by side with their ratio to ours, and a failure with its reason', () => {
    const load = { name: 'fan100', connections: 100, documents: 1, size: 10_000, writers: 10, perSecond: 100 }
    const printed = serverReport(
      load,
      all.filter(({ case: name }) => name === 'fan100'),
      [0.3, 0.2, 0.4],
    )
    assert.match(printed, /^An fsync of 4 kB takes 0\.3 \(0\.2-0\.4\) ms\.$/m)
    assert.match(printed, /100 connections on 1 document of 10,000 characters, 10 writers/)
    assert.match(
      printed,
      /^holdfast +1,200 \(900-3,000\) +12 \(9-30\) +1 +2 \(1-3\) +7 \(5-9\) +5 \(5-5\) +25% +3$/m,
    )
    assert.match(printed, /^sharedb +400 +4 +0\.333 /m)
    assert.match(printed, /^hocuspocus +- +-/m)
    assert.match(printed, /hocuspocus could not be run: no such luck/)
    const still = { ...load, name: 'idle5000', connections: 5000, writers: 0, perSecond: 0 }
    assert.match(serverReport(still, [all.at(-1)!]), /idle[\s\S]*^holdfast +12,000 +1 +1$/m)
  })

  it('[N19] are held against the targets: met, missed or not measured', () => {
    const lines = serverVerdicts(all).trim().split('\n')
    assert.equal(lines[0], 'Target fan100 delivered_per_s at least 3x sharedb: 3x, met')
    assert.equal(lines[1], 'Target fan100 delivered_per_s at least 1x hocuspocus: not measured')
    assert.equal(lines[2], 'Target fan100 delivered_per_s at least 0.8x ws: 0.6x, MISSED')
    assert.ok(lines.includes('Target w1 ops_per_s at least 1x sharedb: 0.5x, MISSED'))
    assert.ok(lines.includes('Target w1 p50_ms at most 1x sharedb: 2x, MISSED'))
  })
})
