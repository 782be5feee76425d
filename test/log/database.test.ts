/** The database of the log in a real Chromium: its versions, its owners, and how it can vanish. */

import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { restore, save, saveApart } from '../../client/engine/checkpoint.ts'
import type { ReplicaEvent } from '../../client/engine/replica.ts'
import type { SavedReplica } from '../../client/engine/saved.ts'
import { unsent } from '../../client/engine/state.ts'
import { pack, unpack } from '../../client/engine/stored.ts'
import type { Stored } from '../../client/log/log.ts'
import { encode } from '../../client/log/packing.ts'
import { checkpointPlace, eventPlace } from '../../client/log/record.ts'
import type { DocKey } from '../../ops/identity.ts'
import type { Chromium } from '../browser/harness/chromium.ts'
import type { Pages } from '../browser/harness/pages.ts'
import { Scene } from '../engine/scene.ts'
import { useLogPages } from './onpage.ts'
import type { LogPage, Settled, Version1, Version2 } from './page.ts'

declare const logPage: LogPage

const key: DocKey = { collection: 'notes', id: 'hello' }
const OK = { value: null }

describe('database of the log in Chromium', function () {
  this.timeout(60_000)
  let pages: Pages
  let chromium: Chromium
  let page: Page

  useLogPages(on => {
    pages = on.pages
    chromium = on.chromium
  })
  beforeEach(async () => {
    page = await chromium.page(pages.origin)
  })
  afterEach(() => page?.close())

  const open = (name: string, on = page) => on.evaluate(name => logPage.open(name, 'database'), name)
  const write = (n: number, on = page) =>
    on.evaluate(writes => logPage.write(writes), [{ key, events: [{ n, event: `e${n}` }] }])
  const load = async (at: DocKey, on = page): Promise<Stored> =>
    valueIn(await on.evaluate(key => logPage.load(key), at))
  const makeVersion1 = (name: string, docs: readonly Version1[], keep?: 'kind' | 'frozen', on = page) =>
    on.evaluate(([name, docs, keep]) => logPage.makeVersion1(name, docs, keep), [name, docs, keep] as const)

  describe('of version 1', () => {
    /** Two edits held, one under way, one open, and the last three events not in the checkpoint. */
    function worked(): readonly ReplicaEvent[] {
      const scene = new Scene().online('base')
      scene.edit(['bad ']).refuse('ERR_OP_SUBMIT_REJECTED', 1)
      scene.edit(['worse ']).refuse('ERR_OP_SUBMIT_REJECTED', 2)
      return scene
        .edit(['good '])
        .edit(['more 😀 '])
        .remote(1, { op: [4, '!'] })
        .edit(['and more ']).log
    }

    const log = worked()
    const whole = restore(null, log)
    const covered = log.length - 3
    const numbered = log.map((event, i) => ({ n: i + 1, event }))
    const at = { type: 'text', held: 0, at: 1 }
    const docs: readonly Version1[] = [
      {
        key,
        head: { last: log.length, covered },
        summary: { ...at, unsent: unsent(whole), held: 2, at: 5 },
        checkpoint: { n: covered, state: save(restore(null, log.slice(0, covered))) },
        events: numbered.slice(covered),
      },
      {
        key: { collection: 'notes', id: 'later' },
        head: { last: log.length, covered: 0 },
        summary: { ...at, unsent: 1, at: 9 },
        events: numbered,
      },
      {
        key: { collection: 'notes', id: 'clean' },
        head: { last: 7, covered: 7 },
        summary: { ...at, unsent: 0 },
        checkpoint: { n: 7, state: { text: 'x'.repeat(100_000) } },
        events: [],
      },
      {
        key: { collection: 'notes', id: 'cut' },
        head: { last: log.length, covered: 0 },
        summary: null,
        events: numbered.slice(0, -1),
      },
    ]

    it('[G25] is carried over with its checkpoints, pending and held edits, and the events after them', async () => {
      assert.deepEqual(await makeVersion1('carried', docs), OK)
      assert.deepEqual(await open('carried'), OK)
      for (const doc of docs.slice(0, 3)) {
        const { checkpoint, events } = await load(doc.key)
        assert.deepEqual([checkpoint, events], [doc.checkpoint ?? null, doc.events])
      }
      for (const { key } of docs.slice(0, 2)) {
        const { checkpoint, events } = await load(key)
        const folded = events.map(({ event }) => event as ReplicaEvent)
        const replica = restore(checkpoint && (checkpoint.state as SavedReplica), folded)
        assert.deepEqual([replica.view, replica.held], [whole.view, whole.held])
        assert.deepEqual(
          replica.pending.map(({ name }) => name),
          whole.pending.map(({ name }) => name),
        )
      }
      assert.deepEqual([whole.held.length, whole.pending.length], [2, 2])
    })

    it('[G25] has its lists and an identity afterwards, and goes on', async () => {
      await makeVersion1('listed', docs)
      await open('listed')
      const ids = valueIn(await page.evaluate(() => logPage.unsent())).map(({ id }) => id)
      assert.deepEqual(ids, ['later', 'hello'])
      const list = valueIn(await page.evaluate(() => logPage.list()))
      assert.deepEqual(
        list.map(({ key, held, pinned, bytes }) => [key.id, held, pinned, bytes]),
        [
          ['clean', 0, false, 0],
          ['hello', 2, false, 0],
          ['later', 0, false, 0],
        ],
      )
      const { device, epoch, fresh } = await page.evaluate(() => logPage.identity())
      assert.deepEqual([device.length, epoch, fresh], [32, 1, false])
      assert.deepEqual(await write(log.length + 1), OK)
      await page.reload()
      await open('listed')
      assert.equal((await load(key)).events.length, 4)
      assert.deepEqual(await page.evaluate(() => logPage.identity()), { device, epoch: 2, fresh: false })
    })

    it('[G25] is still known to lack what it lacked', async () => {
      await makeVersion1('lacking', docs)
      await open('lacking')
      const { code, message } = faultIn(await page.evaluate(key => logPage.load(key), docs[3]!.key))
      assert.equal(code, 'LOG_FAILED')
      assert.match(message, new RegExp(`events ${log.length} to ${log.length} are missing`))
    })

    it('[G27] does not keep a page from opening whose other tab lets go of it', async () => {
      const old = await chromium.page(pages.origin)
      await makeVersion1('let-go', docs, 'kind', old)
      assert.deepEqual(await open('let-go'), OK)
      await old.close()
    })

    it('[G27] makes opening fail with words when another tab holds it, and opens once that is gone', async () => {
      const old = await chromium.page(pages.origin)
      await makeVersion1('held', docs, 'frozen', old)
      const refused = faultIn(await page.evaluate(() => logPage.open('held', 'database', { blockedMs: 50 })))
      assert.equal(refused.code, 'LOG_FAILED')
      assert.match(refused.message, /another tab .* older version/)
      await old.close()
      assert.deepEqual(await open('held'), OK)
      assert.equal((await load(key)).events.length, 3)
    })
  })

  it('[G25] of version 2 is carried over with checkpoints that hold the whole state, compressed or not', async () => {
    const log = new Scene()
      .online('x'.repeat(20_000))
      .edit(['sent '])
      .ack(1, 1)
      .edit(['kept '])
      .edit(['too ']).log
    const covered = log.length - 1
    const whole = restore(null, log)
    const last = { n: log.length, event: pack(log.at(-1)!) }
    const docs: Version2[] = [true, undefined].map((compressed, i) => {
      const at = { collection: 'notes', id: compressed ? 'packed' : 'text' }
      const summary = { type: 'text', unsent: 2, held: 0, at: i, pinned: false, bytes: 20_000 }
      const state = save(restore(null, log.slice(0, covered)))
      const record = encode(checkpointPlace(at, covered), state)
      return {
        key: at,
        record: { head: { last: covered, covered }, summary, due: [1, -i] },
        checkpoint: { n: covered, record, ...(compressed && { compressed }) },
        events: [{ n: last.n, record: encode(eventPlace(at, last.n), last.event) }],
      }
    })
    assert.deepEqual(await page.evaluate(docs => logPage.makeVersion2('second', docs), docs), OK)
    assert.deepEqual(await open('second'), OK)
    const { device, epoch, fresh } = await page.evaluate(() => logPage.identity())
    assert.deepEqual([device, epoch, fresh], ['ab'.repeat(16), 8, false])
    assert.deepEqual(
      valueIn(await page.evaluate(() => logPage.unsent())).map(({ id }) => id),
      ['text', 'packed'],
    )
    for (const { key: at } of docs) {
      const { checkpoint, events } = await load(at)
      const state = checkpoint!.state as SavedReplica
      const replica = restore(state, unpack(events.map(({ event }) => event)))
      assert.deepEqual([replica.view, replica.base, replica.since], [whole.view, whole.base, null])
      const { state: apart, bulk } = saveApart(replica)
      const next = { n: last.n, state: apart, bulk: { n: last.n, ...bulk! } }
      assert.deepEqual(
        await page.evaluate(writes => logPage.write(writes), [{ key: at, checkpoint: next }]),
        OK,
      )
      const after = await load(at)
      assert.deepEqual([after.checkpoint, after.events], [JSON.parse(JSON.stringify(next)), []])
    }
  })

  it('[G25] of version 3 is carried over with the edits of several documents, one without a summary among them', async () => {
    const event = (n: number, handle: string) => [[n, 'a'], 0, handle, n]
    const docs: Version2[] = ['b', 'a', 'none'].map((id, i) => {
      const at = { collection: 'notes', id }
      const summary = { type: 'text', unsent: 1, held: 0, at: i, pinned: false, bytes: 0 }
      const events = [1, 2, 3].map(n => ({ n, record: encode(eventPlace(at, n), event(n, id)) }))
      const record = { head: { last: 1, covered: 0 }, summary, due: [1, -i] }
      return { key: at, ...(id !== 'none' && { record }), events }
    })
    assert.deepEqual(await page.evaluate(docs => logPage.makeVersion2('third', docs, 3), docs), OK)
    assert.deepEqual(await open('third'), OK)
    for (const { key: at } of docs) {
      const { events } = await load(at)
      assert.deepEqual(
        unpack(events.map(({ event }) => event)),
        [1, 2, 3].map(n => ({ t: 'edit', change: { op: [n, 'a'] }, from: [at.id, n] })),
      )
    }
    assert.deepEqual(await page.evaluate(() => logPage.ends('third')), { count: 3, without: [] })
    const fresh = { collection: 'notes', id: 'fresh' }
    const writes = [...docs.map(({ key: at }) => ({ key: at, n: 4 })), { key: fresh, n: 1 }].map(
      ({ key: at, n }) => ({ key: at, events: [{ n, event: `${at.id}${n}` }] }),
    )
    assert.deepEqual(await page.evaluate(writes => logPage.write(writes), writes), OK)
    for (const { key: at } of docs) assert.equal((await load(at)).events.at(-1)?.event, `${at.id}4`)
    assert.deepEqual((await load(fresh)).events, [{ n: 1, event: 'fresh1' }])
    assert.deepEqual(
      valueIn(await page.evaluate(() => logPage.unsent())).map(({ id }) => id),
      ['a', 'b'],
    )
  })

  it('[G25] [G120] of version 4 gets an end behind the events of each document, and goes on', async () => {
    const docs: Version2[] = ['a', 'b'].map(id => {
      const at = { collection: 'notes', id }
      const events = [1, 2].map(n => ({ n, record: encode(eventPlace(at, n), `${id}${n}`) }))
      return { key: at, record: { head: { last: 1, covered: 0 }, summary: null }, events }
    })
    assert.deepEqual(await page.evaluate(docs => logPage.makeVersion2('fourth', docs, 4), docs), OK)
    assert.deepEqual(await open('fourth'), OK)
    const ends = () => page.evaluate(() => logPage.ends('fourth'))
    assert.deepEqual(await ends(), { count: 2, without: [] })
    const [a, b] = docs.map(({ key }) => key) as [DocKey, DocKey]
    const covering = { n: 3, state: 'three' }
    const writes = [
      { key: a, checkpoint: covering },
      { key: b, checkpoint: covering },
      { key, events: [{ n: 1, event: 'e1' }] },
    ]
    assert.deepEqual(await page.evaluate(writes => logPage.write(writes), writes), OK)
    for (const at of [a, b]) assert.deepEqual((await load(at)).events, [])
    assert.deepEqual(await ends(), { count: 3, without: [] })
    const forget = [{ key: a, forget: true as const }]
    assert.deepEqual(await page.evaluate(writes => logPage.write(writes), forget), OK)
    assert.deepEqual(await ends(), { count: 2, without: [] })
    assert.deepEqual((await load(key)).events, [{ n: 1, event: 'e1' }])
  })

  it('[G40] is read by a page beside its owner, without the checksums that the owner looks at', async () => {
    const read = () => page.evaluate(key => logPage.read('beside', key), key)
    assert.deepEqual(await read(), { value: null })
    await open('beside')
    const checkpoint = { n: 1, state: { small: 1 }, bulk: { n: 1, value: 'the document' } }
    await page.evaluate(writes => logPage.write(writes), [{ key, checkpoint }])
    await write(2)
    const [{ checkpoint: found, events }, own] = [valueIn(await read())!, await load(key)]
    assert.deepEqual([found, events], [checkpoint, [{ n: 2, event: 'e2' }]])
    assert.deepEqual([found, events], [own.checkpoint, own.events])
    await page.evaluate(key => logPage.harmBulk('beside', key), key)
    assert.notEqual(valueIn(await read())!.checkpoint!.bulk!.value, 'the document')
    assert.match(faultIn(await page.evaluate(key => logPage.load(key), key)).message, /bulk .* is damaged/)
    assert.deepEqual(valueIn(await read())!.checkpoint!.state, { small: 1 })
  })

  it('[G26] says of a database of a newer version that it is one', async () => {
    await page.evaluate(() => logPage.upgrade('newer'))
    const { code, message } = faultIn(await open('newer'))
    assert.equal(code, 'LOG_FAILED')
    assert.match(message, /newer version/)
  })

  it('[G19] tells that a newer version took the database', async () => {
    await open('replaced')
    const newer = await chromium.page(pages.origin)
    await newer.evaluate(() => logPage.upgrade('replaced'))
    const lost = await page.evaluate(() => logPage.lost())
    assert.equal(lost.code, 'LOG_FAILED')
    assert.match(lost.message, /newer version/)
    assert.deepEqual(await write(1), lost)
    await newer.close()
  })

  it("[G19] tells that the origin's data were cleared, and makes the database anew under another id", async () => {
    await open('cleared')
    await write(1)
    const before = await page.evaluate(() => logPage.identity())
    const devtools = await chromium.devtools(page)
    await devtools.send('Storage.clearDataForOrigin', { origin: pages.origin, storageTypes: 'indexeddb' })
    const lost = await page.evaluate(() => logPage.lost())
    assert.match(lost.message, /browser closed the log/)
    assert.deepEqual(await write(2), lost)
    assert.deepEqual(await open('cleared'), OK)
    const { device, epoch, fresh } = await page.evaluate(() => logPage.identity())
    assert.deepEqual([epoch, fresh, device === before.device], [1, true, false])
    assert.deepEqual((await load(key)).events, [])
  })

  it('[G17] refuses every write of a page whose log another page took over', async () => {
    await open('fenced')
    await write(1)
    const owner = await chromium.page(pages.origin)
    await open('fenced', owner)
    const refused = faultIn(await write(2))
    assert.equal(refused.code, 'LOG_TAKEN')
    assert.deepEqual(await write(2, owner), OK)
    assert.equal(faultIn(await write(3)).code, 'LOG_TAKEN')
    assert.equal((await load(key)).events.length, 2)
    await owner.close()
  })

  it('[G17] loses nothing of two pages that write while the one takes over from the other', async () => {
    await open('racing')
    await page.evaluate(key => logPage.writeOnAndOn(key, 1), key)
    await page.waitForFunction(() => logPage.saved >= 20)
    const owner = await chromium.page(pages.origin)
    await open('racing', owner)
    const { events } = await load(key, owner)
    const next = events.length + 1
    assert.deepEqual(await write(next, owner), OK)
    await page.waitForFunction(count => logPage.saved === count, events.length)
    assert.equal((await load(key, owner)).events.length, next)
    await owner.close()
  })

  it('[G22] stores a large checkpoint compressed where the platform can, and reads either', async () => {
    await open('packed')
    const state = { text: 'all work and no play '.repeat(110_000) }
    const other: DocKey = { collection: 'notes', id: 'other' }
    const save = (key: DocKey) =>
      page.evaluate(writes => logPage.write(writes), [{ key, checkpoint: { n: 1, state } }])
    assert.deepEqual(await save(key), OK)
    await page.evaluate(() => Reflect.deleteProperty(globalThis, 'CompressionStream'))
    assert.deepEqual(await save(other), OK)
    const [packed, text] = await page.evaluate(() => logPage.checkpoints('packed'))
    assert.ok(packed! > 0 && packed! < 50_000, `${packed} bytes`)
    assert.equal(text, null)
    for (const at of [key, other]) assert.deepEqual((await load(at)).checkpoint, { n: 1, state })
  })
})

function valueIn<T>(settled: Settled<T>): T {
  assert.ok('value' in settled, JSON.stringify(settled))
  return settled.value
}

function faultIn(settled: Settled<unknown>): { readonly code: string; readonly message: string } {
  assert.ok('code' in settled, 'it went well')
  return settled
}
