/**
 * Somebody else who edits while the client is away: speaks ShareDB's wire protocol by hand, one op after the other,
 * each acknowledged before the next is sent. So the server commits every op as a version of its own, on its usual way.
 */

import { once } from 'node:events'

interface Address {
  readonly collection: string
  readonly id: string
}

interface Answer {
  a: string
  seq?: number
  error?: { code: string; message: string }
}

/** Creates a document with `data`, of the type with this URI. */
export const feedCreate = (url: string, address: Address, type: string, data: unknown): Promise<void> =>
  feed(url, address, 0, [{ create: { type, data } }])

/** Commits `ops` on top of version `from`. */
export const feedOps = (
  url: string,
  address: Address,
  from: number,
  ops: readonly unknown[],
): Promise<void> =>
  feed(
    url,
    address,
    from,
    ops.map(op => ({ op })),
  )

async function feed(
  url: string,
  { collection, id }: Address,
  from: number,
  changes: readonly object[],
): Promise<void> {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  const src = crypto.randomUUID().replaceAll('-', '')
  const send = (frame: object) => socket.send(JSON.stringify(frame))
  const submit = (index: number) =>
    send({ a: 'op', c: collection, d: id, v: from + index, src, seq: index + 1, ...changes[index] })
  await new Promise<void>((resolve, reject) => {
    let acked = 0
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data) as Answer
      if (frame.error)
        return reject(new Error(`${id}, op ${acked}: ${frame.error.code} ${frame.error.message}`))
      if (frame.a === 'op') acked++
      else if (frame.a !== 'hs') return
      if (acked === changes.length) resolve()
      else submit(acked)
    }
    socket.onclose = event =>
      reject(new Error(`${id}, op ${acked}: closed with ${event.code} ${event.reason}`))
    send({ a: 'hs', protocol: 1, protocolMinor: 2, id: src })
  })
  socket.onclose = null
  socket.close()
}
