/** What leaves the server: frames as text, and errors that tell a client what to do and nothing about our insides. */

import type { ErrorCode } from '../../ops/errors.ts'
import { errors, HoldfastError, isErrorCode } from '../../ops/errors.ts'
import type { WireError } from '../../ops/protocol.ts'
import type { Report } from '../report.ts'
import type { ManyOps } from '../telling.ts'

/** Faults of ours, not of the client: it learns the code, the operator the rest. */
const ours: ReadonlySet<ErrorCode> = new Set(['INTERNAL', 'STORE_FAILED'])

/** An error as a client is told of it; one without a code of our table is INTERNAL and is reported. */
export function wireError(error: unknown, report: Report): WireError {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  const known = isErrorCode(code) ? code : 'INTERNAL'
  if (ours.has(known)) report(`a request failed (${String(code)})`, error instanceof Error ? error : message)
  // ShareDB passes on whatever a type threw, which may quote the document.
  const speaks = !ours.has(known) && !known.startsWith('ERR_') && typeof message === 'string'
  return { code: known, message: speaks ? message : errors[known].meaning }
}

export const codedError = (code: ErrorCode, message?: string): WireError => {
  const error = new HoldfastError(code, message)
  return { code, message: error.message }
}

/** A message as text, ready to be sent to any number of clients. */
export interface Line {
  readonly text: string
  /** Its length in UTF-8. */
  readonly bytes: number
  /** As a WebSocket frame, once a socket has made it. */
  frame?: Buffer
}

/**
 * What is told to many: one message is one object for all of them, see telling.ts. Making the text once for 100 readers instead of
 * for each is 131,000 frames a second instead of 83,000.
 */
const known = new WeakMap<object, readonly Line[]>()

/** A message as lines: one, or where it stands for several ops, one for each. */
export function linesOf(message: Record<string, unknown>): readonly Line[] {
  const found = known.get(message)
  if (found) return found
  const lines = message.a === 'ops' ? (message as ManyOps).messages.flatMap(linesOf) : [lineOf(message)]
  if (isForMany(message)) known.set(message, lines)
  return lines
}

export function lineOf(message: Record<string, unknown>): Line {
  const text = JSON.stringify(message)
  return { text, bytes: Buffer.byteLength(text) }
}

const isForMany = ({ a, op, create, del }: Record<string, unknown>): boolean =>
  a === 'p' || a === 'ops' || op !== undefined || create !== undefined || del !== undefined
