/** When the writer of the hub writes what into the log. */

import assert from 'node:assert/strict'
import type { ReplicaEvent } from '../../client/engine/replica.ts'
import { noSince, nothing, type Replica } from '../../client/engine/state.ts'
import { pack } from '../../client/engine/stored.ts'
import { checkpointRule, type Source, Writer } from '../../client/hub/writer.ts'
import { type LogEvent, nothingStored, type Summary, type Write } from '../../client/log/log.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import { bytesOf } from '../../client/log/packing.ts'
import { absent } from '../../ops/change.ts'
import { tiersOf } from '../../ops/compose.ts'
import { type DocKey, keyText } from '../../ops/identity.ts'
import { Random } from '../random.ts'
import { VirtualClock } from '../sim/clock.ts'

const key: DocKey = { collection: 'notes', id: 'hello' }
const other: DocKey = { collection: 'notes', id: 'other' }
const { idleMs, minBytes, urgency, maxEvents, recordBytes } = checkpointRule
/** What a letter weighs in these tests. */
const LETTER = recordBytes + 40

const content = (length: number) => ({ type: 'text', data: 'x'.repeat(length) }) as const

/** A writer on a memory log, documents to append to, and what was written. */
class Scene {
  readonly time = new VirtualClock()
  readonly writes: Write[][] = []
  readonly faults: { code: string; message: string }[] = []
  readonly saved: string[] = []
  /** Whether to write again what was refused. */
  again = () => false
  readonly storage = memoryStorage()
  readonly log = memoryLog({
    storage: this.storage,
    complete: (commit, fail) => (this.full ? fail('QuotaExceededError') : queueMicrotask(commit)),
  })
  full = false
  readonly docs = new Map<string, { -readonly [F in keyof Source]: Source[F] }>()
  readonly writer: Writer

  constructor() {
    const log = {
      write: (writes: readonly Write[]) => {
        this.writes.push([...writes])
        return this.log.write(writes)
      },
    }
    this.writer = new Writer(
      log,
      this.time.of(new Random(1n), () => true),
      {
        saved: ({ id }, n) => this.saved.push(`${id} ${n}`),
        refused: async reason => {
          this.faults.push(reason)
          return this.again()
        },
        apart: at => this.change({ since: noSince }, at),
      },
    )
  }

  open(at: DocKey = key, length = 0, stored = nothingStored): void {
    const view = content(length)
    this.docs.set(keyText(at), { key: at, logged: 0, replica: { ...nothing, base: view, view } })
    this.writer.open(() => this.docs.get(keyText(at))!, stored)
  }

  change(replica: Partial<Replica>, at: DocKey = key): void {
    const source = this.docs.get(keyText(at))!
    source.replica = { ...source.replica, ...replica }
  }

  /** Appends an event that weighs `bytes`, its record included. */
  append(bytes = LETTER, at: DocKey = key): void {
    const padding = 'x'.repeat(bytes - recordBytes - bytesOf(pack(edit(''))))
    this.appendEvent(edit(padding), at)
  }

  appendEvent(event: ReplicaEvent, at: DocKey = key): void {
    this.writer.append(at, ++this.docs.get(keyText(at))!.logged, event)
  }

  async type(count: number, bytes = LETTER): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.append(bytes)
      await this.writer.flush()
    }
  }

  /** Lets all timers run that there are. */
  async idle(): Promise<void> {
    while (this.time.step()) await this.writer.flush()
  }

  get checkpoints(): number[] {
    return this.writes.flat().flatMap(({ checkpoint }) => (checkpoint ? [checkpoint.n] : []))
  }

  get events(): readonly LogEvent[] {
    return this.writes.flat().flatMap(({ events }) => events ?? [])
  }

  get summaries(): Summary[] {
    return this.writes.flat().flatMap(({ summary }) => (summary ? [summary] : []))
  }
}

const edit = (text: string): ReplicaEvent => ({ t: 'edit', change: { op: [9, text] } })
const pending = (edits: number) =>
  [{ name: { src: 's', seq: 1 }, sealed: true, change: { op: [1, 'a'] }, edits }] as const

