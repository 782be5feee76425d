/** The memory log: the contract, and what the simulation needs of it. */

import assert from 'node:assert/strict'
import { clone, corrupt, flipped, truncate, wipe } from '../../client/log/damage.ts'
import { openDeviceLog } from '../../client/log/device.ts'
import { nothingStored } from '../../client/log/log.ts'
import { type MemoryStorage, memoryLog, memoryStorage } from '../../client/log/memory.ts'
import { volatileLog } from '../../client/log/volatile.ts'
import { type DocKey, keyText } from '../../ops/identity.ts'
import { Random } from '../random.ts'
import { fails } from './check.ts'
import { contract } from './contract.ts'

const key: DocKey = { collection: 'notes', id: 'hello' }
const event = (n: number) => ({ key, events: [{ n, event: `e${n}` }] })

describe('memory log', () => {
  for (const { title, run } of contract) {
    it(title, () => {
      const storage = memoryStorage()
      return run({
        open: async () => memoryLog({ storage }),
        raw: async () => raw(storage),
        async lose(key, n) {
          const record = storage.docs.get(keyText(key))!
          record.events = record.events.filter(event => event.n !== n)
        },
        corrupt: async (key, n) => corrupt(storage, key, n),
        async harmBulk(key, how) {
          const record = storage.docs.get(keyText(key))!
          const { n, record: text } = record.bulk!
          record.bulk = how === 'lose' ? null : { n, record: flipped(text) }
        },
        async swap(one, n, other, m) {
          const [a, b] = [one, other].map(key => storage.docs.get(keyText(key))!.events)
          const [i, j] = [a!.findIndex(event => event.n === n), b!.findIndex(event => event.n === m)]
          const [former, latter] = [a![i]!.record, b![j]!.record]
          a![i] = { n, record: latter }
          b![j] = { n: m, record: former }
        },
        evict: async () => wipe(storage),
      })
    })
  }

  it('[G10] saves a write only when it is completed, one at a time', async () => {
    const storage = memoryStorage()
    const commits: (() => void)[] = []
    const log = memoryLog({ storage, complete: commit => commits.push(commit) })
    const first = log.write([event(1)])
    const second = log.write([event(2)])
    await turn()
    assert.equal(commits.length, 1)
    assert.equal(storage.docs.size, 0)
    commits[0]!()
    await first
    assert.equal(commits.length, 2)
    commits[1]!()
    await second
    assert.equal(storage.docs.get(keyText(key))!.events.length, 2)
  })

  it('[G10] refuses a write with the reason it is failed with', async () => {
    const log = memoryLog({ complete: (_commit, fail) => fail('disk full') })
    assert.equal(await fails(log.write([event(1)])), 'disk full')
    assert.deepEqual((await log.load(key)).events, [])
  })

  it('[G17] refuses a write that was under way when another log took over', async () => {
    const storage = memoryStorage()
    const commits: (() => void)[] = []
    const log = memoryLog({ storage, complete: commit => commits.push(commit) })
    const late = log.write([event(1)])
    await turn()
    const owner = memoryLog({ storage })
    commits[0]!()
    await fails(late, 'LOG_TAKEN')
    assert.deepEqual((await owner.load(key)).events, [])
  })

  it('[G18] makes its id from the randomness that it is given', () => {
    const log = memoryLog({ randomBytes: bytes => bytes.fill(171) })
    assert.equal(log.identity.device, 'ab'.repeat(16))
  })

  it('[G10] loses unsaved writes in a crash, even if they are completed later', async () => {
    const storage = memoryStorage()
    const commits: (() => void)[] = []
    const log = memoryLog({ storage, complete: commit => commits.push(commit) })
    let settled = false
    const unsaved = log.write([event(1)])
    unsaved.then(
      () => (settled = true),
      () => (settled = true),
    )
    await turn()
    log.crash()
    commits[0]!()
    await turn()
    assert.equal(settled, false)
    assert.deepEqual((await memoryLog({ storage }).load(key)).events, [])
  })
})

