/**
 * The peers' packages: in a folder of their own, so that nobody who only installs Holdfast pays for them. The
 * benchmark installs them, exactly as their lock file says, when it first needs them.
 *
 * better-sqlite3 is 13 where Hocuspocus asks for 12: built for a Node from 24.19 on, 12 ends the process when a
 * statement is collected as garbage (nodejs/node #65446), and Hocuspocus prepares one with each store.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where they are. */
export const PACKAGES = fileURLToPath(new URL('./packages/', import.meta.url))

/** Loads a peer's package. */
export const requirePeer = createRequire(join(PACKAGES, 'package.json'))

let installed: Promise<void> | undefined

/** Rejects with what npm said if they are not to be had. */
export function installPackages(): Promise<void> {
  installed ??= isInstalled() ? Promise.resolve() : install()
  return installed
}

/** npm notes beside the packages what it installed; a lock file that is newer asks for something else. */
function isInstalled(): boolean {
  const timeOf = (file: string) => statSync(join(PACKAGES, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
  return timeOf('node_modules/.package-lock.json') > timeOf('package-lock.json')
}

async function install(): Promise<void> {
  console.error(`Installing the peers into test/bench/peers/packages (npm ci) ...`)
  const child = spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: PACKAGES,
    // The Node that runs this, whichever the machine has.
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => said.push(String(data)))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`the peers could not be installed:\n${said.join('').slice(-2000)}`)
}
