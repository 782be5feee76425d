/** ShareDB's own client: while it has no connection it composes its edits by itself into one pending op. */

import { once } from 'node:events'
import { deltaOp, textOp } from '../../traces/splice.ts'
import { digest } from '../content.ts'
import { Line } from '../line.ts'
import { answer } from '../process.ts'
import type { ClientCalls, Setup } from './client.ts'
import { type StockConnection, type StockDoc, stockConnection } from './stock.ts'

interface Open {
  readonly line: Line
  readonly connection: StockConnection
  readonly doc: StockDoc
}

const COLLECTION = 'bench'
const open = new Map<string, Open>()
let setup: Setup

answer<ClientCalls>({
  setup(given) {
    setup = given
  },
  async open(id) {
    const line = new Line()
    const socket = line.open(setup.url)
    const connection = stockConnection(socket)
    const doc = connection.get(COLLECTION, id)
    await new Promise<void>((resolve, reject) => doc.subscribe(error => (error ? reject(error) : resolve())))
    const closed = once(socket, 'close')
    connection.close()
    await closed
    open.set(id, { line, connection, doc })
  },
  async edit(id) {
    const { doc } = open.get(id)!
    const opOf = setup.kind === 'rich' ? deltaOp : textOp
    const start = performance.now()
    for (const splice of setup.branch) doc.submitOp(opOf(splice))
    return performance.now() - start
  },
  async merge(id) {
    const { line, connection, doc } = open.get(id)!
    line.takeTraffic()
    const failed = new Promise<never>((_, reject) => doc.once('error', reject))
    const start = performance.now()
    connection.bindToSocket(line.open(setup.url))
    await Promise.race([failed, new Promise<void>(resolve => doc.whenNothingPending(resolve))])
    const ms = performance.now() - start
    // The subscription that it renews on its own may still be on its way: its bytes belong to the reconnect.
    await new Promise<void>(resolve => doc.subscribe(() => resolve()))
    return { ms, traffic: line.takeTraffic() }
  },
  async content(id) {
    const data = open.get(id)!.doc.data as string | { ops: { insert: string }[] }
    return digest(typeof data === 'string' ? data : data.ops)
  },
  async close(id) {
    open.get(id)!.connection.close()
    open.delete(id)
  },
})
