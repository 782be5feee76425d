/**
 * `npm run chaos -- [--rounds N] [--only NAME]... [--browser chromium|firefox]... [--seed S] [--bug NAME]`
 *
 * Runs each scenario (scenarios/) N times (default 3) in real browsers against a real server, from the seeds S, S + 1, ...
 * (default 1), and checks what must hold. A failure prints the command that plays it again, and the exit code is 1.
 *
 * `lost` counts tokens that were saved in a database that the scenario ruined and nowhere else, `told` the edits that people
 * were told are lost. In Firefox those scenarios are left out that are done through Chromium's DevTools.
 */

import { parseArgs } from 'node:util'
import { type BrowserName, provideBrowser } from '../browser/harness/provide.ts'
import { type BugName, bugs } from './bugs.ts'
import type { Sum } from './checker.ts'
import { round } from './run.ts'
import { isFor, type ScenarioName, scenarios } from './scenarios/index.ts'
import { openSite } from './site.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true, default: Object.keys(scenarios) },
    browser: { type: 'string', multiple: true, default: ['chromium', 'firefox'] },
    seed: { type: 'string', default: '1' },
    bug: { type: 'string' },
  },
})
const [rounds, first] = [Number(values.rounds), Number(values.seed)]
if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(first))
  throw new Error('--rounds and --seed take whole numbers')
const unknown = values.only.find(name => !Object.hasOwn(scenarios, name))
if (unknown !== undefined) throw new Error(`--only takes ${Object.keys(scenarios).join(', ')}`)
if (values.bug !== undefined && !Object.hasOwn(bugs, values.bug))
  throw new Error(`--bug takes ${Object.keys(bugs).join(', ')}`)
for (const browser of values.browser) {
  if (browser !== 'chromium' && browser !== 'firefox') throw new Error('--browser takes chromium, firefox')
  if (provideBrowser(browser, line => console.error(line)) === null)
    throw new Error(`there is no ${browser}; --browser names those to do with`)
}

// Whatever is running is ended with us, and that is done on exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const bug = (values.bug as BugName | undefined) ?? null
const columns = ['rounds', 'tokens', 'saved', 'acked', 'held', 'lost', 'told', 'versions', 'seconds'] as const
type Row = Record<(typeof columns)[number], number>
const line = (browser: string, name: string, cells: readonly unknown[], result: string) =>
  console.log(
    `${browser.padEnd(9)}${name.padEnd(23)}${cells.map(cell => String(cell).padStart(9)).join('')}  ${result}`,
  )

line('browser', 'scenario', columns, 'result')
const site = await openSite()
try {
  for (const browser of values.browser as BrowserName[])
    for (const name of values.only as ScenarioName[])
      if (isFor(scenarios[name], browser)) await tell(browser, name)
} finally {
  await site.close()
}

async function tell(browser: BrowserName, name: ScenarioName): Promise<void> {
  const row: Row = {
    rounds: 0,
    tokens: 0,
    saved: 0,
    acked: 0,
    held: 0,
    lost: 0,
    told: 0,
    versions: 0,
    seconds: 0,
  }
  const started = performance.now()
  const failures: string[] = []
  for (let seed = first; seed < first + rounds; seed++) {
    try {
      add(row, await round({ name, browser, seed, site, bug }))
    } catch (error) {
      failures.push(
        `${error instanceof Error ? error.message : error}\n  again: ${command(browser, name, seed)}`,
      )
    }
  }
  row.seconds = Math.round((performance.now() - started) / 1000)
  line(
    browser,
    name,
    columns.map(column => row[column]),
    failures.length > 0 ? 'FAILED' : scenarios[name].what,
  )
  for (const failure of failures) console.log(`  ${failure}`)
  if (failures.length > 0) process.exitCode = 1
}

function add(row: Row, sum: Sum): void {
  row.rounds++
  for (const [column, count] of Object.entries(sum)) row[column as keyof Row] += count
}

function command(browser: string, name: string, seed: number): string {
  return `npm run chaos -- --browser ${browser} --only ${name} --rounds 1 --seed ${seed}${bug ? ` --bug ${bug}` : ''}`
}
