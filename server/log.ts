/**
 * What the server writes down while it runs: JSON lines on standard error, by pino, at the level HOLDFAST_LOG and above.
 *
 * Law: no content of a document is in them, and names of documents only at debug. An error that nobody gave a code may quote
 * what it choked on (JSON.parse does), so of such a one the lines have the place, not the words.
 */

import { type DestinationStream, destination, pino } from 'pino'
import { HoldfastError } from '../ops/errors.ts'
import type { Report } from './report.ts'

export type About = Readonly<Record<string, string | number | null | undefined>>

export interface Log {
  debug(what: string, about?: About): void
  info(what: string, about?: About): void
  warn(what: string, about?: About): void
  /** Something went wrong. */
  readonly error: Report
}

export const levels = ['info', 'debug', 'warn', 'error', 'silent'] as const

export function openLog(
  level: (typeof levels)[number],
  to: DestinationStream = destination({ dest: 2, sync: true }),
): Log {
  const out = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
    },
    to,
  )
  return {
    debug: (what, about) => out.debug(about ?? {}, what),
    info: (what, about) => out.info(about ?? {}, what),
    warn: (what, about) => out.warn(about ?? {}, what),
    error: (what, error, about) =>
      out.error({ ...about, ...(error !== undefined && { error: told(error) }) }, what),
  }
}

/** Only what went wrong, for whoever wants to hear of that alone. */
export const logTo = (report: Report): Log => ({
  debug() {},
  info() {},
  warn: what => report(what),
  error: report,
})

/** These say what the program did, not what it did it with. */
const plain = new Set(['TypeError', 'RangeError', 'ReferenceError'])

function told(error: unknown): unknown {
  if (typeof error === 'string') return { message: error }
  if (!(error instanceof Error)) return { message: 'something was thrown that is no error' }
  const { code } = error as { code?: unknown }
  const speaks = error instanceof HoldfastError || typeof code === 'string' || plain.has(error.name)
  const at = error.stack?.split('\n').flatMap(line => /^\s+at (.*)/.exec(line)?.[1] ?? [])
  return {
    name: error.name,
    ...(code !== undefined && { code: String(code) }),
    ...(speaks && { message: error.message }),
    at,
  }
}
