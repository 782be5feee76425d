/**
 * The folder that a Postgres of ours lives in: its programs, its data directory, and the user it may run as. When the
 * process that made it ends without having removed it, the server in it is stopped and the folder removed all the same.
 */

import { execFile, type SpawnOptions, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { lchownSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { copyPrograms, type Programs } from './programs.ts'

const INITIALIZE_MS = 60_000

export interface Home {
  readonly dir: string
  readonly data: string
  /** The program of the server. */
  readonly postgres: string
  /** Of the superuser `postgres`. */
  readonly password: string
  /** What the programs are to be started with. */
  readonly surroundings: SpawnOptions
  /** Removes it; its server must have ended. */
  remove(): Promise<void>
}

/**
 * Makes one in the temporary folder, with an empty data directory, in a second or two. Texts are UTF-8 and sorted as people
 * sort them, as on most servers: what wants another order has to say so (`COLLATE "C"`).
 */
export async function makeHome(): Promise<Home> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'))
  const data = join(dir, 'data')
  let endGuard = () => {}
  const remove = async () => {
    endGuard()
    await rm(dir, { recursive: true, force: true })
  }
  try {
    const password = randomBytes(12).toString('hex')
    await writeFile(join(dir, 'password'), password)
    const programs = copyPrograms(dir)
    // Nothing of the environment of the tests reaches Postgres: its PG… variables are settings.
    const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }
    const surroundings = { cwd: dir, env, ...handOver(dir) }
    endGuard = guard(programs, dir, data, surroundings)
    await initialize(programs, data, join(dir, 'password'), surroundings)
    return { dir, data, postgres: programs.postgres, password, surroundings, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/**
 * Postgres refuses to run as root. If we are root, `dir` and all in it are given to `nobody`, who is there on every Unix,
 * and the answer says to run as nobody; else nothing is to be done.
 */
function handOver(dir: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const entry = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))
  if (entry === null)
    throw new Error('Postgres does not run as root, and there is no user "nobody" to run it as')
  const [uid, gid] = [Number(entry[1]), Number(entry[2])]
  for (const name of ['', ...readdirSync(dir, { recursive: true, encoding: 'utf8' })]) {
    lchownSync(join(dir, name), uid, gid)
  }
  return { uid, gid }
}

/** The data directory is not synced: it does not have to outlive the machine. */
async function initialize(
  { initdb }: Programs,
  data: string,
  passwordFile: string,
  surroundings: SpawnOptions,
): Promise<void> {
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en']
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  const args = [`--pgdata=${data}`, '--no-sync', '--no-instructions', ...locale, ...access]
  const options = {
    cwd: surroundings.cwd,
    env: surroundings.env,
    uid: surroundings.uid,
    gid: surroundings.gid,
  }
  await promisify(execFile)(initdb, args, { ...options, timeout: INITIALIZE_MS })
}

/** A shell that waits for the pipe to us to break, however we end. Answers what ends it before. */
function guard({ pgCtl }: Programs, dir: string, data: string, surroundings: SpawnOptions): () => void {
  const script = 'read -r _; "$0" stop -D "$2" -m immediate -t 10; cd /; rm -rf "$1"'
  const shell = spawn('sh', ['-c', script, pgCtl, dir, data], {
    ...surroundings,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  shell.unref()
  ;(shell.stdin as Socket).unref()
  return () => void shell.kill('SIGKILL')
}
