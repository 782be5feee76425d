/** `holdfast COMMAND ...`: the program (commands.ts). It ends with 0, or with 1 and one line that begins with a code. */

import { commands, helpText, readCommand } from './commands.ts'
import { endProgress } from './progress.ts'
import { fail } from './report.ts'
import { readSettings } from './settings.ts'

async function main(): Promise<void> {
  const call = readCommand(process.argv.slice(2))
  if (call === null) {
    console.log(helpText())
    return
  }
  const { name, args, options } = call
  const start = performance.now()
  const said = await commands[name]!.run(readSettings(process.env), args, options)
  endProgress()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const line = name === 'serve' ? said : `${said} (${seconds} s)`
  // The standard output of an export may be the export.
  if (name === 'export') console.error(line)
  else console.log(line)
}

main().catch(error => {
  endProgress()
  fail(error)
})
