/**
 * `npm run bench -- NAME [options]`: benchmarks, one file each. Exit code 1 if one failed, 2 if it was asked wrongly.
 */

import { device } from './device.ts'
import { compareDrivers } from './drivers.ts'
import { history } from './history.ts'
import { reconnect } from './reconnect.ts'
import { server } from './server.ts'
import { store } from './store.ts'

const benchmarks: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  device,
  drivers: compareDrivers,
  history,
  reconnect,
  server,
  store,
}

const [name = '', ...args] = process.argv.slice(2)
const run = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined
if (run === undefined) {
  console.error(
    `Say which benchmark: npm run bench -- ${Object.keys(benchmarks).join(' | ')} [--json FILE] [--rounds N] [--quick] [--profile] [--case NAME] [--system NAME]`,
  )
  process.exitCode = 2
} else {
  await run(args).catch(error => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
}
