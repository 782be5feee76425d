/** What the subscribers of a document are told, whatever happens to what is said about it. */

import assert from 'node:assert/strict'
import { Follower } from '../../server/bus/follower.ts'
import type { SharedbOp } from '../../server/sharedb.ts'
import { Random } from '../random.ts'

const op = (v: number): SharedbOp & { v: number } => ({ v, op: [`${v}`] })

/** A follower, the store that it asks, and what it has told. */
function scene(options: { fails?: () => boolean } = {}) {
  const told: number[] = []
  const state = { head: 0, reads: 0, failures: 0, fetched: 0 }
  const follower = new Follower({
    tell: each => told.push(each.v!),
    read: async (from, to) => {
      state.reads++
      await Promise.resolve()
      if (options.fails?.()) throw new Error('the store is away')
      assert.ok(to <= state.head, 'nothing is asked for that is not there')
      return Array.from({ length: to - from }, (_, i) => op(from + i))
    },
    filled: count => {
      state.fetched += count
    },
    failed: () => {
      state.failures++
    },
  })
  return { follower, told, state }
}

const quiet = () => new Promise(resolve => setImmediate(resolve))
const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe('A follower', () => {
  it('[O3] tells what comes in order at once, and drops what it has told', () => {
    const { follower, told, state } = scene()
    follower.start(3)
    for (const v of [1, 2, 3, 3, 4, 3, 4, 5]) follower.hear(op(v))
    assert.deepEqual(told, [3, 4, 5])
    assert.equal(state.reads, 0)
  })

  it('[O3] in any order, doubled, lost and without content, each is told once and in order', async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed)
      const { follower, told, state } = scene({ fails: () => random.chance(0.1) })
      const start = random.int(5)
      const heard: number[] = []
      const count = 5 + random.int(200)
      for (let v = 0; v < count; v++)
        for (let n = random.int(3); n > 0; n--) heard.splice(random.int(heard.length + 1), 0, v)
      state.head = count
      const startAt = random.int(heard.length + 1)
      for (const [i, v] of heard.entries()) {
        if (i === startAt) follower.start(start)
        follower.hear(random.chance(0.3) ? { v } : op(v))
        if (random.chance(0.2)) await quiet()
      }
      if (startAt === heard.length) follower.start(start)
      while (told.length < count - start) {
        follower.reach(count)
        await quiet()
      }
      assert.deepEqual(told, upTo(start, count), `seed ${seed}`)
    }
  })

  it('[O4] fills a gap from the store, in one question where the op behind it was heard', async () => {
    const { follower, told, state } = scene()
    follower.start(0)
    state.head = 8
    follower.hear(op(7))
    await quiet()
    assert.deepEqual(told, upTo(0, 8))
    assert.deepEqual([state.reads, state.fetched], [1, 7])
  })

  it('[O4] keeps few ops while earlier ones are fetched, however many come', async () => {
    const { follower, told, state } = scene()
    follower.start(0)
    state.head = 5000
    for (let v = 1; v < 5000; v++) follower.hear(op(v))
    await quiet()
    await quiet()
    assert.deepEqual(told, upTo(0, 5000))
    assert.ok(state.fetched >= 5000 - 65)
  })

  it('[O4] while the store fails it tells nothing wrong, and goes on from there', async () => {
    let away = true
    const { follower, told, state } = scene({ fails: () => away })
    follower.start(0)
    state.head = 2
    follower.hear(op(1))
    await quiet()
    assert.deepEqual([told, state.failures], [[], 1])
    away = false
    follower.reach(2)
    await quiet()
    assert.deepEqual(told, [0, 1])
  })

  it('[O4] what is heard while the store is asked for what is not there is told all the same', async () => {
    const told: number[] = []
    const asked = Promise.withResolvers<SharedbOp[]>()
    const tell = (each: SharedbOp) => told.push(each.v!)
    const follower = new Follower({ tell, read: () => asked.promise, filled() {}, failed() {} })
    follower.start(0)
    follower.hear({ v: 1e9 })
    follower.hear(op(0))
    asked.resolve([])
    await quiet()
    assert.deepEqual(told, [0])
  })

  it('[O6] tells nothing once it is closed', async () => {
    const { follower, told, state } = scene()
    follower.start(0)
    state.head = 2
    follower.hear(op(1))
    follower.close()
    await quiet()
    follower.hear(op(0))
    assert.deepEqual(told, [])
  })
})
