/**
 * Writers that speak ShareDB's wire protocol by hand, for Holdfast and for ShareDB alike. Each subscribes to its document,
 * so it is sent what the others commit, as a stock client is; it takes note of the version and of nothing else, and
 * puts its next edit on the newest version it has heard of. The server transforms what has crossed.
 */

import { once } from 'node:events'
import { WebSocket } from 'ws'
import { textOp } from '../../traces/splice.ts'
import { answer } from '../process.ts'
import { COLLECTION } from '../store/edits.ts'
import { type OpenWriter, runWriters, type WritersCalls } from './writers.ts'

answer<WritersCalls>({ run: load => runWriters(load, openWriter) })

/** The version of a document that was created and not edited. */
const CREATED = 1

interface Frame {
  a: string
  v?: number
  error?: { code: string; message: string }
}

const openWriter: OpenWriter = async (url, document, events) => {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  const src = crypto.randomUUID().replaceAll('-', '')
  const address = { c: COLLECTION, d: document }
  const ready = Promise.withResolvers<void>()
  let version = CREATED
  let seq = 0

  const heard = (text: string) => {
    // Of 50 writers' ops 49 are somebody else's, and of those only the version matters: no need to parse them.
    const foreign = text.includes('"op":[') && !text.includes(src)
    const frame: Frame = foreign ? { a: 'op', v: versionIn(text) } : JSON.parse(text)
    if (frame.error)
      return events.failed(new Error(`${document}: ${frame.error.code} ${frame.error.message}`))
    if (frame.a === 'op') {
      version = Math.max(version, frame.v! + 1)
      if (!foreign) events.acknowledged()
    } else if (frame.a === 'hs') socket.send(JSON.stringify({ a: 's', ...address, v: version }))
    else if (frame.a === 's') ready.resolve()
  }
  socket.on('message', data => heard(String(data)))
  socket.on('error', events.failed)
  socket.on('close', code => events.failed(new Error(`${document}: the connection ended with ${code}`)))
  await once(socket, 'open')
  socket.send(JSON.stringify({ a: 'hs', protocol: 1, protocolMinor: 2, id: src }))
  await ready.promise

  return {
    send(edit) {
      seq++
      const frame = JSON.stringify({ a: 'op', ...address, v: version, src, seq, op: textOp(edit) })
      const at = performance.now()
      socket.send(frame)
      return at
    },
    close: () => socket.terminate(),
  }
}

const versionIn = (text: string): number => Number(/"v":(\d+)/.exec(text)![1])
