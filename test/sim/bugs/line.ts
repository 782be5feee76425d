/** A client that says or hears something else on its line than it should. */

import type { Dial } from '../../../client/link/link.ts'
import { entryOf } from '../../../ops/errors.ts'
import type { Bug } from './bug.ts'

interface Frame {
  readonly a: string
  readonly c?: string
  readonly d?: string
  readonly v?: number | null
  readonly src?: string
  readonly seq?: number
  readonly op?: unknown
  readonly hash?: string
  readonly own?: unknown
  readonly submit?: Named
  readonly segments?: readonly unknown[]
  readonly error?: { readonly code: string }
}

interface Named {
  readonly seq: number
}

/** Both directions of one connection; a frame may become another one, or none. */
interface Tap {
  readonly up?: (frame: Frame) => Frame
  readonly down?: (frame: Frame) => Frame
}

const tapped =
  (tap: () => Tap) =>
  (dial: Dial): Dial =>
  (url, events) => {
    const { up = frame => frame, down = frame => frame } = tap()
    const edited = (text: string, edit: (frame: Frame) => Frame) => JSON.stringify(edit(JSON.parse(text)))
    const socket = dial(url, { ...events, text: text => events.text(edited(text, down)) })
    return { ...socket, send: text => socket.send(edited(text, up)) }
  }

/** Seqs of the connection n stand above n times this. */
const SHIFT = 1_000_000

/** Each connection sends under new names, and the server is not asked about the old ones. */
export const renamed: Bug = {
  dial: dial => {
    let connections = 0
    return tapped(() => {
      const shift = ++connections * SHIFT
      return {
        up: frame => {
          if (frame.a === 'op') return { ...frame, seq: frame.seq! + shift }
          if (frame.a !== 'h.catchup') return frame
          const { submit } = frame
          return { ...frame, own: [], ...(submit && { submit: { ...submit, seq: submit.seq + shift } }) }
        },
        down: frame => (frame.a === 'op' ? { ...frame, seq: frame.seq! % SHIFT } : frame),
      }
    })(dial)
  },
}

/** Does not ask for its own edits when it catches up, so that it takes them for somebody else's. */
export const ownless: Bug = {
  dial: tapped(() => ({ up: frame => (frame.a === 'h.catchup' ? { ...frame, own: [] } : frame) })),
}

/** Does not say what it knew, so that a server that went back cannot tell it. */
export const unhashed: Bug = {
  dial: tapped(() => ({
    up: ({ hash, ...frame }) => (frame.a === 'h.catchup' || hash === undefined ? frame : { ...frame, hash }),
  })),
}

/** Misses the end of a catch-up and believes to be at its head. */
export const cutShort: Bug = {
  dial: tapped(() => ({
    down: frame =>
      frame.a === 'h.catchup' && frame.segments && frame.segments.length > 1
        ? { ...frame, segments: frame.segments.slice(0, -1) }
        : frame,
  })),
}

/** Follows what is on its way on one connection: the frame of each document that was not answered. */
function awaiting(down: (frame: Frame, sent: Frame | undefined) => Frame): Tap {
  const sent = new Map<string, Frame>()
  return {
    up: frame => {
      if (frame.a === 'op') sent.set(frame.d!, frame)
      return frame
    },
    down: frame => (frame.a === 'op' ? down(frame, sent.get(frame.d!)) : frame),
  }
}

const ackOf = ({ a, c, d, src, seq }: Frame, v: Frame['v']): Frame => ({ a, c, d, v, src, seq })

/** Takes a refusal for an ack. */
export const deafToRefusals: Bug = {
  dial: tapped(() =>
    awaiting((frame, sent) =>
      frame.error && sent?.seq === frame.seq && entryOf(frame.error.code).fate === 'hold'
        ? ackOf(frame, sent!.v)
        : frame,
    ),
  ),
}

/** Takes somebody else's op for the ack of its own. */
export const confused: Bug = {
  dial: tapped(() =>
    awaiting((frame, sent) => (frame.op && sent && sent.v === frame.v ? ackOf(sent, frame.v) : frame)),
  ),
}
