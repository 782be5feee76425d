/** A program that takes deliveries of webhooks, on loopback: well, badly, or not at all, as the test says. */

import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isSignedBy } from '../../../server/webhooks/signature.ts'

export const SECRET = 'a secret of some length'

export interface Delivery {
  readonly id: string
  readonly body: string
  readonly ids: readonly string[]
  readonly response: ServerResponse
}

export interface Receiver {
  readonly url: string
  /** Everything that came. */
  readonly deliveries: Delivery[]
  /** How the next ones are answered; 200 by default, null: not at all. */
  readonly answers: (number | null)[]
  /** The next delivery, not returned before. */
  next(): Promise<Delivery>
  close(): Promise<void>
}

export async function openReceiver(): Promise<Receiver> {
  const deliveries: Delivery[] = []
  const answers: (number | null)[] = []
  const unread: Delivery[] = []
  const waiting: ((delivery: Delivery) => void)[] = []
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    const header = (name: string) => String(request.headers[name])
    const [timestamp, signature] = [Number(header('x-holdfast-timestamp')), header('x-holdfast-signature')]
    assert.ok(isSignedBy(SECRET, timestamp, body, signature))
    assert.ok(!isSignedBy(SECRET, timestamp + 1, body, signature))
    assert.ok(!isSignedBy('another secret!!', timestamp, body, signature))
    const ids = JSON.parse(body).changes.map(({ id }: { id: string }) => id)
    const delivery = { id: header('x-holdfast-delivery'), body, ids, response }
    const answer = answers.length > 0 ? answers.shift()! : 200
    if (answer !== null) response.writeHead(answer, { location: '/elsewhere' }).end()
    deliveries.push(delivery)
    const take = waiting.shift()
    if (take) take(delivery)
    else unread.push(delivery)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook?key=s3cr3t`,
    deliveries,
    answers,
    next: () =>
      new Promise(resolve => (unread.length > 0 ? resolve(unread.shift()!) : waiting.push(resolve))),
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
