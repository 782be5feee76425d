/** How far a long command has come, on a terminal: one line that is written over. */

const INTERVAL_MS = 250
let last = 0

export function progress({ documents, ops }: { readonly documents: number; readonly ops: number }): void {
  if (!process.stderr.isTTY || Date.now() - last < INTERVAL_MS) return
  last = Date.now()
  process.stderr.write(`\r${documents} documents, ${ops} ops`)
}

/** Takes the line away. */
export function endProgress(): void {
  if (last > 0) process.stderr.write('\r\u001b[K')
}
