/** How the server tells its operator what went wrong: one line for each event, with a stack where there is one. */

export type Report = (what: string, error?: unknown) => void

/** To standard error. */
export const reportToConsole: Report = (what, error) => {
  const line = `${new Date().toISOString()} ${what}`
  if (error === undefined) console.error(line)
  else console.error(`${line}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
}
