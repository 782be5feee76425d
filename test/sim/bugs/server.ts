/** Servers that do not keep the laws, as their clients would see it. */

import type { Socket } from '../../../server/gateway/session.ts'
import { type Parcel, parcelOf } from '../../../server/gateway/wire.ts'
import type { Accept } from '../network.ts'
import type { Bug } from './bug.ts'

interface Frame {
  readonly a: string
  readonly c: string
  readonly d: string
  readonly v: number
  readonly src: string
  readonly seq: number
  readonly op?: unknown
}

/** Has a hand in each op that comes in; `pass` lets the server have a frame. */
const onOps =
  (hand: () => (frame: Frame, pass: (frame: Frame) => void, socket: Socket) => void) =>
  (accept: Accept): Accept => {
    const act = hand()
    return socket => {
      const session = accept(socket)
      if (!session) return null
      const pass = (frame: Frame) => session.receive(JSON.stringify(frame))
      const receive = (data: string | Uint8Array) => {
        const frame = JSON.parse(String(data)) as Frame
        if (frame.a === 'op' && frame.op !== undefined) act(frame, pass, socket)
        else session.receive(data)
      }
      return { receive, closed: () => session.closed() }
    }
  }

/** Every tenth op is committed twice, the second time under another name. */
export const generous: Bug = {
  accept: onOps(() => {
    let ops = 0
    return (frame, pass) => {
      pass(frame)
      if (++ops % 10 === 0) pass({ ...frame, src: `${frame.src.slice(0, -1)}_` })
    }
  }),
}

/** Every tenth op is acknowledged and not committed. */
export const lying: Bug = {
  accept: onOps(() => {
    let ops = 0
    return (frame, pass, socket) => {
      const { op: _op, ...ack } = frame
      if (++ops % 10 === 0) socket.send(parcelOf(ack))
      else pass(frame)
    }
  }),
}

/** Tells everybody everything. */
export const indiscreet: Bug = {
  accept: accept => {
    const sockets = new Set<Socket>()
    return socket => {
      sockets.add(socket)
      const send = (parcel: Parcel) => {
        const isOp = parcel.lines[0]!.text.startsWith('{"a":"op"')
        for (const each of isOp ? sockets : [socket]) each.send(parcel)
      }
      return accept({ ...socket, send })
    }
  },
}
