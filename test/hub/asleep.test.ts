/** A hub that can save nothing, and that was frozen: nobody but the lock could tell it that another one has its place. */

import assert from 'node:assert/strict'
import { Hub } from '../../client/hub/hub.ts'
import type { FromHub, FromTab } from '../../client/hub/messages.ts'
import { pipe } from '../../client/hub/port.ts'
import type { LinkEvents, Phase } from '../../client/link/link.ts'
import { memoryLog } from '../../client/log/memory.ts'
import { volatileLog } from '../../client/log/volatile.ts'
import { type Attachment, Tab } from '../../client/tab/tab.ts'
import type { ClientFrame, Submit } from '../../ops/protocol.ts'
import { typeOf } from '../../types/index.ts'
import { Random } from '../random.ts'
import { VirtualClock } from '../sim/clock.ts'
import { nowhere } from './house.ts'

const KEY = { collection: 'c', id: 'd' }
const LONG_MS = 10_000

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** A server that has an empty text at version 1 and takes what comes. */
class Line {
  readonly ops: Submit[] = []
  dials = 0

  dial = (events: LinkEvents) => {
    this.dials++
    const link = { ...nowhere, phase: { name: 'up' } as Phase }
    const enter = (phase: Phase) => {
      link.phase = phase
      events.phase(phase)
    }
    setImmediate(() => {
      enter({ name: 'greeting', tries: 0 })
      enter({ name: 'up' })
    })
    link.send = frame => {
      setImmediate(() => this.#take(frame, events))
      return link.phase.name !== 'closed'
    }
    link.close = () => link.phase.name !== 'closed' && enter({ name: 'closed', code: null })
    return link
  }

  #take(frame: ClientFrame, events: LinkEvents): void {
    if (frame.a === 'op') {
      const { c, d, src, seq } = frame
      events.frame({ a: 'op', c, d, v: this.ops.push(frame), src, seq })
    } else if (frame.a === 'h.catchup') {
      const { c, d, v: from } = frame
      const about = { a: 'h.catchup', c, d, from, v: this.ops.length + 1 } as const
      const snapshot = { type: typeOf('text').uri, data: '' }
      events.frame(from === null ? { ...about, snapshot, own: [] } : { ...about, segments: [] })
    }
  }
}

describe('a hub that was frozen', () => {
  let time: VirtualClock
  let line: Line
  let hub: Hub
  let doc: Attachment

  async function open(log = volatileLog('no space')): Promise<void> {
    time = new VirtualClock()
    line = new Line()
    const clock = time.of(new Random(1), () => true)
    const fenced = () => {}
    hub = new Hub({ log, src: 'me', clock, link: line.dial, frameBytes: 1_000_000, attachMs: 0, fenced })
    const [near, far] = pipe<FromHub, FromTab>()
    hub.serve(far)
    const tab = new Tab('tab')
    tab.meet(near)
    doc = await tab.attach(KEY, 'text', { change() {}, truth() {}, presence() {} })
    await write('a')
    assert.equal(line.ops.length, 1)
  }

  afterEach(() => hub.close())

  /** Until nothing more happens without time passing. */
  async function write(text: string): Promise<void> {
    doc.edit({ op: [text] }, false)
    for (let i = 0; i < 20; i++) await turn()
  }

  async function pass(ms: number): Promise<void> {
    const end = time.now + ms
    time.after(ms, () => {})
    while (time.now < end && time.step()) await turn()
    for (let i = 0; i < 20; i++) await turn()
  }

  it('[R18] and can save nothing sends nothing before it would have heard that it was replaced', async () => {
    await open()
    await pass(LONG_MS)
    await write('b')
    assert.equal(line.ops.length, 1)
    await pass(900)
    assert.deepEqual([line.ops.length, line.dials], [1, 1])
    await pass(200)
    assert.deepEqual([line.ops.length, line.dials], [2, 2])
    await write('c')
    assert.equal(line.ops.length, 3)
  })

  it('[R18] and was replaced meanwhile sends nothing at all', async () => {
    await open()
    await pass(LONG_MS)
    await write('b')
    hub.giveUp()
    await pass(LONG_MS)
    assert.deepEqual([line.ops.length, line.dials], [1, 1])
  })

  it('[R18] and can save sends at once: the log tells it', async () => {
    await open(memoryLog())
    await pass(LONG_MS)
    await write('b')
    assert.equal(line.ops.length, 2)
  })
})
