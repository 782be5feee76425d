/**
 * A real Redis for tests: a server of our own on a port of its own, that can be killed and started again there. Nothing is
 * kept on disk. `provideRedis` installs Debian's where there is none and we may.
 */

import { type ChildProcess, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { end, start } from '../browser/harness/processes.ts'

/** As for Postgres: nobody is given the port while a killed server is away. */
const PORTS = [15_000, 30_000] as const
const PORT_TRIES = 20
const START_MS = 20_000
const INSTALL_MS = 600_000

/** The program, null if there is none: HOLDFAST_TEST_REDIS, else redis-server on the PATH. */
export function findRedis(): string | null {
  const chosen = process.env.HOLDFAST_TEST_REDIS
  if (chosen) return existsSync(chosen) ? chosen : null
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/bin', '/usr/local/bin']
  return folders.map(folder => join(folder, 'redis-server')).find(each => existsSync(each)) ?? null
}

/** As `findRedis`, but installs one if there is none; `say` is told what is done. */
export function provideRedis(say: (line: string) => void): string | null {
  const found = findRedis()
  if (found !== null || process.env.HOLDFAST_TEST_REDIS) return found
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) return null
  say("No Redis is installed; trying Debian's redis-server.")
  run('apt-get', ['update', '-q'])
  // The tools hold the program; the package that would start it as a service is not needed.
  run('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'redis-tools', 'redis-server'])
  return findRedis()
}

function run(command: string, args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync(command, args, { stdio: ['ignore', 2, 2], timeout: INSTALL_MS, env })
}

export interface TestRedis {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** SIGKILL. */
  kill(): Promise<void>
  /** Starts it again on its port; kills it first if it runs. */
  restart(): Promise<void>
  /** Ends it and removes what it had. */
  stop(): Promise<void>
}

/** `more`: further lines of redis.conf as arguments, `['--cluster-enabled', 'yes']`; `sentinel`: a file that it rewrites. */
export async function startRedis(
  more: readonly string[] = [],
  sentinel?: (dir: string) => string,
): Promise<TestRedis> {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-redis-'))
  const server = new Server(dir, more, sentinel)
  for (let tries = 1; ; tries++) {
    try {
      await server.startOn(randomInt(...PORTS))
      return server
    } catch (error) {
      if (tries < PORT_TRIES && /in use/i.test(String(error))) continue
      await server.stop()
      throw error
    }
  }
}

class Server implements TestRedis {
  port = 0
  readonly #dir: string
  readonly #more: readonly string[]
  readonly #sentinel: ((dir: string) => string) | undefined
  #child: ChildProcess | null = null

  constructor(dir: string, more: readonly string[], sentinel: ((dir: string) => string) | undefined) {
    this.#dir = dir
    this.#more = more
    this.#sentinel = sentinel
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#child!.pid!
  }

  async startOn(port: number): Promise<void> {
    this.port = port
    const program = findRedis()
    if (program === null) throw new Error('there is no redis-server')
    const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', this.#dir]
    const file = this.#sentinel ? [this.#sentinel(this.#dir)] : []
    const kept = this.#sentinel ? ['--sentinel'] : ['--save', '', '--appendonly', 'no']
    const child = start(program, [...file, ...place, ...kept, ...this.#more], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    this.#child = child
    await ready(child)
  }

  async kill(): Promise<void> {
    if (this.#child) await end(this.#child)
  }

  async restart(): Promise<void> {
    await this.kill()
    await this.startOn(this.port)
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

function ready(child: ChildProcess): Promise<void> {
  const output: string[] = []
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`Redis ${why}:\n${output.join('\n')}`))
    const late = setTimeout(() => fail('was not ready in time'), START_MS)
    child.once('error', error => fail(error.message))
    child.once('close', code => {
      clearTimeout(late)
      fail(`ended with ${code}`)
    })
    createInterface({ input: child.stdout! }).on('line', line => {
      output.push(line)
      if (!/Ready to accept connections|monitor master/.test(line)) return
      clearTimeout(late)
      resolve()
    })
  })
}
