import assert from 'node:assert/strict'
import { type Connection, goodNetwork, networkOf, paceOf } from '../../client/link/network.ts'
import { Line } from './line.ts'

/** A `navigator.connection` in the test's hand. */
class Hints extends EventTarget implements Connection {
  effectiveType = '4g'
  saveData = false
  rtt = 50
  downlink = 10
  heard = 0

  change(hints: Partial<Pick<Hints, 'effectiveType' | 'saveData' | 'rtt' | 'downlink'>>): void {
    Object.assign(this, hints)
    this.dispatchEvent(new Event('change'))
  }

  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.heard--
    super.removeEventListener(...args)
  }

  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.heard++
    super.addEventListener(...args)
  }
}

const slow = (hints: Connection, roundTrip: number | null = null, before = goodNetwork) =>
  networkOf(hints, roundTrip, before).slow

describe('link: the network', () => {
  it('[K24] is slow by its kind, its width or its round trip, of which the measured one is believed', () => {
    assert.deepEqual(networkOf({}, null, goodNetwork), { slow: false, metered: false })
    assert.ok(!slow({ effectiveType: '4g', rtt: 50, downlink: 10 }))
    assert.ok(!slow({ effectiveType: '3g', rtt: 400, downlink: 0.6 }))
    assert.ok(slow({ effectiveType: '2g' }))
    assert.ok(slow({ effectiveType: 'slow-2g' }))
    assert.ok(slow({ downlink: 0.05 }))
    assert.ok(slow({ rtt: 1500 }))
    assert.ok(!slow({ rtt: 1500 }, 100))
    assert.ok(slow({ rtt: 50 }, 1500))
    assert.ok(slow({}, 1500))
    assert.deepEqual(networkOf({ saveData: true }, null, goodNetwork), { slow: false, metered: true })
  })

  it('[K24] does not flip to and fro on a round trip between the bounds', () => {
    assert.ok(!slow({}, 800))
    assert.ok(slow({}, 800, { slow: true, metered: false }))
    assert.ok(!slow({}, 500, { slow: true, metered: false }))
  })

  it('[K25] gathers edits for about a round trip where it is slow, and prefetches where it is neither slow nor metered', () => {
    const [bad, dear] = [
      { slow: true, metered: false },
      { slow: false, metered: true },
    ]
    assert.deepEqual(paceOf(goodNetwork, 30), { gatherMs: 0, prefetch: true })
    assert.deepEqual(paceOf(dear, 30), { gatherMs: 0, prefetch: false })
    assert.deepEqual(paceOf(bad, 1200), { gatherMs: 1200, prefetch: false })
    assert.equal(paceOf(bad, 9000).gatherMs, 2000)
    assert.equal(paceOf(bad, 100).gatherMs, 500)
    assert.equal(paceOf(bad, null).gatherMs, 500)
  })

  it('[K25] the link tells changes by hint and by measure, once each, and sets its pace by them', () => {
    const hints = new Hints()
    const line = new Line({ connection: hints })
    assert.deepEqual(line.link.pace, { gatherMs: 0, prefetch: true })
    line.up(1600)
    hints.change({ rtt: 60 })
    assert.deepEqual(line.networks, [{ slow: true, metered: false }])
    assert.deepEqual(line.link.pace, { gatherMs: 1600, prefetch: false })
    hints.change({ saveData: true })
    assert.deepEqual(line.link.network, { slow: true, metered: true })
    assert.equal(line.networks.length, 2)
    line.link.close()
    assert.equal(hints.heard, 0)
  })

  it('[K26] asks a silent line less often where bytes cost money', () => {
    const line = new Line({ connection: { saveData: true } }).up()
    line.pass(59_000)
    assert.equal(line.last.sent.length, 1)
    line.pass(1_001)
    assert.equal(line.last.sent.at(-1)!.a, 'pp')
  })
})
