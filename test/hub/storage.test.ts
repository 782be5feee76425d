import assert from 'node:assert/strict'
import type { Client, Doc } from '../../client/api.ts'
import { type ConnectOptions, connect } from '../../client/client.ts'
import type { Clock } from '../../client/clock.ts'
import { Guardian, type Storage, storageLimits } from '../../client/hub/guardian.ts'
import { Hub } from '../../client/hub/hub.ts'
import type { Log, Summary } from '../../client/log/log.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import { keyText } from '../../ops/identity.ts'
import { closeAll, serve } from '../server/scene.ts'
import { nowhere } from './house.ts'

const HOUR = 3_600_000
const open: Client[] = []

function device(options: Partial<ConnectOptions> & { server: string }): Client {
  const made = connect({ timings: { backoffBaseMs: 10, backoffMaxMs: 20 }, ...options })
  open.push(made)
  return made
}

/** Time stands still but for what the test adds; timers are run by hand. */
class HandClock implements Clock {
  time = 10 * HOUR
  readonly timers = new Map<() => void, number>()
  now = () => this.time
  random = () => 0.5
  after = (ms: number, task: () => void) => {
    this.timers.set(task, this.time + ms)
    return () => this.timers.delete(task)
  }
  pass(ms: number): void {
    this.time += ms
    for (const [task, due] of [...this.timers]) if (due <= this.time && this.timers.delete(task)) task()
  }
}

const key = (id: string) => ({ collection: 'notes', id })

/** A log with ten documents of 100 bytes, `doc0` used longest ago, and three that must stay. */
async function filled(): Promise<Log> {
  const log = memoryLog()
  const clean = { type: 'text', unsent: 0, held: 0, at: 0, pinned: false, bytes: 100 }
  const special = { pinned: { pinned: true }, unsent: { unsent: 1 }, held: { held: 1 } }
  await log.write([
    ...Array.from({ length: 10 }, (_, i) => ({ key: key(`doc${i}`), summary: { ...clean, at: i * 1000 } })),
    ...Object.entries(special).map(([id, extra]) => ({
      key: key(id),
      summary: { ...clean, ...extra, at: -1 },
    })),
  ])
  return log
}

const ids = async (log: Log) => (await log.list()).map(each => each.key.id)

const browser = (usage: number, quota: number): Storage & { usage: number } => ({
  usage,
  async estimate() {
    return { usage: this.usage, quota }
  },
  persisted: async () => false,
})

async function guardianOf(
  storage: Storage | null,
  limits: Partial<typeof storageLimits>,
  inUse: string[] = [],
) {
  const log = await filled()
  const clock = new HandClock()
  const isOpen = ({ id }: { id: string }) => inUse.includes(id)
  const guardian = new Guardian({ log, clock, storage, limits: { ...storageLimits, ...limits }, isOpen })
  return { log, clock, guardian }
}