describe('damage to a memory storage', () => {
  const numbersOf = async (storage: MemoryStorage, key: DocKey) =>
    (await memoryLog({ storage }).load(key)).events.map(({ n }) => n)
  const other: DocKey = { collection: 'notes', id: 'other' }

  /** An opening and five writes. */
  async function written(): Promise<MemoryStorage> {
    const storage = memoryStorage({ history: true })
    const log = memoryLog({ storage })
    await log.write([event(1)])
    await log.write([{ key: other, events: [{ n: 1, event: 'o1' }] }])
    await log.write([event(2)])
    await log.write([{ key, checkpoint: { n: 2, state: 'two' } }])
    await log.write([event(3)])
    await log.close()
    return storage
  }

  it('[G35] a cut keeps a prefix of what was written, over all documents, and nothing notices but who knows more', async () => {
    const storage = await written()
    truncate(storage, 4 / 6)
    const log = memoryLog({ storage })
    assert.deepEqual(await log.load(key).then(({ checkpoint, events }) => [checkpoint, events.length]), [
      null,
      2,
    ])
    assert.equal((await log.load(other)).events.length, 1)
    assert.equal(log.identity.epoch, 2)
    await log.write([event(3)])
    truncate(storage, 2 / 6)
    assert.deepEqual([await numbersOf(storage, key), await numbersOf(storage, other)], [[1], []])
    truncate(storage, 0)
    assert.equal(memoryLog({ storage }).identity.fresh, true)
  })

  it('[G35] a storage without its history cannot be cut', () => {
    assert.throws(() => truncate(memoryStorage(), 0.5), /history/)
  })

  it('[G5] [G20] whatever record is lost or flipped, a load gives what was saved, but for the newest, or LOG_FAILED', async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed)
      const storage = memoryStorage()
      const log = memoryLog({ storage })
      const count = 1 + random.int(9)
      const covered = random.int(count + 1)
      for (let n = 1; n <= count; n++) {
        await log.write([event(n)])
        if (n === covered) await log.write([{ key, checkpoint: { n, state: n } }])
      }
      const whole = await log.load(key)
      const record = storage.docs.get(keyText(key))!
      const target = random.int(count + 1)
      if (target > covered && random.chance(0.5)) record.events.splice(target - covered - 1, 1)
      else if (target > covered || (target === covered && covered > 0)) corrupt(storage, key, target)
      else record.checkpoint = null
      const loaded = await memoryLog({ storage })
        .load(key)
        .catch(reason => reason.code)
      if (loaded === 'LOG_FAILED') continue
      assert.deepEqual(loaded.checkpoint, whole.checkpoint, `seed ${seed}`)
      assert.deepEqual(loaded.events, whole.events.slice(0, loaded.events.length), `seed ${seed}`)
      assert.ok(loaded.events.length >= whole.events.length - 1, `seed ${seed}`)
    }
  })

  it('[G36] a wiped storage is made anew under another id', async () => {
    const storage = await written()
    const before = memoryLog({ storage }).identity
    wipe(storage)
    const { device, epoch, fresh } = memoryLog({ storage }).identity
    assert.deepEqual([epoch, fresh, device === before.device], [1, true, false])
    assert.deepEqual(await numbersOf(storage, key), [])
  })

  it('[G37] a cloned storage has the same id, and goes its own way', async () => {
    const storage = await written()
    const copy = clone(storage)
    const [one, two] = [memoryLog({ storage }), memoryLog({ storage: copy })]
    assert.deepEqual(one.identity, two.identity)
    await one.write([event(4)])
    await two.write([event(4)])
    await two.write([event(5)])
    assert.deepEqual(
      [await numbersOf(storage, key), await numbersOf(copy, key)],
      [
        [3, 4],
        [3, 4, 5],
      ],
    )
  })
})

describe('volatile log', () => {
  it('[G11] starts empty and says of every write that nothing was saved, and why', async () => {
    const log = volatileLog('another tab has it')
    assert.deepEqual(await log.load(key), nothingStored)
    assert.equal(await fails(log.write([event(1)])), 'another tab has it')
    assert.deepEqual([await log.list(), await log.unsent(), await log.clean(9)], [[], [], []])
    assert.deepEqual(log.identity, { device: '', epoch: 0, fresh: true })
    await log.close()
  })

  it('[G16] stands in for the device log where there is no IndexedDB', async () => {
    const log = await openDeviceLog('edits')
    assert.match(await fails(log.write([event(1)])), /IndexedDB/)
    await log.close()
  })
})

/** A line for each record. */
function raw({ docs, owner }: MemoryStorage): string[] {
  const lines = [`meta ${JSON.stringify(owner)}`]
  for (const [at, { head, summary, checkpoint, bulk, events }] of docs) {
    lines.push(
      `docs ${at} ${JSON.stringify([head, summary])}`,
      `checkpoints ${at} ${JSON.stringify(checkpoint)}`,
      ...(bulk ? [`bulks ${at} ${JSON.stringify(bulk)}`] : []),
    )
    for (const { n, record } of events) lines.push(`events ${at} ${n} ${record}`)
  }
  return lines
}

/** Lets every microtask that is under way come to its end. */
const turn = () => new Promise<void>(resolve => setImmediate(resolve))
