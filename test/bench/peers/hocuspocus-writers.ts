/**
 * Writers that speak Hocuspocus' protocol by hand: a frame is the document's name, a byte that says what follows, and
 * y-protocols' sync inside. Each loads its document into a `Y.Doc`, because an edit of Yjs names the items it stands
 * between; what the others write arrives and is left aside, which an edit of Yjs can do without.
 *
 * Hocuspocus acknowledges an edit (`syncStatus`) before it is stored. What counts here is the word of our server
 * (`hocuspocus-server.ts`) that a state with the edit in it was stored.
 */

import { once } from 'node:events'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { spliceShared } from '../../traces/splice.ts'
import { answer } from '../process.ts'
import { FrameReader, sized } from './hocuspocus-frames.ts'
import { type OpenWriter, runWriters, type WritersCalls } from './writers.ts'

answer<WritersCalls>({ run: load => runWriters(load, openWriter) })

/** Kinds of frames. */
const kinds = { sync: 0, auth: 2, syncReply: 4, stateless: 5 } as const
/** What a sync frame holds. */
const steps = { have: 0, missing: 1, update: 2 } as const
/** What an auth frame holds. */
const auth = { token: 0, denied: 1 } as const

const openWriter: OpenWriter = async (url, document, events) => {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  const doc = new Y.Doc()
  const ready = Promise.withResolvers<void>()
  const send = (...parts: (Uint8Array | readonly number[])[]) =>
    socket.send(Buffer.concat([sized(Buffer.from(document)), ...parts.map(part => Buffer.from(part))]))

  const heard = (bytes: Buffer) => {
    const read = new FrameReader(bytes)
    read.sized()
    const kind = read.number()
    if (kind === kinds.stateless) events.acknowledged()
    else if (kind === kinds.auth && read.number() === auth.denied)
      events.failed(new Error(`${document}: the server does not let us in`))
    else if ((kind === kinds.sync || kind === kinds.syncReply) && read.number() === steps.missing) {
      Y.applyUpdate(doc, read.sized())
      ready.resolve()
    }
  }
  socket.on('message', data => heard(data as Buffer))
  socket.on('error', events.failed)
  socket.on('close', code => events.failed(new Error(`${document}: the connection ended with ${code}`)))
  await once(socket, 'open')
  send([kinds.auth, auth.token], sized(Buffer.of()))
  send([kinds.sync, steps.have], sized(Y.encodeStateVector(doc)))
  await ready.promise

  let made: Uint8Array = Buffer.of()
  doc.on('update', update => {
    made = update
  })
  return {
    send(edit) {
      doc.transact(() => spliceShared(doc.getText(), edit))
      const at = performance.now()
      send([kinds.sync, steps.update], sized(made))
      return at
    },
    close: () => socket.terminate(),
  }
}