describe('writer of the hub', () => {
  let scene: Scene
  beforeEach(() => {
    scene = new Scene()
  })

  it('[G28] writes a checkpoint once the events weigh enough and nobody types any more', async () => {
    scene.open()
    await scene.type(2, minBytes / 2)
    assert.equal(scene.time.step(), false, 'nothing is waited for yet')
    await scene.type(1)
    const typedAt = scene.time.now
    await scene.idle()
    assert.deepEqual(scene.checkpoints, [3])
    assert.equal(scene.time.now, typedAt + idleMs)
    const { checkpoint, events } = await scene.log.load(key)
    assert.deepEqual([checkpoint?.n, events], [3, []])
  })

  it('[G28] waits as long as there is typing', async () => {
    scene.open()
    await scene.type(1, minBytes + 1)
    scene.time.after(idleMs - 1, () => scene.append())
    for (let i = 0; i < 2; i++) {
      scene.time.step()
      await scene.writer.flush()
    }
    assert.deepEqual([scene.checkpoints, scene.time.now], [[], idleMs])
    await scene.idle()
    assert.deepEqual([scene.checkpoints, scene.time.now], [[2], 2 * idleMs])
  })

  it('[G28] weighs the events against the last checkpoint, also one from before it was opened', async () => {
    const events = [{ n: 8, event: edit('') }]
    scene.open(key, 0, {
      checkpoint: { n: 7, state: {} },
      events,
      bytes: { checkpoint: 100_000, bulk: 0, events: 99_000 - recordBytes },
    })
    scene.docs.get(keyText(key))!.logged = 8
    await scene.log.write([{ key, checkpoint: { n: 8, state: {} } }])
    await scene.type(1, 700)
    await scene.idle()
    assert.deepEqual(scene.checkpoints, [])
    await scene.type(1, 700)
    await scene.idle()
    assert.deepEqual(scene.checkpoints, [10])
  })

  it('[G29] writes a checkpoint at once when the events weigh twenty times as much, are many, or one is a snapshot', async () => {
    scene.open()
    await scene.type(2 * urgency, minBytes / 2)
    assert.deepEqual(scene.checkpoints, [])
    await scene.type(1)
    assert.deepEqual(scene.checkpoints, [41])
    scene.change({ base: content(1_000_000) })
    scene.appendEvent({ t: 'snapshot', v: 1, content: content(1_000_000), own: [] })
    await scene.writer.flush()
    assert.deepEqual(scene.checkpoints, [41, 42])
    scene.change({ src: 'weighs much beside the bulk'.padEnd(maxEvents * LETTER) })
    await scene.type(520)
    assert.deepEqual(scene.checkpoints, [41, 42, 555])
    await scene.type(555 + maxEvents - 562 - 1)
    assert.deepEqual(scene.checkpoints, [41, 42, 555])
    await scene.type(1)
    assert.deepEqual(scene.checkpoints, [41, 42, 555, 555 + maxEvents])
  })

  it('[G38] writes the bulk of a document when it is new, and when half as much was committed since', async () => {
    const bulks = () =>
      scene.writes
        .flat()
        .flatMap(({ checkpoint }) => (checkpoint ? [[checkpoint.n, checkpoint.bulk?.n]] : []))
    const committed = async (bytes: number) => {
      scene.change({ since: tiersOf([9, 'x'.repeat(bytes)]) })
      await scene.type(1, minBytes + 1)
      await scene.idle()
    }
    scene.open(key, 10_000)
    await scene.type(1, minBytes + 1)
    await scene.idle()
    await committed(100)
    await committed(4_900)
    assert.deepEqual(bulks(), [
      [1, 1],
      [2, 1],
      [3, 1],
    ])
    await committed(5_000)
    assert.deepEqual(bulks().at(-1), [4, 4])
    assert.equal(scene.docs.get(keyText(key))!.replica.since, noSince)
    scene.change({ since: null })
    await scene.type(1, minBytes + 1)
    await scene.idle()
    assert.deepEqual(bulks().at(-1), [5, 5])
    scene.change({ base: absent, since: null })
    await scene.type(1, minBytes + 1)
    await scene.idle()
    assert.deepEqual(bulks().at(-1), [6, undefined])
  })

  it('[G30] writes in all what is in proportion to the edits, whatever the size of the document', async () => {
    const written = async (length: number) => {
      const one = new Scene()
      one.open(key, length)
      one.appendEvent({ t: 'snapshot', v: 1, content: content(length), own: [] })
      await one.writer.flush()
      const before = one.writes.length
      await one.type(2_000, recordBytes + 50)
      await one.idle()
      return one.writes
        .slice(before)
        .flat()
        .reduce((sum, { events, checkpoint }) => sum + bytesOf(events ?? []) + bytesOf(checkpoint ?? 0), 0)
    }
    const typed = 2_000 * 50 // without what the database puts around
    for (const length of [0, 5_000, 50_000, 500_000]) {
      const bytes = await written(length)
      assert.ok(bytes < 3 * typed, `${bytes} bytes were written for ${typed} in a document of ${length}`)
    }
  })

  it('[R80] says anew where an edit is from behind a checkpoint, and behind a reload', async () => {
    scene.open()
    const typed = (n: number): ReplicaEvent => ({ t: 'edit', change: { op: ['a'] }, from: ['tab', n] })
    for (const n of [1, 2]) scene.appendEvent(typed(n))
    await scene.writer.flush()
    await scene.type(2, minBytes)
    await scene.idle()
    assert.deepEqual(scene.checkpoints, [4])
    for (const n of [3, 4]) scene.appendEvent(typed(n))
    await scene.writer.flush()
    const { events } = await scene.log.load(key)
    assert.deepEqual(
      events.map(({ event }) => event),
      [
        [['a'], 0, 'tab', 3],
        [['a'], 2],
      ],
    )
    scene.writer.forget(key)
    scene.writer.open(() => scene.docs.get(keyText(key))!, nothingStored)
    scene.appendEvent(typed(5))
    await scene.writer.flush()
    assert.deepEqual(scene.events.at(-1)?.event, [['a'], 0, 'tab', 5])
  })

  it('[G31] writes a summary first, and then only with what a list or an index must know', async () => {
    scene.open()
    await scene.type(1)
    assert.equal(scene.summaries.length, 1)
    await scene.type(3)
    assert.equal(scene.summaries.length, 1)
    scene.change({ pending: pending(1) })
    await scene.type(1)
    assert.deepEqual(scene.summaries.at(-1), {
      type: 'text',
      unsent: 1,
      held: 0,
      at: 0,
      pinned: false,
      bytes: 5 * LETTER,
    })
    scene.change({ pending: pending(2) })
    await scene.type(1)
    assert.equal(scene.summaries.length, 2)
    scene.change({ view: { type: 'rich', data: [] } })
    await scene.type(1)
    assert.equal(scene.summaries.at(-1)?.type, 'rich')
    assert.equal(scene.summaries.length, 3)
  })

  it('[G80] writes that nothing is unsent any more when nobody types, and not with each keystroke', async () => {
    scene.open()
    for (let i = 0; i < 12; i++) {
      scene.change({ pending: pending(1) })
      await scene.type(1)
      scene.change({ pending: [] })
      await scene.type(1)
    }
    assert.deepEqual([scene.summaries.length, scene.summaries.at(-1)?.unsent], [1, 1])
    assert.deepEqual(await scene.log.unsent(), [key])
    await scene.idle()
    assert.deepEqual([scene.summaries.length, scene.summaries.at(-1)?.unsent], [2, 0])
    assert.deepEqual(await scene.log.unsent(), [])
    assert.deepEqual(scene.checkpoints, [])
    await scene.type(1)
    assert.equal(scene.time.step(), false, 'and waits for nothing else')
  })

  it('[G80] writes it when something else is to be told', async () => {
    scene.open()
    scene.change({ pending: pending(1) })
    await scene.type(1)
    scene.change({ pending: [], view: { type: 'rich', data: [] } })
    await scene.type(1)
    assert.equal(scene.summaries.at(-1)?.unsent, 0)
    await scene.idle()
    assert.equal(scene.summaries.length, 2)
  })

  for (const [how, end] of [
    ['is given up', () => scene.writer.rest(key)],
    ['has to go', () => scene.writer.close()],
  ] as const) {
    it(`[G80] writes it when a document ${how}`, async () => {
      scene.open()
      scene.change({ pending: pending(1) })
      await scene.type(1)
      scene.change({ pending: [] })
      await scene.type(1)
      void end()
      await scene.writer.flush()
      assert.deepEqual(await scene.log.unsent(), [])
      const { length } = scene.writes
      scene.writer.rest(key)
      await scene.writer.flush()
      assert.equal(scene.writes.length, length, 'once')
    })
  }

  it('[G31] writes a summary for its time alone once a minute, and when a document is pinned', async () => {
    scene.open()
    await scene.type(1)
    scene.time.now = 59_999
    await scene.type(1)
    assert.equal(scene.summaries.length, 1)
    scene.time.now = 60_000
    await scene.type(1)
    assert.equal(scene.summaries.at(-1)?.at, 60_000)
    scene.docs.get(keyText(key))!.pinned = true
    scene.writer.summarize(key)
    await scene.writer.flush()
    assert.deepEqual([scene.summaries.length, scene.summaries.at(-1)?.pinned], [3, true])
  })

  it('[G32] writes one turn in one write, over all documents, and one at a time', async () => {
    scene.open()
    scene.open(other)
    scene.append()
    scene.append()
    scene.append(LETTER, other)
    await Promise.resolve()
    await Promise.resolve()
    scene.append()
    await scene.writer.flush()
    assert.deepEqual(
      scene.writes.map(writes => writes.map(({ key, events }) => [key.id, events?.map(({ n }) => n)])),
      [
        [
          ['hello', [1, 2]],
          ['other', [1]],
        ],
        [['hello', [3]]],
      ],
    )
    assert.deepEqual(scene.saved, ['hello 2', 'other 1', 'hello 3'])
  })

  it('[G33] tells once, with its code, that another log took over, and writes nothing after it', async () => {
    scene.open()
    await scene.type(1)
    memoryLog({ storage: scene.storage })
    await scene.type(1, minBytes * 2)
    await scene.type(1)
    await scene.idle()
    assert.deepEqual(
      scene.faults.map(({ code }) => code),
      ['LOG_TAKEN'],
    )
    assert.equal(scene.writes.length, 2)
  })

  it('[G33] writes what was refused once more if it is told to, and says that it is saved then', async () => {
    scene.open()
    scene.full = true
    scene.again = () => {
      assert.deepEqual(scene.saved, [])
      scene.full = false
      return true
    }
    await scene.type(2)
    assert.equal(scene.faults.length, 1)
    assert.deepEqual(scene.saved, ['hello 1', 'hello 2'])
    assert.deepEqual(
      (await scene.log.load(key)).events.map(({ n }) => n),
      [1, 2],
    )
  })

  it('[G33] begins anew after a refusal with checkpoints that hold everything', async () => {
    for (const at of [key, other]) scene.open(at, minBytes)
    await scene.type(1)
    scene.full = true
    await scene.type(2)
    assert.equal(await scene.writer.revive(), false)
    scene.full = false
    await scene.type(1)
    assert.equal(await scene.writer.revive(), true)
    await scene.type(1)
    const { checkpoint, events } = await scene.log.load(key)
    assert.equal(checkpoint!.n, 4)
    assert.equal((checkpoint!.bulk!.value as string).length, minBytes)
    assert.deepEqual(
      events.map(({ n }) => n),
      [5],
    )
    assert.equal((await scene.log.load(other)).checkpoint!.n, 0)
  })

  it('[G34] closes without a checkpoint, and without a timer', async () => {
    scene.open()
    scene.append(minBytes * 2)
    await scene.writer.close()
    assert.equal(scene.events.length, 1)
    scene.append(minBytes)
    await scene.writer.flush()
    assert.equal(scene.time.step(), false)
    assert.deepEqual(scene.checkpoints, [])
  })

  it('[G34] a document that is given up leaves no timer', async () => {
    scene.open()
    await scene.type(1, minBytes * 2)
    scene.writer.forget(key)
    assert.equal(scene.time.step(), false)
  })
})
