/** The memory log: the contract, and what the simulation needs of it. */

import assert from 'node:assert/strict'
import { openDeviceLog } from '../../client/log/device.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import { volatileLog } from '../../client/log/volatile.ts'
import { type DocKey, keyText } from '../../ops/identity.ts'
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
        async lose(key, n) {
          const record = storage.docs.get(keyText(key))!
          record.events = record.events.filter(event => event.n !== n)
        },
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

describe('volatile log', () => {
  it('[G11] starts empty and says of every write that nothing was saved, and why', async () => {
    const log = volatileLog('another tab has it')
    assert.deepEqual(await log.load(key), { checkpoint: null, events: [] })
    assert.equal(await fails(log.write([event(1)])), 'another tab has it')
    assert.deepEqual(await log.list(), [])
    await log.close()
  })

  it('[G16] stands in for the device log where there is no IndexedDB', async () => {
    const log = await openDeviceLog('edits')
    assert.match(await fails(log.write([event(1)])), /IndexedDB/)
    await log.close()
  })
})

/** Lets every microtask that is under way come to its end. */
const turn = () => new Promise<void>(resolve => setImmediate(resolve))
