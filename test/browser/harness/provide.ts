/**
 * Where the browser of the tests comes from. An installed Chromium is used as it is; only where there is none does
 * `provideChromium` install one: Debian's when we may, else the one that Playwright publishes.
 */

import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { chromium } from 'playwright-core'

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
const FOLDERS = ['/usr/bin', '/usr/local/bin', '/snap/bin', '/opt/google/chrome']
const APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]
const INSTALL_MS = 600_000

/**
 * The Chromium to test with, null if there is none: HOLDFAST_TEST_CHROMIUM, else one on the PATH or in the usual
 * places, else Playwright's own if it was installed earlier.
 */
export function findChromium(): string | null {
  const chosen = process.env.HOLDFAST_TEST_CHROMIUM
  if (chosen) return runs(chosen) ? chosen : null
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...FOLDERS]
  const commands = folders.flatMap(folder => COMMANDS.map(command => join(folder, command)))
  return [...commands, ...APPLICATIONS, chromium.executablePath()].find(runs) ?? null
}

/** As `findChromium`, but installs one if there is none; `say` is told what is done and what could not be had. */
export function provideChromium(say: (line: string) => void): string | null {
  const found = findChromium()
  if (found !== null) return found
  if (process.env.HOLDFAST_TEST_CHROMIUM) {
    say(`HOLDFAST_TEST_CHROMIUM names ${process.env.HOLDFAST_TEST_CHROMIUM}, which cannot be run.`)
    return null
  }
  for (const [source, install] of [
    ["Debian's chromium", installFromDebian],
    ["Playwright's chromium", installFromPlaywright],
  ] as const) {
    say(`No Chromium is installed; trying ${source}.`)
    const reason = install()
    const installed = findChromium()
    if (installed !== null) return installed
    say(`${source} could not be had: ${reason ?? 'it was installed, but is not to be found'}.`)
  }
  return null
}

function installFromDebian(): string | null {
  if (!existsSync('/etc/debian_version')) return 'this is not Debian'
  if (process.getuid?.() !== 0) return 'this is not root'
  return (
    run('apt-get', ['update', '-q']) ??
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'chromium'], {
      DEBIAN_FRONTEND: 'noninteractive',
    })
  )
}

function installFromPlaywright(): string | null {
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js')
  return run(process.execPath, [cli, 'install', 'chromium'])
}

/** Runs a command to its end; null if it went well, else the reason. Its output goes to our stderr. */
function run(command: string, args: readonly string[], env: Record<string, string> = {}): string | null {
  const done = spawnSync(command, args, {
    stdio: ['ignore', 2, 2],
    timeout: INSTALL_MS,
    env: { ...process.env, ...env },
  })
  if (done.error) return done.error.message
  return done.status === 0 ? null : `${command} ended with ${done.status ?? done.signal}`
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
