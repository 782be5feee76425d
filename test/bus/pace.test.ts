/** When the readers of a channel are told. */

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { docChannel } from '../../server/bus/channels.ts'
import { Pace } from '../../server/bus/pace.ts'
import { VirtualClock } from '../sim/clock.ts'

const DOC = docChannel('notes', 'a')

describe('The pace of telling', () => {
  let told: unknown[][]
  let clock: VirtualClock
  let readers: number
  /** How long telling takes (ms). */
  let telling: number
  let now: number
  let pace: Pace

  beforeEach(() => {
    told = []
    clock = new VirtualClock()
    readers = 100
    telling = 1
    now = 0
    const time = { now: () => clock.now, after: clock.after.bind(clock) }
    pace = new Pace({
      clock: time,
      now: () => now,
      readers: () => readers,
      tell: (_channel, data) => {
        told.push([...data])
        now += telling
      },
    })
  })

  const come = async (...data: unknown[]) => {
    for (const each of data) pace.add(DOC, each)
    await turn()
  }

  it('[P90] many are told at the end of the turn, and then rest: what comes meanwhile is told together', async () => {
    await come(1, 2)
    await come(3)
    await come(4)
    assert.deepEqual(told, [[1, 2]])
    assert.deepEqual(pace.waiting(DOC), [3, 4])
    const before = clock.now
    clock.step()
    assert.ok(clock.now - before <= 25)
    assert.deepEqual(told, [
      [1, 2],
      [3, 4],
    ])
    await turn()
    clock.step()
    assert.equal(clock.step(), false, 'nothing is left to wait for')
    await come(5)
    assert.deepEqual(told.at(-1), [5])
  })

  it('[P90] the rest is as long as telling took for each edit that was told, 25 ms at most', async () => {
    const restAfter = async (count: number) => {
      await come(...Array.from({ length: count }, (_, i) => i))
      const before = clock.now
      clock.step()
      return clock.now - before
    }
    assert.deepEqual([await restAfter(1), await restAfter(4), await restAfter(40)], [1, 4, 25])
    telling = 10
    assert.deepEqual([await restAfter(2), await restAfter(3)], [20, 25])
  })

  it('[P90] few are told with every turn', async () => {
    readers = 10
    await come(1)
    await come(2)
    assert.deepEqual(told, [[1], [2]])
    assert.equal(clock.step(), false)
  })

  it('[P90] what waits is told before somebody new listens, and once', async () => {
    await come(1)
    await come(2)
    pace.hurry(DOC)
    pace.add(DOC, 3)
    assert.deepEqual(told, [[1], [2]])
    clock.step()
    assert.deepEqual(told, [[1], [2], [3]])
  })

  it('[P90] presence does not rest', async () => {
    pace.add('presence', 1)
    await turn()
    pace.add('presence', 2)
    await turn()
    assert.deepEqual(told, [[1], [2]])
  })
})
