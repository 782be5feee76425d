/** A rolling restart: real processes on one Postgres, one after the other, under clients that never stop typing. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Client, Doc } from '../../client/api.ts'
import { connect } from '../../client/client.ts'
import { memoryLog } from '../../client/log/memory.ts'
import { end, start } from '../browser/harness/processes.ts'
import { sharedPostgres } from '../harness/shared-postgres.ts'

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url))
const CLIENTS = 6
/** All links of a process share one circuit: six that find a server away would wait half a minute before they ask again. */
const timings = { backoffBaseMs: 50, backoffMaxMs: 500, probeMs: 500 }

interface Running {
  readonly child: ChildProcess
  readonly url: string
}

describe('A rolling restart', function () {
  this.timeout(60_000)
  const servers: Running[] = []
  const clients: Client[] = []

  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    for (const { child } of servers.splice(0)) await end(child)
  })

  async function serve(store: string, port = '0'): Promise<Running> {
    const env = {
      ...process.env,
      HOLDFAST_PORT: port,
      HOLDFAST_STORE: store,
      HOLDFAST_WEB: '.',
      HOLDFAST_LOG: 'silent',
    }
    const child = start(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface(child.stdout!)) {
      const url = /ready at (\S+)/.exec(line)?.[1]
      if (url) {
        const running = { child, url }
        servers.push(running)
        return running
      }
    }
    throw new Error('the server did not start')
  }

  /** Types one word after the other, each as soon as the device has said where the one before it stands. */
  function typing(doc: Doc, name: string) {
    const faults: string[] = []
    let [typed, goesOn] = [0, true]
    const ended = Promise.withResolvers<void>()
    const type = () => {
      if (!goesOn) return ended.resolve()
      doc.edit([`${name}.${typed++} `] as never)
      setImmediate(() => void doc.settled.then(type))
    }
    doc.on('truth', () => {
      if (doc.truth.error) faults.push(doc.truth.error.code)
      if (doc.truth.held > 0) faults.push('HELD')
    })
    type()
    return {
      faults,
      async stop() {
        goesOn = false
        await ended.promise
        return Array.from({ length: typed }, (_, i) => `${name}.${i}`)
      },
    }
  }

  const settledOf = async (client: Client, doc: Doc) => {
    await doc.settled
    return client.phase
  }

  it('[F14] loses nothing, holds nothing and shows nobody an error', async () => {
    const store = await (await sharedPostgres()).createDatabase()
    const pair = [await serve(store), await serve(store)]
    const typists = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, i) => {
        const client = connect({ server: pair[i % 2]!.url, log: memoryLog(), timings })
        clients.push(client)
        const doc = await client.open('notes', 'rolling', 'text')
        return { client, doc, ...typing(doc, `t${i}`) }
      }),
    )
    for (const { child, url } of pair) {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      assert.deepEqual(await exit, [0, null])
      await serve(store, new URL(url).port)
      for (const { client, doc } of typists) assert.equal(await settledOf(client, doc), 'online')
    }
    const typed = (await Promise.all(typists.map(each => each.stop()))).flat()
    await Promise.all(typists.map(({ doc }) => doc.settled))
    assert.deepEqual(
      typists.flatMap(({ faults }) => faults),
      [],
    )
    const response = await fetch(`${pair[0]!.url}/v1/docs/notes/rolling`)
    const { data } = (await response.json()) as { data: string }
    assert.deepEqual(data.trim().split(' ').sort(), typed.sort())
    assert.ok(typed.length > 10 * CLIENTS, String(typed.length))
  })
})
