/** The rules of the contract about who owns a log, what happens to it behind its back, and what a write costs. */

import type { Summary, Write } from '../../client/log/log.ts'
import type { DocKey } from '../../ops/identity.ts'
import { equal, fails, load, type Rule, says, within } from './check.ts'

const hello: DocKey = { collection: 'notes', id: 'hello' }
const other: DocKey = { collection: 'notes', id: 'other' }

const append = (key: DocKey, n: number): Write => ({ key, events: [{ n, event: { typed: `e${n}` } }] })
const numbers = (stored: { events: readonly { n: number }[] }) => stored.events.map(({ n }) => n)
const summary = (of: Partial<Summary> = {}): Summary => ({
  type: 'text',
  unsent: 0,
  held: 0,
  at: 1,
  pinned: false,
  bytes: 10,
  ...of,
})
const doc = (id: string, of: Partial<Summary>): Write => ({
  key: { collection: 'notes', id },
  summary: summary(of),
})

/** As the engine writes a typed character far into a document. */
const keystroke = { t: 'edit', change: { op: [12_345, 'a'] } }

export const ownership: readonly Rule[] = [
  {
    title: '[G17] takes over from the log before it, which can write no more but may load',
    async run(home) {
      const former = await home.open()
      await former.write([append(hello, 1)])
      const owner = await home.open()
      await fails(former.write([append(hello, 2)]), 'LOG_TAKEN')
      await owner.write([append(hello, 2)])
      await fails(former.write([append(hello, 3)]), 'LOG_TAKEN')
      await fails(former.write([{ key: hello, forget: true }]), 'LOG_TAKEN')
      equal(numbers(await former.load(hello)), [1, 2])
      await owner.write([append(hello, 3)])
      await former.close()
      equal(numbers(await owner.load(hello)), [1, 2, 3])
      await owner.close()
    },
  },
  {
    title: '[G18] has an id made with the storage, and an epoch that every opening raises',
    async run(home) {
      const first = await within(home.open(), async log => log.identity)
      const second = await within(home.open(), async log => log.identity)
      says(first.device, /^[0-9a-f]{32}$/)
      equal(first, { device: first.device, epoch: 1, fresh: true })
      equal(second, { device: first.device, epoch: 2, fresh: false })
    },
  },
  {
    title: '[G19] tells once that its storage vanished, and refuses every later call with the same words',
    async run(home) {
      const log = await home.open()
      const told: { code: string; message: string }[] = []
      log.onLost(reason => told.push(reason))
      await log.write([append(hello, 1)])
      await home.evict()
      equal(told.length, 1)
      const [{ code, message }] = told as [(typeof told)[0]]
      equal(code, 'LOG_FAILED')
      equal(await fails(log.write([append(hello, 2)])), message)
      equal(await fails(log.load(hello)), message)
      for (const list of [log.list(), log.unsent(), log.clean(1)]) equal(await fails(list), message)
      log.onLost(reason => told.push(reason))
      equal(told.length, 2)
      await log.close()
      await within(home.open(), async next => {
        equal([next.identity.fresh, next.identity.epoch], [true, 1])
        equal(next.identity.device === log.identity.device, false)
        equal(await load(next, hello), { checkpoint: null, events: [] })
      })
    },
  },
  {
    title: '[G20] says LOG_FAILED on load when a bit of a record was flipped, and which record',
    async run(home) {
      await within(home.open(), async log => {
        for (const n of [1, 2, 3]) await log.write([append(hello, n)])
        await log.write([{ key: other, checkpoint: { n: 4, state: 'four' } }, append(other, 5)])
      })
      await home.corrupt(hello, 2)
      await home.corrupt(other, 4)
      await within(home.open(), async log => {
        says(await fails(log.load(hello)), /event 2 of \["notes","hello"\] is damaged/)
        says(await fails(log.load(other)), /checkpoint at event 4 of \["notes","other"\] is damaged/)
      })
    },
  },
  {
    title: '[G20] says LOG_FAILED on load when a record stands in the place of another',
    async run(home) {
      const third: DocKey = { collection: 'notes', id: 'third' }
      await within(home.open(), async log => {
        for (const key of [hello, other, third]) await log.write([append(key, 1), append(key, 2)])
      })
      await home.swap(hello, 1, hello, 2)
      await home.swap(other, 2, third, 2)
      await within(home.open(), async log => {
        says(await fails(log.load(hello)), /event 1 of \["notes","hello"\] is damaged/)
        says(await fails(log.load(other)), /event 2 of \["notes","other"\] is damaged/)
      })
    },
  },
  {
    title: '[G39] keeps the bulk of a checkpoint apart: a later one may stand on it, and then writes none',
    async run(home) {
      const value = 'Zoë 😀 '.repeat(10_000)
      const [first, second] = [
        { n: 3, state: 'three', bulk: { n: 3, value } },
        { n: 5, state: { five: 5 }, bulk: { n: 3 } },
      ]
      const whole = { ...second, bulk: { n: 3, value } }
      await within(home.open(), async log => {
        await log.write([{ key: hello, checkpoint: first }])
        equal(await load(log, hello), { checkpoint: first, events: [] })
        const before = await home.raw()
        await log.write([append(hello, 4), { key: hello, checkpoint: second, summary: summary() }])
        equal(await load(log, hello), { checkpoint: whole, events: [] })
        const written = (await home.raw()).filter(line => !before.includes(line))
        equal(written.filter(line => line.length > 1_000).length, 0)
        await log.write([append(hello, 6)])
      })
      await within(home.open(), async log => {
        equal(await load(log, hello), { checkpoint: whole, events: append(hello, 6).events })
        await log.write([
          { key: hello, checkpoint: { n: 6, state: { json: [1] }, bulk: { n: 6, value: [1] } } },
        ])
        equal((await log.load(hello)).checkpoint, { n: 6, state: { json: [1] }, bulk: { n: 6, value: [1] } })
        await log.write([{ key: hello, checkpoint: { n: 7, state: 'none' } }])
        equal(await load(log, hello), { checkpoint: { n: 7, state: 'none' }, events: [] })
        equal((await home.raw()).filter(line => line.startsWith('bulks')).length, 0)
      })
    },
  },
  {
    title:
      '[G39] says LOG_FAILED when the bulk is missing, another one or damaged; a forgotten document has none',
    async run(home) {
      const bulk = (key: DocKey, n: number): Write => ({
        key,
        checkpoint: { n, state: n, bulk: { n, value: `the bulk ${n}` } },
      })
      const gone: DocKey = { collection: 'notes', id: 'gone' }
      const third: DocKey = { collection: 'notes', id: 'third' }
      await within(home.open(), async log => {
        await log.write([bulk(hello, 1), bulk(other, 1), bulk(third, 1), bulk(gone, 1)])
        await log.write([{ key: third, checkpoint: { n: 2, state: 2, bulk: { n: 2, value: 'new' } } }])
        await log.write([{ key: third, checkpoint: { n: 3, state: 3, bulk: { n: 1 } } }])
        await log.write([{ key: gone, forget: true }])
      })
      await home.harmBulk(hello, 'lose')
      await home.harmBulk(other, 'flip')
      await within(home.open(), async log => {
        says(await fails(log.load(hello)), /bulk of event 1 of \["notes","hello"\] is missing/)
        says(await fails(log.load(other)), /bulk of event 1 of \["notes","other"\] is damaged/)
        says(await fails(log.load(third)), /bulk of event 1 of \["notes","third"\] is missing/)
        equal(await load(log, gone), { checkpoint: null, events: [] })
        equal((await home.raw()).filter(line => line.includes('gone')).length, 0)
      })
    },
  },
  {
    title: '[G21] writes one small record for a keystroke, however large the document is',
    async run(home) {
      await within(home.open(), async log => {
        const state = { text: 'x'.repeat(100_000) }
        await log.write([{ key: hello, checkpoint: { n: 9, state }, summary: summary() }])
        await log.write([{ key: hello, events: [{ n: 10, event: keystroke }] }])
        const before = await home.raw()
        await log.write([{ key: hello, events: [{ n: 11, event: keystroke }] }])
        const after = await home.raw()
        const added = after.filter(line => !before.includes(line))
        equal(added.length, 1)
        equal(after.length, before.length + 1)
        equal(added[0]!.length < 100 ? '' : added[0], '')
      })
    },
  },
  {
    title: '[G22] keeps a large checkpoint and the order of what is written around it',
    async run(home) {
      const state = { text: 'Zoë 😀 '.repeat(300_000), random: Array.from({ length: 9_999 }, Math.random) }
      await within(home.open(), async log => {
        const writes = [
          log.write([append(hello, 1)]),
          log.write([{ key: hello, checkpoint: { n: 1, state } }]),
          log.write([append(hello, 2)]),
        ]
        equal(numbers(await log.load(hello)), [2])
        await Promise.all(writes)
      })
      await within(home.open(), async log => {
        const { checkpoint, events, bytes } = await log.load(hello)
        equal(checkpoint, { n: 1, state })
        equal(events, [{ n: 2, event: { typed: 'e2' } }])
        const sizes = [state, { typed: 'e2' }].map(
          value => new TextEncoder().encode(JSON.stringify(value)).length,
        )
        equal([bytes.checkpoint, bytes.events], sizes)
      })
    },
  },
  {
    title: '[G23] tells the documents with unsent edits, the pinned ones first, then the last used',
    async run(home) {
      await within(home.open(), async log => {
        await log.write([append(hello, 1)])
        await log.write([doc('old', { unsent: 1, at: 1 }), doc('sent', { at: 9 })])
        await log.write([doc('new', { unsent: 7, at: 3, held: 1 }), doc('held', { held: 1, at: 4 })])
        await log.write([
          doc('pinned', { unsent: 1, at: 0, pinned: true }),
          doc('later', { unsent: 1, at: 5 }),
        ])
        await log.write([doc('later', { at: 6 })])
      })
      await within(home.open(), async log => {
        equal(
          (await log.unsent()).map(({ id }) => id),
          ['pinned', 'new', 'old'],
        )
      })
    },
  },
  {
    title:
      '[G24] tells the documents that may be forgotten, the least recently used first, and no more than asked',
    async run(home) {
      await within(home.open(), async log => {
        await log.write([doc('b', { at: 2 }), doc('c', { at: 3 }), doc('a', { at: 1 }), doc('d', { at: 4 })])
        await log.write([doc('unsent', { unsent: 1, at: 0 }), doc('held', { held: 1, at: 0 })])
        await log.write([doc('pinned', { pinned: true, at: 0 })])
        await log.write([{ ...doc('a', {}), forget: true }])
        equal(await log.clean(2), [
          { ...summary({ at: 2 }), key: { collection: 'notes', id: 'b' } },
          { ...summary({ at: 3 }), key: { collection: 'notes', id: 'c' } },
        ])
        equal((await log.clean(99)).length, 3)
        equal(await log.clean(0), [])
        await log.write([append({ collection: 'notes', id: 'b' }, 1)])
        await log.write([{ key: { collection: 'notes', id: 'b' }, checkpoint: { n: 1, state: 'one' } }])
        equal((await log.clean(1))[0]?.key.id, 'b')
      })
    },
  },
]
