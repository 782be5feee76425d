/** The Holdfast client through its public API; its log is in memory, as an app in Node has it. */

import { type Client, connect, type Doc, memoryLog } from '../../../client/index.ts'
import { deltaOp, textOp } from '../../traces/splice.ts'
import { digest } from '../content.ts'
import { Line } from '../line.ts'
import { answer } from '../process.ts'
import type { ClientCalls, Setup } from './client.ts'

type BenchDoc = Doc<string | { ops: { insert: unknown }[] }>

interface Open {
  readonly line: Line
  readonly client: Client
  readonly doc: BenchDoc
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
    const client = connect({ server: setup.url, log: memoryLog(), dial: line.dial })
    const doc: BenchDoc = await client.open(COLLECTION, id, setup.kind)
    await synced(doc)
    line.cut()
    open.set(id, { line, client, doc })
  },
  async edit(id) {
    const { doc } = open.get(id)!
    const opOf = setup.kind === 'rich' ? deltaOp : textOp
    const start = performance.now()
    for (const splice of setup.branch) doc.edit(opOf(splice))
    await doc.saved
    return performance.now() - start
  },
  async merge(id) {
    const { line, client, doc } = open.get(id)!
    line.takeTraffic()
    line.mend()
    const start = performance.now()
    client.reconnect()
    await doc.settled
    return { ms: performance.now() - start, traffic: line.takeTraffic() }
  },
  async content(id) {
    const { data } = open.get(id)!.doc
    return digest(typeof data === 'string' ? data : data.ops)
  },
  async close(id) {
    await open.get(id)!.client.close()
    open.delete(id)
  },
})

function synced(doc: BenchDoc): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (doc.status !== 'synced' || !doc.truth.exists) return
      stop()
      resolve()
    }
    const stop = doc.on('truth', look)
    look()
  })
}
