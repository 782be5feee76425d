/**
 * What servers say to each other, version 1: `SENDER JSON`. On a document's channel the JSON is one committed op,
 * `{v, src, seq, hash, op | create | del}`, or `{v}` where that would be long: the hearer then asks the database.
 * On a channel of presence it is what ShareDB publishes there, on that of the servers what roll.ts says, and on that of a
 * collection {}: something in it has changed.
 */

import type { SharedbOp } from '../sharedb.ts'

export const MESSAGE_VERSION = 1

/** Above this many UTF-16 units an op is fetched by those who need it. */
const LONG = 32_768

export const messageOf = (sender: string, data: unknown): string => `${sender} ${JSON.stringify(data)}`

export function opMessageOf(sender: string, { c: _c, d: _d, m: _m, ...op }: SharedbOp): string {
  const text = messageOf(sender, op)
  return text.length <= LONG ? text : messageOf(sender, { v: op.v })
}

export interface Message {
  readonly sender: string
  readonly data: object
}

/** Null for one's own and for what is none: whoever can write to Redis can say anything. */
export function readMessage(text: string, self: string): Message | null {
  const space = text.indexOf(' ')
  const sender = text.slice(0, space)
  if (space < 1 || sender === self) return null
  try {
    const data: unknown = JSON.parse(text.slice(space + 1))
    return typeof data === 'object' && data !== null ? { sender, data } : null
  } catch {
    return null
  }
}

/** Whether it holds the change itself. */
export const isWhole = (op: SharedbOp): boolean =>
  'op' in op || op.create !== undefined || op.del !== undefined

export const hasVersion = (data: object): data is SharedbOp & { v: number } =>
  'v' in data && Number.isSafeInteger(data.v) && (data.v as number) >= 0