describe('storage of a device', () => {
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
    await closeAll()
  })

  it('[Q10] forgets the least recently used documents down to the target, and none that must stay', async () => {
    const { log, guardian } = await guardianOf(null, { keepBytes: 750 }, ['doc1'])
    await guardian.look()
    assert.deepEqual((await ids(log)).slice(0, 3), ['doc1', 'doc7', 'doc8'])
    await guardian.look()
    assert.equal((await ids(log)).length, 7)
    const all = await guardianOf(null, { keepBytes: 0 })
    await all.guardian.look()
    assert.deepEqual(await ids(all.log), ['pinned', 'unsent', 'held'])
  })

  it("[Q10] forgets ahead of the browser's quota, and waits for the browser to tidy up", async () => {
    const storage = browser(950, 1000)
    const { log, guardian } = await guardianOf(storage, {})
    await guardian.look()
    assert.equal((await ids(log)).length, 11)
    await guardian.look()
    assert.equal((await ids(log)).length, 11)
    storage.usage = 900
    await guardian.look()
    assert.equal((await ids(log)).length, 11)
    storage.usage = 1000
    await guardian.look()
    assert.equal((await ids(log)).length, 10)
    assert.deepEqual(await guardian.facts(), {
      usage: 1000,
      quota: 1000,
      persisted: false,
      documents: 10,
      bytes: 1000,
      kept: 1,
    })
  })

  it('[Q10] looks when a hub begins and when the log has grown, once a minute at most; lately used documents stay', async () => {
    const { log, clock, guardian } = await guardianOf(null, { keepBytes: 0 })
    clock.time = 5_000 + 120_000
    let looks = 0
    const { list } = log
    Object.assign(log, {
      list() {
        looks++
        return list()
      },
    })
    for (let i = 0; i < 5; i++) guardian.grew()
    clock.pass(0)
    for (let i = 0; i < 5; i++) guardian.grew()
    clock.pass(30_000)
    assert.equal(looks, 1)
    clock.pass(30_000)
    assert.equal(looks, 2)
    guardian.grew()
    guardian.close()
    assert.equal(clock.timers.size, 0)
  })

  describe('a log without space', () => {
    const storage = memoryStorage()
    const clock = new HandClock()
    /** Writes that are still refused. */
    let refused = 0
    /** What a call waits for, and a document that cannot be read. */
    let reached: (step: 'list' | 'write') => Promise<void> = async () => {}
    let unreadable = ''

    async function clientOf(docs: Record<string, Partial<Summary>>): Promise<Client> {
      storage.docs.clear()
      const before = memoryLog({ storage })
      const clean = { type: 'text', unsent: 0, held: 0, at: 1, pinned: false, bytes: 100 }
      await before.write(
        Object.entries(docs).map(([id, more]) => ({
          key: key(id),
          events: [{ n: 1, event: { t: 'seal' } }],
          summary: { ...clean, ...more },
        })),
      )
      await before.close()
      const log = memoryLog({ storage })
      const write: Log['write'] = async writes => {
        await reached('write')
        if (!writes.some(({ forget }) => forget) && refused-- > 0)
          throw new Error('QuotaExceededError: no space')
        return log.write(writes)
      }
      const list: Log['list'] = async () => {
        await reached('list')
        return log.list()
      }
      const load: Log['load'] = async wanted => {
        if (wanted.id === unreadable) throw new Error('UnknownError: cannot be read')
        return log.load(wanted)
      }
      return device({ server: 'http://127.0.0.1:1', log: { ...log, write, list, load }, clock })
    }

    afterEach(() => {
      reached = async () => {}
      unreadable = ''
    })

    it('[Q10] what can go goes, and the write is tried again', async () => {
      const client = await clientOf({ old: {} })
      const doc = await client.open<string>('notes', 'new', 'text')
      refused = 1
      doc.edit(['x'])
      await doc.saved
      assert.equal(doc.truth.error, null)
      assert.deepEqual([...storage.docs.keys()], [JSON.stringify(['notes', 'new'])])
    })

    it('[Q18] where nothing can go, all is saved as soon as there is space again', async () => {
      const client = await clientOf({ old: { unsent: 1 } })
      const doc = await client.open<string>('notes', 'new', 'text')
      refused = 3
      doc.edit(['x'])
      await assert.rejects(doc.saved, { code: 'LOG_FAILED' })
      const other = await client.open<string>('notes', 'other', 'text')
      other.edit(['y'])
      for (let minute = 0; doc.truth.error !== null; minute++) {
        assert.ok(minute < 10)
        doc.edit(['x'])
        clock.pass(60_000)
        await turn()
      }
      await Promise.all([doc.saved, other.saved])
      assert.equal(doc.truth.saved, true)
      doc.edit(['z'])
      await doc.saved
      await client.close()
      const again = device({ server: 'http://127.0.0.1:1', log: memoryLog({ storage }) })
      const found = await Promise.all(['new', 'other'].map(id => again.open<string>('notes', id, 'text')))
      assert.deepEqual(
        found.map(({ data }) => data),
        [doc.data, 'y'],
      )
    })

    for (const [step, id] of [
      ['list', 'old'],
      ['write', 'none'],
    ] as const)
      it(`[Q140] a document that cannot be read while the log gets all again is left alone, and told at once (${step})`, async () => {
        const client = await clientOf({ old: { held: 1 } })
        const record = structuredClone(storage.docs.get(keyText(key('old'))))
        const doc = await client.open<string>('notes', 'new', 'text')
        refused = 1
        doc.edit(['x'])
        await assert.rejects(doc.saved, { code: 'LOG_FAILED' })
        unreadable = id
        let opening: Promise<Doc> | null = null
        reached = async at => {
          if (at !== step) return
          opening ??= client.open('notes', id, 'text')
          await opening
        }
        clock.pass(60_000)
        while (opening === null) await turn()
        const other = await (opening as Promise<Doc>)
        for (let i = 0; i < 20; i++) await turn() // all is in memory: more than it takes
        for (const { truth } of [doc, other]) assert.equal(truth.error?.code, 'LOG_FAILED')
        assert.deepEqual(storage.docs.get(keyText(key('old'))), record)
      })
  })

  it('[G80] a hub writes that nothing is unsent where the one before it ended too early', async () => {
    const log = await filled()
    assert.deepEqual(await log.unsent(), [key('unsent')])
    const hub = new Hub({
      log,
      src: 'a',
      clock: new HandClock(),
      link: () => nowhere,
      frameBytes: 1000,
      attachMs: 0,
    })
    while ((await log.unsent()).length > 0) await new Promise(resolve => setImmediate(resolve))
    assert.equal((await log.list()).find(each => each.key.id === 'unsent')?.unsent, 0)
    await hub.close()
  })

  it('[Q11] keeps exactly the named documents: fetched in the background, refreshed, and forgotten as others are', async () => {
    const server = await serve()
    const writer = device({ server: server.url })
    const docs = await Promise.all(['a', 'b', 'c'].map(id => writer.open<string>('notes', id, 'text')))
    for (const doc of docs) doc.edit([`text of ${doc.id}`])
    await Promise.all(docs.map(doc => doc.settled))

    const storage = memoryStorage()
    const first = device({ server: server.url, log: memoryLog({ storage }) })
    await first.keep('notes', ['a', 'b', 'a'])
    await fetched(first, 'a', 'b')
    assert.deepEqual(await kept(first), ['a', 'b'])
    await first.close()

    docs[0]!.edit([9, '!'])
    await docs[0]!.settled
    const second = device({ server: server.url, log: memoryLog({ storage }) })
    await online(second)
    await synced(second, storage, 'a', 'text of a!')
    await second.keep('notes', ['b', 'c'])
    await fetched(second, 'c')
    assert.deepEqual(await kept(second), ['b', 'c'])
    await second.close()

    const offline = device({ server: 'http://127.0.0.1:1', log: memoryLog({ storage }) })
    const opened = await Promise.all(['b', 'c'].map(id => offline.open<string>('notes', id, 'text')))
    assert.deepEqual(
      opened.map(doc => doc.data),
      ['text of b', 'text of c'],
    )
    assert.equal((await offline.storage).kept, 2)
    await assert.rejects(offline.keep('notes', ['']), { code: 'NAME_INVALID' })
  })

  it('[Q12] asks the browser to stay, once, when the first edit is saved', async () => {
    let asked = 0
    const storage = {
      ...browser(0, 1000),
      persist: async () => {
        asked++
        return true
      },
    }
    const options = { server: 'http://127.0.0.1:1', device: 'x', agreement: null, storage, note: () => null }
    const client = device({ ...options, openLog: async () => memoryLog() })
    const doc = await client.open<string>('notes', 'a', 'text')
    await client.known()
    assert.equal(asked, 0)
    doc.edit(['x'])
    await doc.saved
    await client.known()
    assert.equal(asked, 1)
    doc.edit(['y'])
    await doc.saved
    await client.known()
    assert.equal(asked, 1)
    assert.equal((await client.storage).quota, 1000)
    assert.throws(() => connect({ ...options, storageShare: 2 }), { code: 'SETTING_INVALID' })
  })
})

