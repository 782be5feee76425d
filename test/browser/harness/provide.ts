/**
 * Where the browsers of the tests come from. An installed one is used as it is; only where there is none does
 * `provideBrowser` install one: Debian's when we may, else the one that Playwright publishes.
 */

import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { chromium } from 'playwright-core'

export type BrowserName = 'chromium' | 'firefox'

interface Source {
  /** The variable that names one to be used instead. */
  readonly setting: string
  readonly commands: readonly string[]
  readonly applications: readonly string[]
  readonly debian: string
  /** Where Playwright installs its own; null where that is one that it drives in another way than a real one. */
  readonly playwright: (() => string) | null
  /** The first version that can be driven. */
  readonly oldest: number
}

const sources: Readonly<Record<BrowserName, Source>> = {
  chromium: {
    setting: 'HOLDFAST_TEST_CHROMIUM',
    commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'],
    applications: [
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
    ],
    debian: 'chromium',
    playwright: () => chromium.executablePath(),
    oldest: 0,
  },
  firefox: {
    setting: 'HOLDFAST_TEST_FIREFOX',
    commands: ['firefox-esr', 'firefox'],
    applications: ['/Applications/Firefox.app/Contents/MacOS/firefox'],
    debian: 'firefox-esr',
    playwright: null,
    oldest: 149, // Playwright begins with `browser.setDownloadBehavior`, which is new in it
  },
}

const FOLDERS = ['/usr/bin', '/usr/local/bin', '/snap/bin', '/opt/google/chrome']
const INSTALL_MS = 600_000
const VERSION_MS = 30_000

/**
 * The browser to test with, null if there is none that can be driven: the one that its setting names, else one on the PATH
 * or in the usual places, else Playwright's own if it was installed earlier.
 */
export function findBrowser(name: BrowserName): string | null {
  return installed(name).find(path => !isTooOld(name, path)) ?? null
}

function installed(name: BrowserName): string[] {
  const { setting, commands, applications, playwright } = sources[name]
  const chosen = process.env[setting]
  if (chosen) return [chosen].filter(runs)
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...FOLDERS]
  const paths = folders.flatMap(folder => commands.map(command => join(folder, command)))
  return [...paths, ...applications, ...(playwright ? [playwright()] : [])].filter(runs)
}

function isTooOld(name: BrowserName, path: string): boolean {
  const { oldest } = sources[name]
  return oldest > 0 && versionOf(path) < oldest
}

const versions = new Map<string, number>()

/** Its first number; a browser that does not say is taken for a new one. */
function versionOf(path: string): number {
  const known = versions.get(path)
  if (known !== undefined) return known
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: VERSION_MS })
  const version = Number(/(\d+)\./.exec(stdout ?? '')?.[1] ?? Number.POSITIVE_INFINITY)
  versions.set(path, version)
  return version
}

/**
 * As `findBrowser`, but installs one if there is none; `say` is told what is done and what could not be had. One that is too
 * old is left as it is.
 */
export function provideBrowser(name: BrowserName, say: (line: string) => void): string | null {
  const found = findBrowser(name)
  if (found !== null) return found
  const { setting, debian, playwright, oldest } = sources[name]
  const [old] = installed(name)
  if (old) {
    say(`${old} is of version ${versionOf(old)}; Playwright drives ${name} from version ${oldest} on.`)
    return null
  }
  const chosen = process.env[setting]
  if (chosen) {
    say(`${setting} names ${chosen}, which cannot be run.`)
    return null
  }
  const ways: [whose: string, install: () => string | null][] = [
    ["Debian's", () => installFromDebian(debian)],
    ...(playwright ? ([["Playwright's", () => installFromPlaywright(name)]] as typeof ways) : []),
  ]
  for (const [whose, install] of ways) {
    say(`No ${name} is installed; trying ${whose}.`)
    const reason = install()
    const provided = findBrowser(name)
    if (provided !== null) return provided
    say(`${whose} ${name} could not be had: ${reason ?? 'it was installed, but is not to be found'}.`)
  }
  return null
}

function installFromDebian(name: string): string | null {
  if (!existsSync('/etc/debian_version')) return 'this is not Debian'
  if (process.getuid?.() !== 0) return 'this is not root'
  return (
    run('apt-get', ['update', '-q']) ??
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', name], {
      DEBIAN_FRONTEND: 'noninteractive',
    })
  )
}

function installFromPlaywright(name: BrowserName): string | null {
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js')
  return run(process.execPath, [cli, 'install', name])
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
