/** The laws of every bus, and ShareDB's own suite for pub/sub on each. */

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import type { Bus } from '../../server/bus/bus.ts'
import { BusPubSub } from '../../server/bus/pubsub.ts'
import { processClock } from '../../server/clock.ts'
import { registerTypes } from '../../server/sharedb.ts'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import { describeOnBuses } from './redis.ts'

const require = createRequire(import.meta.url)

interface Listener {
  readonly bus: Bus
  readonly texts: string[]
  /** Resolves when so many texts have come. */
  count(wanted: number): Promise<void>
}

describeOnBuses('A bus', ({ join }) => {
  const open: Bus[] = []
  afterEach(() => Promise.all(open.splice(0).map(bus => bus.close())))

  async function listener(): Promise<Listener> {
    const bus = await join()
    const texts: string[] = []
    let look = () => {}
    const up = Promise.withResolvers<void>()
    bus.open({
      heard: (channel, text) => {
        texts.push(`${channel} ${text}`)
        look()
      },
      restored: up.resolve,
    })
    open.push(bus)
    if (!bus.up) await up.promise
    const count = (wanted: number) =>
      new Promise<void>(resolve => {
        look = () => texts.length >= wanted && resolve()
        look()
      })
    return { bus, texts, count }
  }

  it('[O1] carries texts to those who follow the channel, in their order, each once', async () => {
    const [one, two, three] = [await listener(), await listener(), await listener()]
    const names = ['a', 'b', 'doc ["a b","\\u0000 \\ud800"]', 'ä {x}']
    await Promise.all(names.map(name => two.bus.follow(name)))
    await three.bus.follow('b')
    const said: string[] = []
    for (let i = 0; i < 200; i++) {
      const channel = names[i % names.length]!
      said.push(`${channel} "${i}" ä\n`)
      await one.bus.publish(channel, `"${i}" ä\n`)
    }
    await Promise.all([two.count(200), three.count(50)])
    assert.deepEqual(two.texts, said)
    assert.deepEqual(
      three.texts,
      said.filter(text => text.startsWith('b ')),
    )
    assert.deepEqual(one.texts, [])
  })

  it('[O1] a channel that is not followed any more is not heard, and can be followed again', async () => {
    const [one, two] = [await listener(), await listener()]
    await two.bus.follow('a')
    await two.bus.follow('end')
    await one.bus.publish('a', '1')
    await two.count(1)
    two.bus.unfollow('a')
    await two.bus.follow('other')
    await one.bus.publish('a', '2')
    await one.bus.publish('end', '3')
    await two.count(2)
    two.bus.unfollow('a')
    await two.bus.follow('a')
    await one.bus.publish('a', '4')
    await two.count(3)
    for (let i = 0; i < 3; i++) {
      two.bus.unfollow('a')
      await two.bus.follow('a')
    }
    await one.bus.publish('a', '5')
    await two.count(4)
    assert.deepEqual(two.texts, ['a 1', 'end 3', 'a 4', 'a 5'])
  })

  it('[O1] follows a thousand channels', async () => {
    const [one, two] = [await listener(), await listener()]
    const names = Array.from({ length: 1000 }, (_, i) => `many ${i}`)
    await Promise.all(names.map(name => two.bus.follow(name)))
    await Promise.all(names.map(name => one.bus.publish(name, 'x')))
    await two.count(1000)
    assert.equal(new Set(two.texts).size, 1000)
  })

  describe("[O2] ShareDB's own suite", () => {
    const stores: { close(): Promise<void> }[] = []
    const pubsubs: BusPubSub[] = []
    delete require.cache[require.resolve('sharedb/test/setup.js')]
    require('sharedb/test/setup.js')
    const suite = require('sharedb/test/pubsub.js') as (
      create: (done: (error: null, made: BusPubSub) => void) => void,
    ) => void
    suite(done => {
      join().then(bus => {
        const store = openSqliteStore({ path: ':memory:' })
        stores.push(store)
        const pubsub = new BusPubSub({
          store,
          bus,
          clock: processClock,
          report: () => {},
          checkMs: 5000,
          prefix: 'suite',
        })
        pubsubs.push(pubsub)
        done(null, pubsub)
      })
    })
    afterEach(async () => {
      await Promise.all(pubsubs.splice(0).map(pubsub => pubsub.shutDown()))
      await Promise.all(stores.splice(0).map(store => store.close()))
    })
    registerTypes()
    after(registerTypes)
  })
})
