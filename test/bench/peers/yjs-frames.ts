/**
 * The messages between the two Yjs processes, after y-protocols/sync: one byte that says what follows, then bytes of
 * Yjs. Both sides say what they have when a connection opens, and answer with what the other lacks. `taken` is the one addition:
 * y-protocols has no acknowledgement, and without one the client cannot know when the server is equal.
 */

import * as Y from 'yjs'

export const frames = { have: 0, update: 1, taken: 2 } as const

export type FrameKind = (typeof frames)[keyof typeof frames]

export function frame(kind: FrameKind, body: Uint8Array = new Uint8Array()): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(body.length + 1)
  bytes[0] = kind
  bytes.set(body, 1)
  return bytes
}

/** Takes a message of the other side into `doc`; the answer to it, if there is one. */
export function receive(doc: Y.Doc, bytes: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const body = bytes.subarray(1)
  if (bytes[0] === frames.have) return frame(frames.update, Y.encodeStateAsUpdate(doc, body))
  if (bytes[0] === frames.update) Y.applyUpdate(doc, body)
  return null
}

export const have = (doc: Y.Doc): Uint8Array<ArrayBuffer> => frame(frames.have, Y.encodeStateVector(doc))
