import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { watchReach } from '../../server/reach.ts'
import { type Line, openLine } from '../browser/harness/line.ts'
import { until } from '../bus/site.ts'
import { sharedPostgres } from '../harness/shared-postgres.ts'
import { VirtualClock } from '../sim/clock.ts'
import { closeAll, dial, greet, serve } from './scene.ts'

describe('A server that loses its database', () => {
  afterEach(closeAll)

  /** A database that answers as the test wants, and what was said of it. */
  function scene(shared = true) {
    const clock = new VirtualClock()
    const said: boolean[] = []
    const store = { shared, asked: 0, ping: () => Promise.resolve() }
    const ping = () => {
      store.asked++
      return store.ping()
    }
    const reach = watchReach({
      store: { shared, ping },
      clock: { now: () => clock.now, after: (ms, task) => clock.after(ms, task) },
      patienceMs: 1000,
      changed: lost => said.push(lost),
    })
    const pass = async (ms: number) => {
      for (const end = clock.now + ms; clock.now < end; await setImmediate()) clock.step()
    }
    return { store, reach, said, clock, pass }
  }

  for (const [how, ping] of Object.entries({
    'answers with errors': () => Promise.reject(new Error('away')),
    'does not answer': () => new Promise<void>(() => {}),
  })) {
    it(`[O21] notices within the time of patience that it ${how}`, async () => {
      const { store, reach, said, pass } = scene()
      await pass(3000)
      store.ping = ping
      await pass(800)
      assert.equal(reach.lost, false)
      await pass(400)
      assert.deepEqual([reach.lost, said], [true, [true]])
    })
  }

  it('[O21] goes on asking, and finds it again', async () => {
    const { store, said, pass } = scene()
    store.ping = () => Promise.reject(new Error('away'))
    await pass(5000)
    store.ping = () => Promise.resolve()
    await pass(400)
    assert.deepEqual(said, [true, false])
  })

  it('[O21] has lost nothing when it slept itself', async () => {
    const { store, said, clock, pass } = scene()
    const { promise, resolve } = Promise.withResolvers<void>()
    store.ping = () => promise
    await pass(400)
    clock.now += 60_000
    clock.step()
    resolve()
    await pass(3000)
    assert.deepEqual(said, [])
  })

  it('[O21] does not ask where the database is its own', async () => {
    const { store, pass, clock } = scene(false)
    assert.equal(clock.step(), false)
    await pass(0)
    assert.equal(store.asked, 0)
  })

  describe('on a line to Postgres', function () {
    this.timeout(60_000)
    let line: Line
    afterEach(() => line.close())

    for (const mode of ['refuse', 'blackhole'] as const) {
      it(`[O21] sends its connections away while the line is in mode ${mode}`, async () => {
        const postgres = await sharedPostgres()
        line = await openLine(postgres)
        const url = new URL(await postgres.createDatabase())
        url.port = String(line.port)
        const server = await serve({ STORE: url.href, STORE_PATIENCE_MS: 500 })
        const ann = await greet(server, 'ann')
        line.mode = mode
        const sentAway = { code: 1013, reason: 'STORE_FAILED' }
        assert.deepEqual(await ann.closed, sentAway)
        assert.deepEqual(await (await dial(server)).closed, sentAway)
        line.mode = 'pass'
        await until(() => !server.gateway.lost, 'it finds its database')
        await greet(server, 'ann')
      })
    }
  })
})
