import assert from 'node:assert/strict'
import { Replies } from '../../client/link/replies.ts'
import { lateAfter, type RoundTrip, sampled } from '../../client/link/roundtrip.ts'
import { defaultTimings, type Timings } from '../../client/link/timings.ts'
import { Line, Time } from './line.ts'

/** What waits for replies, in the test's hand. */
class Scene {
  readonly time = new Time()
  missed = 0
  readonly replies: Replies
  #keys = 0

  constructor(timings: Partial<Timings> = {}) {
    const all = { ...defaultTimings, replyMinMs: 100, workMs: 50, ...timings }
    this.replies = new Replies(
      this.time.clock,
      all,
      () => {
        this.missed++
        this.replies.clear()
      },
      () => {},
    )
  }

  /** Pairs that took so long. */
  took(...each: number[]): this {
    for (const ms of each) {
      const key = String(this.#keys++)
      this.replies.expect('op', key, 0)
      this.time.pass(ms)
      this.replies.settle(key)
    }
    return this
  }

  /** After how many milliseconds such a request is missed. */
  deadline(kind: 's' | 'op' | 'h.catchup' = 'op', bytes = 0): number {
    const { clock } = this.time
    const before = this.missed
    const start = clock.now()
    this.replies.expect(kind, 'late', bytes)
    while (this.missed === before) this.time.virtual.step()
    return clock.now() - start
  }
}

describe('link: replies', () => {
  it('[K14] smooths the round trip and its deviation as RFC 6298 does', () => {
    let estimate: RoundTrip | null = null
    const steps: [ms: number, srtt: number, rttvar: number][] = [
      [100, 100, 50],
      [100, 100, 37.5],
      [180, 110, 48.125],
      [30, 100, 56.09375],
    ]
    for (const [ms, srtt, rttvar] of steps) {
      estimate = sampled(estimate, ms)
      assert.deepEqual(estimate, { srtt, rttvar })
    }
    assert.equal(lateAfter({ srtt: 100, rttvar: 50 }, 20), 300)
    assert.equal(lateAfter({ srtt: 100, rttvar: 1 }, 20), 120)
  })

  it('[K15] a reply is late by what is measured, within bounds; before any measure it has all the time', () => {
    assert.equal(new Scene().deadline(), 10_000)
    assert.equal(new Scene().took(400).deadline(), 1200)
    assert.equal(new Scene().took(1, 1, 1, 1).deadline(), 100)
    assert.equal(new Scene().took(8000, 2000).deadline(), 10_000)
  })

  it('[K15] the link tells the round trip, of greetings and heartbeats too, and forgets it with the connection', () => {
    const line = new Line()
    assert.equal(line.link.roundTrip, null)
    line.up(80)
    assert.equal(line.link.roundTrip, 80)
    line.pass(15_000)
    assert.equal(line.last.sent.at(-1)!.a, 'pp')
    line.pass(160).hear({ a: 'pp' })
    assert.ok(line.link.roundTrip! > 80 && line.link.roundTrip! < 160)
    line.cut()
    assert.equal(line.link.roundTrip, null)
  })

  it('[K16] measures nothing that was sent twice, has many bytes, or asks for a catch-up', () => {
    const scene = new Scene().took(400)
    const { replies, time } = scene
    replies.expect('op', 'twice', 0)
    replies.expect('op', 'twice', 0)
    replies.expect('op', 'large', 100_000)
    replies.expect('h.catchup', 'catchup', 0)
    time.pass(900)
    for (const key of ['twice', 'large', 'catchup']) replies.settle(key)
    assert.equal(replies.roundTrip, 400)
    replies.expect('op', 'small', 1000)
    time.pass(900)
    replies.settle('small')
    assert.ok(replies.roundTrip! > 400)
  })

  it('[K16] nor what was answered after its deadline: the device slept over it', () => {
    const { replies, time } = new Scene().took(400)
    replies.expect('op', 'x', 0)
    time.slept = 60_000
    replies.settle('x')
    assert.equal(replies.roundTrip, 400)
  })

  it('[K17] gives the bytes under way their time, all that a reply has to wait behind', () => {
    const scene = new Scene({ bytesPerSecond: 1000 }).took(400)
    scene.replies.expect('op', 'first', 3000)
    assert.equal(scene.deadline('op', 2000), 3000 + 1200)
    const alone = new Scene({ bytesPerSecond: 1000 }).took(400)
    assert.equal(alone.deadline('op', 2000), 2000 + 1200)
  })

  it('[K18] is twice as patient after each miss, up to a limit, until such a request is answered in time', () => {
    const scene = new Scene()
    assert.deepEqual(
      Array.from({ length: 6 }, () => scene.deadline('h.catchup') / 10_000),
      [1, 2, 4, 8, 8, 8],
    )
    assert.equal(scene.deadline('s'), 10_000)
    scene.replies.expect('h.catchup', 'x', 0)
    scene.replies.settle('x')
    assert.equal(scene.deadline('h.catchup'), 10_000)
  })
})
