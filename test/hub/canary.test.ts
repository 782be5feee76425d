import assert from 'node:assert/strict'
import type { Client, Doc, Loss } from '../../client/api.ts'
import { type ConnectOptions, connect } from '../../client/client.ts'
import { systemClock } from '../../client/clock.ts'
import type { FirmNote } from '../../client/hub/firmnote.ts'
import { clone, truncate, wipe } from '../../client/log/damage.ts'
import { type MemoryStorage, memoryLog, memoryStorage } from '../../client/log/memory.ts'
import { isOlder, type Note } from '../../client/tab/note.ts'
import { closeAll, serve } from '../server/scene.ts'

const open: Client[] = []

/** What a browser keeps of a device: its log and, elsewhere, the notes of its tabs and of its hub. */
class Profile {
  storage: MemoryStorage = memoryStorage({ history: true })
  noted: string | null = null
  firm: string | null = null
  #waiting: (() => void)[] = []

  readonly note: Note = {
    read: () => this.noted,
    write: text => {
      this.noted = text
      for (const resolve of this.#waiting.splice(0)) resolve()
    },
  }

  /** The hub's note is not answered for. */
  hung = false
  readonly firmNote: FirmNote = {
    read: async () => (this.hung ? new Promise<never>(() => {}) : this.firm),
    write: async text => {
      this.firm = text
    },
  }

  get docs(): Record<string, [n: number, edits: number]> {
    return this.noted === null ? {} : JSON.parse(this.noted).docs
  }

  /** Resolves when the note says so. */
  async until(is: () => boolean): Promise<void> {
    while (!is()) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  device(server: string, options: Partial<ConnectOptions> = {}): Client {
    const client = connect({
      server,
      device: 'device',
      agreement: null,
      openLog: async () => memoryLog({ storage: this.storage }),
      note: () => this.note,
      firmNote: () => this.firmNote,
      timings: { backoffBaseMs: 10, backoffMaxMs: 20 },
      ...options,
    })
    open.push(client)
    return client
  }
}

const NOWHERE = 'http://127.0.0.1:1'
const edits = (profile: Profile) => Object.values(profile.docs).map(([, edits]) => edits)

/** A device that wrote three edits with no server, noted them, and was closed. */
async function written(): Promise<Profile> {
  const profile = new Profile()
  const client = profile.device(NOWHERE)
  const doc = await client.open<string>('notes', 'one', 'text')
  doc.edit(['one '])
  doc.edit(['two '])
  await doc.saved
  await profile.until(() => edits(profile)[0] === 3)
  await client.close()
  return profile
}

/** What the next visit says, once it has looked. */
async function visit(profile: Profile): Promise<{ client: Client; loss: Loss | null }> {
  const client = profile.device(NOWHERE)
  await client.known() // asked after the note was compared with the log in memory, or at the same time
  await (await client.open('notes', 'look', 'text')).saved
  return { client, loss: client.loss }
}

describe('canary', () => {
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
    await closeAll()
  })

  it('[Q7] tells what was lost with an emptied log, to all, until somebody has read it, over reloads', async () => {
    const profile = await written()
    const noted = JSON.parse(profile.noted!).at
    wipe(profile.storage)
    const { client, loss } = await visit(profile)
    assert.deepEqual(loss, { edits: 3, at: noted, reason: 'emptied' })
    await profile.until(() => edits(profile).length === 0)
    await client.close()
    const later = await visit(profile)
    assert.deepEqual(later.loss, loss)
    const told = new Promise(resolve => later.client.on('loss', resolve))
    later.client.dismissLoss()
    assert.equal(await told, null)
    await profile.until(() => JSON.parse(profile.noted!).loss === null)
    await later.client.close()
    assert.equal((await visit(profile)).loss, null)
  })

  it('[Q7] finds out a log that was cut, whatever is left of it', async () => {
    for (const fraction of [0, 0.2, 0.4, 0.6, 0.8]) {
      const profile = await written()
      const whole = profile.storage.history!.length
      truncate(profile.storage, fraction)
      const left = profile.storage.history!.length
      if (left === whole) continue
      const { client, loss } = await visit(profile)
      assert.ok(loss, `${fraction} of it is left, and nobody noticed`)
      assert.ok(loss.edits >= 1 && loss.edits <= 3)
      assert.equal(loss.reason, left === 0 ? 'emptied' : 'incomplete')
      await client.close()
    }
  })

  it('[Q80] does not read again what the hub is reading to find out how far it goes', async () => {
    const profile = await written()
    const loads: string[] = []
    const openLog = async () => {
      const log = memoryLog({ storage: profile.storage })
      const load: typeof log.load = async key => {
        loads.push(key.id)
        for (let i = 0; i < 10; i++) await new Promise(resolve => setImmediate(resolve))
        return log.load(key)
      }
      return { ...log, load }
    }
    const client = profile.device(NOWHERE, { openLog })
    const doc = await client.open<string>('notes', 'one', 'text')
    doc.edit(['three '])
    await profile.until(() => edits(profile)[0] === 4)
    assert.deepEqual([loads, client.loss], [['one'], null])
  })

  it('[Q7] adds a loss to one that nobody has read of yet', async () => {
    const profile = await written()
    wipe(profile.storage)
    const { client } = await visit(profile)
    const doc = await client.open<string>('notes', 'two', 'text')
    doc.edit(['more'])
    await doc.saved
    await profile.until(() => edits(profile)[0] === 2)
    await client.close()
    wipe(profile.storage)
    assert.equal((await visit(profile)).loss?.edits, 5)
  })

  it('[Q7] finds out an old copy of a log in its place', async () => {
    const profile = new Profile()
    const first = profile.device(NOWHERE)
    const doc = await first.open<string>('notes', 'one', 'text')
    doc.edit(['one '])
    await profile.until(() => edits(profile)[0] === 2)
    const old = clone(profile.storage)
    doc.edit(['two '])
    await profile.until(() => edits(profile)[0] === 3)
    await first.close()
    profile.storage = old
    assert.deepEqual((await visit(profile)).loss?.reason, 'incomplete')
  })

  it('[Q8] says nothing of a log that is as it was, however often it is opened, and sends its edits', async () => {
    const profile = await written()
    for (let i = 0; i < 3; i++) {
      const { client, loss } = await visit(profile)
      assert.equal(loss, null)
      await client.close()
    }
    const server = await serve()
    const client = profile.device(server.url)
    const doc = await client.open<string>('notes', 'one', 'text')
    await arrived(doc)
    await profile.until(() => edits(profile).length === 0)
    await client.close()
    wipe(profile.storage)
    assert.equal((await visit(profile)).loss, null)
  })

  it('[Q8] says nothing of edits that reached the server from memory after the log was lost', async () => {
    const server = await serve()
    const profile = new Profile()
    const client = profile.device(server.url)
    const doc = await client.open<string>('notes', 'one', 'text')
    await arrived(doc)
    client.pause()
    doc.edit(['one '])
    doc.edit(['two '])
    await profile.until(() => edits(profile)[0] === 3)
    wipe(profile.storage)
    client.resume()
    await profile.until(() => edits(profile).length === 0)
    await client.close()
    assert.equal((await visit(profile)).loss, null)
  })

  it('[Q8] says nothing where nothing was noted, or what was noted is gone, too old or nonsense', async () => {
    for (const noted of [null, '', '{}', '{"device":1}', 'null', '[]']) {
      const profile = await written()
      profile.noted = profile.firm = noted
      wipe(profile.storage)
      assert.equal((await visit(profile)).loss, null)
    }
    const profile = new Profile()
    const client = profile.device(NOWHERE)
    const doc = await client.open<string>('notes', 'one', 'text')
    doc.edit(['one '])
    await profile.until(() => edits(profile)[0] === 2)
    const { noted } = profile
    doc.edit(['two '])
    await profile.until(() => edits(profile)[0] === 3)
    await client.close()
    profile.noted = noted
    assert.equal((await visit(profile)).loss, null)
  })

  it('[Q141] the later one of the two notes counts, whatever became of the other', async () => {
    for (const [tabs, hub] of [
      [0, 2],
      [2, 0],
      [1, 2],
      [2, 1],
    ] as const) {
      const profile = new Profile()
      const notes: (string | null)[] = [null]
      for (const count of [2, 3]) {
        const client = profile.device(NOWHERE)
        const doc = await client.open<string>('notes', 'one', 'text')
        doc.edit(['one '])
        await profile.until(() => edits(profile)[0] === count)
        await client.close()
        notes.push(profile.noted)
      }
      Object.assign(profile, { noted: notes[tabs], firm: notes[hub] })
      wipe(profile.storage)
      assert.equal((await visit(profile)).loss?.edits, 3)
    }
  })

  it('[Q141] a clock that was put back does not make the older one the later', async () => {
    const profile = await written()
    const { noted } = profile
    const past = { ...systemClock, now: () => systemClock.now() - 3_600_000 }
    const client = profile.device(NOWHERE, { clock: past })
    const doc = await client.open<string>('notes', 'one', 'text')
    doc.edit(['three '])
    await profile.until(() => edits(profile)[0] === 4)
    await client.close()
    profile.noted = noted
    wipe(profile.storage)
    assert.equal((await visit(profile)).loss?.edits, 4)
  })

  it("[Q141] the tabs' note is not kept waiting by one that is not answered for", async () => {
    const profile = await written()
    wipe(profile.storage)
    profile.hung = true
    const clock = {
      ...systemClock,
      after: (ms: number, task: () => void) => systemClock.after(ms / 50, task),
    }
    const client = profile.device(NOWHERE, { clock })
    await new Promise(resolve => client.on('loss', resolve))
    assert.equal(client.loss?.edits, 3)
  })

  it('[Q8] notes nothing that the log has not saved', async () => {
    const profile = new Profile()
    const waiting: (() => void)[] = []
    let hold = false
    const complete = (commit: () => void) => (hold ? waiting.push(commit) : commit())
    const client = profile.device(NOWHERE, {
      openLog: async () => memoryLog({ storage: profile.storage, complete }),
    })
    const doc = await client.open<string>('notes', 'one', 'text')
    doc.edit(['one '])
    await profile.until(() => edits(profile)[0] === 2)
    const before = profile.noted
    hold = true
    doc.edit(['two '])
    const other = await client.open<string>('notes', 'other', 'text')
    assert.equal(other.truth.saved, true)
    assert.equal(profile.noted, before)
    hold = false
    while (waiting.length > 0) waiting.shift()!()
    await profile.until(() => edits(profile)[0] === 3)
  })

  it('[Q8] keeps the note of a later hub when a tab thaws', () => {
    const note = (device: string, epoch: number) => JSON.stringify({ device, epoch })
    assert.equal(isOlder(note('a', 1), note('a', 2)), true)
    assert.equal(isOlder(note('a', 2), note('a', 2)), false)
    assert.equal(isOlder(note('b', 1), note('a', 2)), false)
    assert.equal(isOlder(note('a', 1), null), false)
  })

  it('[Q9] a log that another page took, or that is lost, is told by its own code', async () => {
    const profile = new Profile()
    const first = profile.device(NOWHERE)
    const doc = await first.open<string>('notes', 'one', 'text')
    doc.edit(['one '])
    await doc.saved
    const second = profile.device(NOWHERE)
    await second.open('notes', 'one', 'text')
    doc.edit(['two '])
    await assert.rejects(doc.saved, { code: 'LOG_TAKEN' })
    assert.equal(doc.truth.error?.code, 'LOG_TAKEN')
    const other = await second.open<string>('notes', 'two', 'text')
    wipe(profile.storage)
    other.edit(['gone'])
    await assert.rejects(other.saved, { code: 'LOG_FAILED', message: /evicted/ })
    assert.match(other.truth.error!.message, /evicted/)
  })
})

function arrived(doc: Doc): Promise<void> {
  return new Promise(resolve => {
    const look = () => doc.truth.unsent === 0 && doc.truth.status === 'synced' && resolve()
    doc.on('truth', look)
    look()
  })
}
