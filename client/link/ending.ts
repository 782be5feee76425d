/** What the end of a connection means for the next one. Pure. */

import { type ErrorCode, type ErrorEntry, entryOf, errors, isErrorCode } from '../../ops/errors.ts'

export type Ending =
  /** Nothing was said: back off, from the start if the link was up. */
  | 'broken'
  /** Something was said that may happen again at once: back off, and go on counting though the link was up. */
  | 'refused'
  /** Too much was asked: a long wait. */
  | 'throttled'
  /** The server comes back: dial soon, at a random moment, as if nothing had failed. */
  | 'restarting'
  /** A new token is needed. */
  | 'token'
  /** Another try would not mend it. */
  | 'over'

const endings: Readonly<Record<number, Ending>> = {
  1009: 'refused',
  1012: 'restarting',
  4401: 'token',
  4403: 'over',
  4408: 'refused',
  4429: 'throttled',
}

const entries: [ErrorCode, ErrorEntry][] = Object.entries(errors) as [ErrorCode, ErrorEntry][]

/** The code that a server closes with: it stands in the reason, else the number tells; null if nothing was meant. */
export const codeOfClose = (close: number, reason: string): ErrorCode | null =>
  isErrorCode(reason) ? reason : (entries.find(([, entry]) => entry.close === close)?.[0] ?? null)

export function endingOfClose(close: number, code: ErrorCode | null): Ending {
  if (code === null) return endings[close] ?? 'broken'
  return code === 'PROTOCOL_VERSION' ? 'over' : (endings[close] ?? 'refused')
}

/** The greeting was refused: by the close code that belongs to the error, else by its fate. */
export function endingOfRefusal(code: string): Ending {
  const { close, fate } = entryOf(code)
  return endings[close ?? 0] ?? (fate === 'retry' ? 'refused' : 'over')
}
