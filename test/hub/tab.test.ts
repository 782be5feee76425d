import assert from 'node:assert/strict'
import { Hub } from '../../client/hub/hub.ts'
import type { FromHub, FromTab } from '../../client/hub/messages.ts'
import { type Port, pipe } from '../../client/hub/port.ts'
import { corrupt } from '../../client/log/damage.ts'
import type { Log } from '../../client/log/log.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import type { Agreement, Platform } from '../../client/platform.ts'
import { joinDevice } from '../../client/tab/device.ts'
import { Tab } from '../../client/tab/tab.ts'
import type { Content } from '../../ops/change.ts'
import { type DocKey, keyText } from '../../ops/identity.ts'
import { Random } from '../random.ts'
import { VirtualClock } from '../sim/clock.ts'
import { nowhere } from './house.ts'

const KEY = { collection: 'c', id: 'd' }
const listener = { change() {}, truth() {}, presence() {} }

/** A hub without a server, and a log that may refuse to write. */
function hubOn(storage: ReturnType<typeof memoryStorage>, src: string, full = false): Hub {
  return hubWith(
    memoryLog({ storage, complete: (commit, fail) => (full ? fail('no space') : commit()) }),
    src,
  )
}

function hubWith(log: Log, src: string): Hub {
  const clock = new VirtualClock().of(new Random(1), () => true)
  return new Hub({ log, src, clock, link: () => nowhere, frameBytes: 1_000_000, attachMs: 0 })
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** Brings a tab to a hub; answers how to cut the two off. */
function bring(tab: Tab, hub: Hub): () => void {
  const [near, far] = pipe<FromHub, FromTab>()
  hub.serve(far as Port<FromTab, FromHub>)
  tab.meet(near)
  return () => far.close()
}

describe('a tab between two hubs', () => {
  it('[R3] what died with a hub that could save nothing is not called settled by the next one', async () => {
    const storage = memoryStorage()
    const tab = new Tab('tab')
    const cut = bring(tab, hubOn(storage, 'first', true))
    const doc = await tab.attach(KEY, 'text', listener)
    doc.edit({ op: ['lost'] }, false)
    const settled = assert.rejects(doc.settled(), { code: 'LOG_FAILED' })
    await assert.rejects(doc.saved(), { code: 'LOG_FAILED' })
    assert.equal(doc.truth.error?.code, 'LOG_FAILED')
    cut()
    bring(tab, hubOn(storage, 'second'))
    await settled
  })

  it('[R3] a hub that is met again says what its log has, not what it has taken', async () => {
    const storage = memoryStorage()
    const tab = new Tab('tab')
    const commits: (() => void)[] = []
    const log = memoryLog({ storage, complete: commit => commits.push(commit) })
    const first = hubWith(log, 'first')
    const cut = bring(tab, first)
    const doc = await tab.attach(KEY, 'text', listener)
    doc.edit({ op: ['kept'] }, false)
    await turn()
    cut()
    const last = bring(tab, first)
    await turn()
    log.crash()
    last()
    bring(tab, hubOn(storage, 'second'))
    await doc.saved()
    assert.equal(doc.view.data, 'kept')
  })

  it('[R160] a handle that comes to a hub again over the same line is told what happens once', async () => {
    const hub = hubOn(memoryStorage(), 'hub')
    const heard: FromHub[] = []
    let say = (_message: FromTab) => {}
    hub.serve({
      post: message => heard.push(message),
      listen(listener) {
        say = listener
      },
      close() {},
    })
    say({ t: 'hello', tab: 'tab' })
    for (let times = 0; times < 3; times++) say({ t: 'attach', h: 'tab.1', key: KEY, type: 'text' })
    const other = new Tab('other')
    bring(other, hub)
    const doc = await other.attach(KEY, 'text', listener)
    doc.edit({ op: ['news'] }, false)
    await doc.saved()
    const told = heard.flatMap(message => (message.t === 'change' ? message.changes : []))
    assert.deepEqual(
      told.map(({ change }) => change),
      [{ create: { type: 'text', data: '' } }, { op: ['news'] }],
    )
  })

  it('[R3] a document that is opened while the hub closes is opened by the next one', async () => {
    const storage = memoryStorage()
    const tab = new Tab('tab')
    const first = hubOn(storage, 'first')
    bring(tab, first)
    const opening = tab.attach(KEY, 'text', listener)
    await first.close()
    bring(tab, hubOn(storage, 'second'))
    const doc = await opening
    doc.edit({ op: ['here'] }, false)
    await doc.saved()
  })
})

describe('a document that cannot be read on this device', () => {
  it('[G160] is left there as it is, whatever is written in it; the others are saved on', async () => {
    const storage = memoryStorage()
    const [damaged, sound] = ['damaged', 'sound'].map(id => ({ collection: 'c', id }))
    const type = async (src: string, key: DocKey, op: unknown[]) => {
      const tab = new Tab(src)
      const hub = hubOn(storage, src)
      bring(tab, hub)
      const docs = await Promise.all([damaged!, key].map(each => tab.attach(each, 'text', listener)))
      docs[0]!.edit({ op }, false)
      docs[1]!.edit({ op }, false)
      await Promise.allSettled(docs.map(doc => doc.saved()))
      await hub.flush()
      return docs
    }
    await type('first', damaged!, ['lost'])
    corrupt(storage, damaged!, 2)
    const before = structuredClone(storage.docs.get(keyText(damaged!)))
    const [blind] = await type('second', sound!, ['kept'])
    assert.equal(blind!.truth.error?.code, 'LOG_FAILED')
    assert.deepEqual(storage.docs.get(keyText(damaged!)), before)
    const third = memoryLog({ storage })
    assert.ok((await third.load(sound!)).events.length >= 2)
    await assert.rejects(third.load(damaged!), { code: 'LOG_FAILED' })
  })
})

describe('a tab that can read the log by itself', () => {
  it('[R19] looks before it seeks a hub, and does not wait for ever', async () => {
    for (const finds of [true, false]) {
      const time = new VirtualClock()
      const clock = time.of(new Random(1), () => true)
      let found = (_view: Content | null) => {}
      let rested = 0
      const look = () =>
        new Promise<Content | null>(resolve => {
          found = resolve
        })
      const tab = new Tab('tab', {}, () => null, { look, rest: () => rested++ })
      const sought: number[] = []
      const agreement: Agreement = {
        async lock() {
          sought.push(time.now)
        },
        channel: () => ({ post() {}, listen() {}, close() {} }),
      }
      const platform: Platform = {
        clock,
        randomBytes: bytes => bytes,
        note: () => null,
        storage: null,
        agreement,
      }
      const setup = { device: 'd', url: 'ws://x', frameBytes: 1, attachMs: 1, tokens: false, schema: 0 }
      const joined = joinDevice(platform, setup, tab, null)
      const opening = tab.attach(KEY, 'text', listener)
      assert.ok(time.step())
      await turn()
      assert.deepEqual(sought, [])
      if (finds) {
        found({ type: 'text', data: 'in the log' })
        const doc = await opening
        doc.edit({ op: ['now '] }, false)
        assert.deepEqual([doc.view.data, doc.truth.saved], ['now in the log', false])
      } else opening.catch(() => {}) // nobody finds it, and the tab is closed
      await turn()
      while (sought.length === 0 && time.step()) await turn()
      assert.deepEqual([sought, rested], finds ? [[0], 1] : [[1_000], 0])
      await tab.close()
      await joined.close()
    }
  })
})
