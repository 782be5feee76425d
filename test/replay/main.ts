/**
 * `npm run replay -- friendsforever`, or any file of that form: types a recorded history again and says whether
 * everything arrived. `--edits N` stops after the first N. Exit code 1 if anything did not hold.
 */

import { parseArgs } from 'node:util'
import { replayPath } from '../traces/files.ts'
import { firstEdits, readHistory } from '../traces/history.ts'
import { type Outcome, replay } from './replay.ts'

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { edits: { type: 'string' } },
    allowPositionals: true,
  })
  const [name] = positionals
  if (name === undefined)
    throw new Error('Say what to replay: npm run replay -- friendsforever, or a file of that form')
  const history = readHistory(replayPath(name))
  const count = Number(values.edits ?? history.edits.length)
  if (!Number.isSafeInteger(count) || count < 1) throw new Error('--edits takes a whole number from 1')
  const outcome = await replay(count < history.edits.length ? firstEdits(history, count) : history)
  console.log(describe(name, outcome))
  if (outcome.violations.length > 0) process.exitCode = 1
}

function describe(name: string, outcome: Outcome): string {
  const whole = (value: number) => Math.round(value).toLocaleString('en')
  const verdict =
    outcome.violations.length === 0
      ? 'all clients, the server and its op log are equal; no character is missing, none doubled'
      : outcome.violations.map(violation => `VIOLATION: ${violation}`).join('\n')
  return [
    `${name}: ${whole(outcome.edits)} edits, ${whole(outcome.reconnects)} reconnects, ${whole(outcome.versions)} versions`,
    `time        ${(outcome.ms / 1000).toFixed(1)} s (${(outcome.ms / outcome.reconnects).toFixed(2)} ms a reconnect)`,
    `bytes       ${whole(outcome.sent)} sent, ${whole(outcome.received)} received`,
    `neighbours  ${(outcome.neighbours * 100).toFixed(2)}% in the recorded order`,
    verdict,
  ].join('\n')
}

main().catch(error => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
