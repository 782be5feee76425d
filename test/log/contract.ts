/** What every log keeps: one list of rules, run in Node on the memory log and in real Chromium on IndexedDB. */

import type { LogEvent, Write } from '../../client/log/log.ts'
import type { DocKey } from '../../ops/identity.ts'
import { equal, fails, type Home, load, type Rule, says, within } from './check.ts'
import { ownership } from './ownership.ts'

const hello: DocKey = { collection: 'notes', id: 'hello' }
const other: DocKey = { collection: 'notes', id: 'other' }
const third: DocKey = { collection: 'notes', id: 'third' }

const events = (from: number, to: number): LogEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ n: from + i, event: { typed: `e${from + i}` } }))
const append = (key: DocKey, from: number, to = from): Write => ({ key, events: events(from, to) })
const stored = (home: Home, key: DocKey) => within(home.open(), log => load(log, key))

export const contract: readonly Rule[] = [
  {
    title: '[G1] returns every saved event, in order, to a new log on the same storage',
    async run(home) {
      await within(home.open(), async log => {
        equal(await load(log, hello), { checkpoint: null, events: [] })
        await log.write([append(hello, 1, 2)])
        await log.write([append(hello, 3)])
        for (let n = 4; n <= 12; n++) await log.write([append(hello, n)])
        equal(await load(log, hello), { checkpoint: null, events: events(1, 12) })
      })
      equal(await stored(home, hello), { checkpoint: null, events: events(1, 12) })
    },
  },
  {
    title: '[G1] keeps documents apart whose names run into one another',
    async run(home) {
      const keys = [
        ['a', 'b'],
        ['a', 'b,1'],
        ['a,b', ''],
        ['', 'a,b'],
        ['a', ''],
        ['A', 'b'],
      ].map(([collection, id]) => ({ collection: collection!, id: id! })) // prettier-ignore
      await within(home.open(), async log => {
        await log.write(keys.map((key, i) => ({ key, events: [{ n: 1, event: i }] })))
        await log.write([{ key: keys[0]!, forget: true }])
        for (const [i, key] of keys.entries())
          equal((await log.load(key)).events, i === 0 ? [] : [{ n: 1, event: i }])
      })
    },
  },
  {
    title: '[G2] saves all the documents of a write or none of them',
    async run(home) {
      await within(home.open(), async log => {
        await log.write([append(hello, 1)])
        await fails(log.write([append(hello, 2), append(other, 7)]))
        await fails(log.write([append(other, 1), append(hello, 3)]))
        await fails(
          log.write([append(hello, 2), { key: other, events: [{ n: 1, event: () => 'no clone' }] }]),
        )
      })
      equal((await stored(home, hello)).events, events(1, 1))
      equal((await stored(home, other)).events, [])
    },
  },
  {
    title: '[G3] takes writes in the order of the calls, and loads what was called before',
    async run(home) {
      await within(home.open(), async log => {
        const settled: number[] = []
        const writes = [1, 2, 3, 4, 5].map(n => log.write([append(hello, n)]).then(() => settled.push(n)))
        const loaded = await log.load(hello)
        equal(loaded.events, events(1, 5))
        await Promise.all(writes)
        equal(settled, [1, 2, 3, 4, 5])
      })
    },
  },
  {
    title: '[G3] keeps what it was given at the call, whatever the caller does with it afterwards',
    async run(home) {
      await within(home.open(), async log => {
        const event = { typed: 'before' }
        const batch: Write[] = [{ key: hello, events: [{ n: 1, event }] }]
        const done = log.write(batch)
        event.typed = 'after'
        batch.push(append(hello, 2))
        await done
        equal((await log.load(hello)).events, [{ n: 1, event: { typed: 'before' } }])
      })
    },
  },
  {
    title: '[G4] refuses events that do not follow on, so that no gap arises, and takes them all afterwards',
    async run(home) {
      await within(home.open(), async log => {
        await log.write([append(hello, 1, 2)])
        await fails(log.write([append(hello, 4)]))
        await fails(log.write([append(hello, 2)]))
        await fails(log.write([{ key: hello, events: [...events(3, 3), ...events(5, 5)] }]))
        await log.write([append(hello, 3, 4)])
        equal((await log.load(hello)).events, events(1, 4))
      })
    },
  },
  {
    title: '[G4] refuses the writes that were called behind one that fails',
    async run(home) {
      await within(home.open(), async log => {
        const broken = log.write([{ key: hello, events: [{ n: 1, event: () => 'no clone' }] }])
        const behind = log.write([append(hello, 2)])
        await fails(broken)
        await fails(behind)
        await log.write([append(hello, 1, 2)])
      })
      equal((await stored(home, hello)).events, events(1, 2))
    },
  },
  {
    title:
      '[G5] says LOG_FAILED on load when an event is missing before another one, or before the last summary',
    async run(home) {
      const summary = { type: 'text', unsent: 0, held: 0, at: 5, pinned: false, bytes: 9 }
      await within(home.open(), log =>
        log.write([append(hello, 1, 3), { ...append(other, 1, 3), summary }, append(third, 1, 3)]),
      )
      await home.lose(hello, 2)
      await home.lose(other, 3)
      await home.lose(third, 1)
      await within(home.open(), async log => {
        says(await fails(log.load(hello)), /events after 1 are missing: the next one is 3/)
        says(await fails(log.load(other)), /events 3 to 3 are missing/)
        says(await fails(log.load(third)), /events after 0 are missing/)
      })
    },
  },
  {
    title: '[G5] says LOG_FAILED on load when the newest event goes missing while its writer is there',
    async run(home) {
      await within(home.open(), async log => {
        await log.write([append(hello, 1, 3)])
        await home.lose(hello, 3)
        says(await fails(log.load(hello)), /events 3 to 3 are missing/)
      })
    },
  },
  {
    title: '[G6] replaces the checkpoint and removes the events that it covers',
    async run(home) {
      await within(home.open(), async log => {
        await log.write([append(hello, 1, 5), append(other, 1, 2)])
        await log.write([{ key: hello, checkpoint: { n: 3, state: 'three' } }])
        equal(await load(log, hello), { checkpoint: { n: 3, state: 'three' }, events: events(4, 5) })
        await log.write([{ key: hello, events: events(6, 7), checkpoint: { n: 6, state: 'six' } }])
        await fails(log.write([{ key: hello, checkpoint: { n: 3, state: 'back' } }]))
      })
      equal(await stored(home, hello), { checkpoint: { n: 6, state: 'six' }, events: events(7, 7) })
      equal((await stored(home, other)).events, events(1, 2))
    },
  },
  {
    title: '[G6] lets a checkpoint stand for events that were never written',
    async run(home) {
      await within(home.open(), async log => {
        await log.write([{ key: hello, checkpoint: { n: 0, state: 'new' } }])
        await log.write([{ key: hello, checkpoint: { n: 9, state: 'nine' } }])
        await fails(log.write([append(hello, 9)]))
        await log.write([append(hello, 10)])
      })
      equal(await stored(home, hello), { checkpoint: { n: 9, state: 'nine' }, events: events(10, 10) })
    },
  },
  {
    title: '[G7] lists the newest summary of each document that has one',
    async run(home) {
      const summary = { type: 'rich', unsent: 1, held: 0, at: 5, pinned: false, bytes: 9 }
      await within(home.open(), async log => {
        equal(await log.list(), [])
        await log.write([{ ...append(hello, 1), summary }, append(other, 1)])
        await log.write([{ key: hello, summary: { ...summary, unsent: 0 } }])
        await log.write([append(hello, 2)])
      })
      equal(await within(home.open(), log => log.list()), [{ ...summary, unsent: 0, key: hello }])
    },
  },
  {
    title: '[G8] forgets a document altogether, and lets it start again',
    async run(home) {
      await within(home.open(), async log => {
        const summary = { type: 'text', unsent: 0, held: 0, at: 5, pinned: false, bytes: 9 }
        await log.write([{ ...append(hello, 1, 4), checkpoint: { n: 2, state: 'two' }, summary }])
        await log.write([{ key: hello, forget: true }])
        equal(await log.list(), [])
        equal(await load(log, hello), { checkpoint: null, events: [] })
        await log.write([append(hello, 1)])
      })
      equal((await stored(home, hello)).events, events(1, 1))
    },
  },
  {
    title: '[G9] closes after the writes that were called before, and refuses every later call',
    async run(home) {
      const log = await home.open()
      let saved = false
      const written = log.write([append(hello, 1)]).then(() => {
        saved = true
      })
      await log.close()
      equal(saved, true)
      await written
      await fails(log.write([append(hello, 2)]))
      await fails(log.load(hello))
      await fails(log.list())
      equal((await stored(home, hello)).events, events(1, 1))
    },
  },
  ...ownership,
]
