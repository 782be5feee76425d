/**
 * `npm test`: provides what the tests need, then runs mocha with the settings of .mocharc.json. Arguments go to mocha
 * as they are (`npm test -- test/engine --grep S3`). The last line is the reporter's summary.
 *
 * Without a Chromium the browser tests skip themselves, without a Firefox those few that are about it, without a redis-server
 * those of the bus on Redis; with CI=true that is a failure, as is a stray `.only`.
 */

import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { provideBrowser } from './browser/harness/provide.ts'
import { provideRedis } from './harness/redis.ts'

const onCi = process.env.CI === 'true'
const say = (line: string) => console.error(line)

const chromium = provideBrowser('chromium', say)
if (chromium === null) {
  say('No Chromium could be had: the browser tests are skipped, and their rules are not shown by this run.')
}
const firefox = provideBrowser('firefox', say)
if (firefox === null) say('No Firefox could be had: its tests are skipped.')
const redis = provideRedis(say)
if (redis === null) say('No redis-server could be had: the tests of the bus on Redis are skipped.')
const missing = chromium === null || firefox === null || redis === null
if (missing && onCi) say('CI=true: a missing part is a failure.')

const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js')
const args = [...(onCi ? ['--forbid-only'] : []), ...process.argv.slice(2)]
const run = spawn(process.execPath, [mocha, ...args], { stdio: 'inherit' })
run.once('exit', (code, signal) => {
  process.exitCode = code ?? 1
  if (signal !== null) say(`The tests were ended by ${signal}.`)
  if (missing && onCi) process.exitCode ||= 1
})
