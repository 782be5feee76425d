/** A Yjs client: a `Y.Doc` per document, synced by state vector over a WebSocket of its own. */

import * as Y from 'yjs'
import { spliceShared } from '../../traces/splice.ts'
import { digest } from '../content.ts'
import { Line } from '../line.ts'
import { answer } from '../process.ts'
import type { ClientCalls, Setup } from './client.ts'
import { frames, have, receive } from './yjs-frames.ts'

const open = new Map<string, { line: Line; doc: Y.Doc; socket: WebSocket | null }>()
let setup: Setup

answer<ClientCalls>({
  setup(given) {
    setup = given
  },
  async open(id) {
    open.set(id, { line: new Line(), doc: new Y.Doc(), socket: null })
    await sync(id)
    hangUp(id)
  },
  async edit(id) {
    const { doc } = open.get(id)!
    const text = doc.getText()
    const start = performance.now()
    for (const splice of setup.branch) doc.transact(() => spliceShared(text, splice))
    return performance.now() - start
  },
  async merge(id) {
    const { line } = open.get(id)!
    line.takeTraffic()
    const start = performance.now()
    await sync(id)
    return { ms: performance.now() - start, traffic: line.takeTraffic() }
  },
  async content(id) {
    const text = open.get(id)!.doc.getText()
    return digest(setup.kind === 'rich' ? text.toDelta() : text.toString())
  },
  async close(id) {
    hangUp(id)
    open.delete(id)
  },
})

/** Connects; done when this side has what the server had, and the server has taken what this side had. */
function sync(id: string): Promise<void> {
  const entry = open.get(id)!
  const socket = entry.line.open(`${setup.url}/${id}`)
  entry.socket = socket
  return new Promise((resolve, reject) => {
    const missing = new Set<number | undefined>([frames.update, frames.taken])
    socket.onopen = () => socket.send(have(entry.doc))
    socket.onerror = () => reject(new Error('no connection to the Yjs server'))
    socket.onmessage = ({ data }) => {
      const bytes = new Uint8Array(data)
      const reply = receive(entry.doc, bytes)
      if (reply) socket.send(reply)
      missing.delete(bytes[0])
      if (missing.size === 0) resolve()
    }
  })
}

function hangUp(id: string): void {
  open.get(id)!.socket?.close()
}
