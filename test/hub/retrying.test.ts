/** Held, tried again, carried elsewhere in a file, in whatever order: each edit is on the server once, or held in sight. */

import assert from 'node:assert/strict'
import type { Client, Doc } from '../../client/api.ts'
import { connect } from '../../client/client.ts'
import { memoryLog, memoryStorage } from '../../client/log/memory.ts'
import { until } from '../client/until.ts'
import { Random } from '../random.ts'
import { Board, tokenOf } from '../server/access/site.ts'
import { closeAll, serve } from '../server/scene.ts'

const open: Client[] = []
const token = async () => tokenOf({ id: 'ada' })
const SEEDS = 40
const STEPS = 25

describe('retrying what is held', () => {
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
    await closeAll()
  })

  async function run(seed: number): Promise<void> {
    const random = new Random(seed)
    const board = new Board()
    const server = await serve({}, null, board)
    const key = { collection: 'notes', id: 'one' }
    const storage = memoryStorage()
    const device = (log = memoryLog()) => {
      const timings = { backoffBaseMs: 5, backoffMaxMs: 10 }
      const client = connect({ server: server.url, token, log, timings })
      open.push(client)
      return client
    }
    const allow = (may: boolean) => {
      board.give('ada', may ? 'write' : 'read', key.collection, key.id)
      board.changed('ada')
    }
    let client = device(memoryLog({ storage }))
    let doc: Doc<string>
    const begin = async () => {
      doc = await client.open<string>(key.collection, key.id, 'text')
    }
    allow(random.chance(0.5))
    await begin()
    let paused = false
    const pause = (now: boolean) => {
      paused = now
      if (now) client.pause()
      else client.resume()
    }
    let written = 0
    const files: string[] = []
    const imports: Promise<unknown>[] = []
    const steps: (() => unknown)[] = [
      () => doc.edit([`<${++written}>`] as never),
      () => doc.edit([`<${++written}>`] as never),
      () => allow(true),
      () => allow(false),
      () => pause(true),
      () => pause(false),
      () => paused || doc.settled,
      async () => files.push(await client.exportUnsent()),
      () => files.length > 0 && imports.push(device().importUnsent(random.pick(files))),
      () => Promise.all(imports),
      () => doc.held.length > 0 && doc.retry(random.pick(doc.held).name),
      async () => {
        await doc.saved
        await client.close()
        paused = false
        client = device(memoryLog({ storage }))
        await begin()
      },
    ]
    for (let i = 0; i < STEPS; i++) await random.pick(steps)()
    pause(false)
    allow(true)
    await Promise.all(imports)
    for (const file of files) await device().importUnsent(file)
    await until(doc!, ({ unsent, error }) => unsent === 0 && error === null)
    for (const { name } of doc!.held) doc!.retry(name)
    await doc!.settled
    for (const file of files) await device().importUnsent(file)
    const { data } = await server.gateway.store.snapshot(key)
    for (let n = 1; n <= written; n++) {
      const times = String(data).split(`<${n}>`).length - 1
      const inSight = doc!.held.some(({ text }) => text.includes(`<${n}>`))
      assert.ok(times === 1 || (times === 0 && inSight), `seed ${seed}: <${n}> is there ${times} times`)
    }
  }

  it('[Q15] leaves each edit once, in any order of what may happen', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      await run(seed)
      for (const each of open.splice(0)) await each.close()
      await closeAll()
    }
  }).timeout(120_000)
})
