/** How the server tells its operator what went wrong: one line for each event, with a stack where there is one. */

import { HoldfastError } from '../ops/errors.ts'

/** `about` tells which request or session it was. */
export type Report = (what: string, error?: unknown, about?: Readonly<Record<string, string>>) => void

/** To standard error. */
export const reportToConsole: Report = (what, error) => {
  const line = `${new Date().toISOString()} ${what}`
  if (error === undefined) console.error(line)
  else console.error(`${line}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
}

/** Tells the operator in one line why the process cannot go on, where that has a code, and ends it. */
export function fail(error: unknown): never {
  if (error instanceof HoldfastError) console.error(`${error.code}: ${error.message}`)
  else reportToConsole('Holdfast could not go on', error)
  process.exit(1)
}
