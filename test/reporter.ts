/**
 * mocha's spec report, and below it, as the last line of all, `N passed, N failed` (`, N skipped` when some were).
 *
 * A run that leaves something open (a server, a socket, a child process) fails: mocha would hang on it for ever, and
 * `--exit` would hide it. What is left is named after a short grace in which closing sockets may finish.
 */

import Mocha from 'mocha'

const GRACE_MS = 5_000

export default class Report extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options)
    let leftOver = 0
    runner.once('end', () => {
      const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {}
      process.once('exit', () => {
        const skipped = pending > 0 ? `, ${pending} skipped` : ''
        console.log(`${passes} passed, ${failures + leftOver} failed${skipped}`)
      })
      const grace = setTimeout(() => {
        leftOver = 1
        console.log(`  Left open after the tests, so the run fails: ${openThings().join(', ')}\n`)
        // Registered after mocha's own listener, which sets the exit code to the number of failures.
        process.once('exit', () => {
          process.exitCode = failures + leftOver
        })
        process.exit()
      }, GRACE_MS)
      grace.unref()
    })
  }
}

/** What keeps the process alive, as `kind xN`; the standard streams do not. */
function openThings(): string[] {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => `${kind} x${count}`)
}
