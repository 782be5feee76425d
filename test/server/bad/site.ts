/** The server under the table of bad inputs, the documents that it has, and two who work on one meanwhile and notice nothing. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Client, Doc } from '../../../client/api.ts'
import { connect } from '../../../client/client.ts'
import { memoryLog } from '../../../client/log/memory.ts'
import { end, start } from '../../browser/harness/processes.ts'
import { until } from '../../client/until.ts'
import { ask } from '../api/asking.ts'
import type { Place } from '../scene.ts'
import type { Health } from './server.ts'
import { audience, issuer, openSigner, type Signer } from './signer.ts'

const program = fileURLToPath(new URL('./server.ts', import.meta.url))

export interface Site extends Place {
  readonly port: number
  readonly signer: Signer
  /** A good token of the one who sends what is bad. */
  readonly token: string
  health(): Promise<Health>
  /** Those who work here go on, in order; every document is as it was, and so is what all objects have from birth. */
  unharmed(): Promise<void>
  close(): Promise<void>
}

/** Those that the rows speak of: by collection and id, with the version that they keep. */
const documents = [
  { path: 'bad/text', type: 'text', data: 'hello', v: 2 },
  { path: 'bad/json', type: 'json', data: { k: 'v' }, v: 1 },
  { path: 'bad/rich', type: 'rich', data: { ops: [{ insert: 'hello\n' }] }, v: 1 },
  { path: 'notes/text', type: 'text', data: 'hello', v: 1 },
  { path: 'notes/json', type: 'json', data: { a: 1 }, v: 1 },
  { path: 'notes/rich', type: 'rich', data: { ops: [{ insert: 'hi\n' }] }, v: 1 },
]

export async function openSite(): Promise<Site> {
  const signer = await openSigner()
  const env = {
    ...process.env,
    HOLDFAST_PORT: '0',
    HOLDFAST_DATA: ':memory:',
    HOLDFAST_ACCESS: 'jwt',
    HOLDFAST_JWKS_URL: signer.url,
    HOLDFAST_JWT_ISSUER: issuer,
    HOLDFAST_JWT_AUDIENCE: audience,
    // The rows come faster than anybody may ask; rates have tests of their own.
    HOLDFAST_OPS_PER_SECOND: '0',
    HOLDFAST_BYTES_PER_SECOND: '0',
    HOLDFAST_REFUSED_TOKENS_PER_SECOND: '0',
  }
  const child = start(process.execPath, ['--expose-gc', program], {
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [url] = (await once(child, 'message')) as [string]
  const token = await signer.good('eve')
  const place = { url, port: Number(new URL(url).port), signer, token }
  const headers = { authorization: `Bearer ${token}` }
  for (const { path, type, data, v } of documents) {
    const put = (data: unknown) =>
      ask(place, `/v1/docs/${path}`, { method: 'PUT', headers, send: { type, data } })
    await put(data)
    if (v === 2) await put(`oh ${data}`)
  }
  const health = async (): Promise<Health> => {
    child.send('how are you')
    return (await once(child, 'message'))[0]
  }
  const workers = await openWorkers(place)
  return {
    ...place,
    health,
    async unharmed() {
      await workers.work()
      for (const { path, v } of documents)
        assert.equal((await ask(place, `/v1/docs/${path}`, { headers })).body.v, v, `${path} is as it was`)
      const { changed, reports } = await health()
      assert.deepEqual({ changed, reports }, { changed: [], reports: [] })
    },
    async close() {
      await workers.close()
      await end(child, 'SIGTERM')
      signer.close()
    },
  }
}

/** Two clients of ours on one document: one writes, both must have it all, in order, and hear of no trouble. */
async function openWorkers({ url, signer }: { url: string; signer: Signer }) {
  const open = async (sub: string): Promise<[Client, Doc<string>]> => {
    const client = connect({ server: url, log: memoryLog(), token: () => signer.good(sub) })
    return [client, await client.open<string>('work', 'own', 'text')]
  }
  const [ann, hers] = await open('ann')
  const [bea, theirs] = await open('bea')
  let text = '.'
  hers.edit([text] as never)
  await hers.settled
  const phases: string[] = []
  for (const client of [ann, bea]) client.on('phase', phase => phases.push(phase))
  let n = 0
  return {
    async work() {
      const word = `${++n} `
      text = word + text
      hers.edit([word] as never)
      await hers.settled
      while (theirs.data?.length !== text.length)
        await new Promise<void>(resolve => {
          const off = theirs.on('change', () => {
            off()
            resolve()
          })
        })
      assert.equal(theirs.data, text)
      assert.deepEqual([hers.truth.status, hers.truth.held, hers.truth.error], ['synced', 0, null])
      await until(theirs, truth => truth.status === 'synced')
      assert.deepEqual(phases, [])
    },
    close: () => Promise.all([ann.close(), bea.close()]),
  }
}