const turn = () => new Promise(resolve => setImmediate(resolve))

const kept = async (client: Client) =>
  (await client.known())
    .filter(doc => doc.kept)
    .map(doc => doc.id)
    .sort()

/** Asks until these documents are there; each answer is a turn of the hub. */
async function fetched(client: Client, ...ids: string[]): Promise<void> {
  const there = async () => {
    const known = await client.known()
    return ids.every(id => known.some(doc => doc.id === id && doc.type === 'text'))
  }
  while (!(await there())) await turn()
}

function online(client: Client): Promise<void> {
  return new Promise(resolve => {
    const look = () => client.phase === 'online' && resolve()
    client.on('phase', look)
    look()
  })
}

/** Asks the storage until it has this text: nobody opens the document. */
async function synced(client: Client, storage: ReturnType<typeof memoryStorage>, id: string, text: string) {
  const look = async () => {
    const reader = device({ server: 'http://127.0.0.1:1', log: memoryLog({ storage: copyOf(storage) }) })
    const doc: Doc<string> = await reader.open('notes', id, 'text')
    const { data } = doc
    await reader.close()
    return data === text
  }
  while (!(await look())) {
    await client.known() // rejects once the client is closed
    await turn()
  }
}

function copyOf(storage: ReturnType<typeof memoryStorage>) {
  const copy = memoryStorage()
  for (const [at, record] of storage.docs) copy.docs.set(at, { ...record, events: [...record.events] })
  return copy
}
