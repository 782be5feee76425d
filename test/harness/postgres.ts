/**
 * A real Postgres for tests and benchmarks: a server of our own on a data directory of its own, which can be killed as
 * a power cut would kill it and started again on the same port and data.
 *
 * It is set up as most servers in the world are where that matters to SQL: UTF-8, and texts are sorted as people sort
 * them. What wants another order has to say so (`COLLATE "C"`).
 */

import { type ChildProcess, execFile } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { end, isRunning, start } from '../browser/harness/processes.ts'
import { copyPrograms, handOver, type Programs, type RunAs } from './programs.ts'

/** Long enough to recover a large log on a busy machine. */
const START_MS = 60_000
/**
 * Below the ports that systems give to outgoing connections (from 32768 on Linux, 49152 elsewhere): while a killed server is away
 * nobody is given its port, and a client that tries it does not reach itself.
 */
const PORTS = [15_000, 30_000] as const
const PORT_TRIES = 20

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  // Paths in the temporary folder are longer than a socket's address may be on some systems.
  unix_socket_directories: '',
  // In the data directory instead of in /dev/shm, where a killed server would leave it behind.
  dynamic_shared_memory_type: 'mmap',
  // After a crash Linux syncs the disk at one go; file by file, an empty server takes a second.
  ...(process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {}),
}

export interface Postgres {
  /** `postgres://postgres:…@127.0.0.1:PORT/postgres`, as superuser. Port and password stay the same over a restart. */
  readonly url: string
  readonly port: number
  /** The folder that holds its data and programs. */
  readonly dir: string
  /** Of the postmaster, the process that starts all the others. */
  readonly pid: number
  /** What it has logged, over all restarts. */
  readonly output: readonly string[]
  /** Makes an empty database, in a tenth of a second; answers its URL. */
  createDatabase(): Promise<string>
  /** Kills the postmaster and all its processes with SIGKILL, in the middle of whatever they do; the data stay. */
  kill(): Promise<void>
  /** Kills it if it still runs and starts it again on the same port and data, with `settings` on top of the first ones. */
  restart(settings?: Settings): Promise<void>
  /** Ends it, and removes all that it had. */
  stop(): Promise<void>
}

/** Settings of postgresql.conf, `fsync: 'off'`; the defaults are Postgres's own. */
export type Settings = Readonly<Record<string, string>>

/** Starts a server with an empty data directory, in some two seconds; rejects with what Postgres said if it does not start. */
export async function startPostgres(settings: Settings = {}): Promise<Postgres> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'))
  try {
    const password = randomBytes(12).toString('hex')
    await writeFile(passwordIn(dir), password)
    const programs = copyPrograms(dir)
    const runAs = handOver(dir)
    await initialize(programs, dir, runAs)
    const server = new Server(dir, programs, runAs, { ...SETTINGS, ...settings }, password)
    await server.startAnywhere()
    return server
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}

const dataIn = (dir: string) => join(dir, 'data')
const passwordIn = (dir: string) => join(dir, 'password')

/** Makes the data directory. It is not synced: it does not have to outlive the machine. */
async function initialize({ initdb }: Programs, dir: string, runAs: RunAs): Promise<void> {
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en']
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordIn(dir)}`]
  const args = [`--pgdata=${dataIn(dir)}`, '--no-sync', '--no-instructions', ...locale, ...access]
  await promisify(execFile)(initdb, args, { ...surroundings(dir), ...runAs, timeout: START_MS })
}

/** Nothing of the environment of the tests reaches Postgres: its PG… variables are settings. */
const surroundings = (dir: string) => ({ cwd: dir, env: { LC_ALL: 'C', TZ: 'UTC' } })

class Server implements Postgres {
  readonly output: string[] = []
  readonly dir: string
  readonly #programs: Programs
  readonly #runAs: RunAs
  readonly #settings: Settings
  readonly #password: string
  #port = 0
  #databases = 0
  /** The postmaster; none before the first start. */
  #child: ChildProcess | null = null
  /** Resolves when the last process of the server has ended: all of them hold the pipe of its log. */
  #gone: Promise<unknown> = Promise.resolve()

  constructor(dir: string, programs: Programs, runAs: RunAs, settings: Settings, password: string) {
    this.dir = dir
    this.#programs = programs
    this.#runAs = runAs
    this.#settings = settings
    this.#password = password
  }

  get port(): number {
    return this.#port
  }

  get pid(): number {
    return this.#child!.pid!
  }

  get url(): string {
    return this.#urlOf('postgres')
  }

  #urlOf(database: string): string {
    return `postgres://postgres:${this.#password}@127.0.0.1:${this.#port}/${database}`
  }

  /** Starts on the first port that is free. */
  async startAnywhere(): Promise<void> {
    for (let tries = 1; ; tries++) {
      this.#port = randomInt(...PORTS)
      try {
        return await this.#run(this.#settings)
      } catch (error) {
        if (tries === PORT_TRIES || !/Address already in use/.test(String(error))) throw error
      }
    }
  }

  async createDatabase(): Promise<string> {
    const name = `holdfast_${++this.#databases}`
    const client = new Client(this.url)
    await client.connect()
    try {
      await client.query(`CREATE DATABASE ${name}`)
    } finally {
      await client.end()
    }
    return this.#urlOf(name)
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === null || !isRunning(child)) return
    // Stopped first, it starts no more of them, and none of their ids can pass to a stranger. Each is the head of a
    // group of its own, so there is no killing them together.
    child.kill('SIGSTOP')
    for (const pid of await childrenOf(child.pid!)) process.kill(pid, 'SIGKILL')
    await end(child)
    await this.#gone
  }

  async restart(settings: Settings = {}): Promise<void> {
    await this.kill()
    await this.#run({ ...this.#settings, ...settings })
  }

  async stop(): Promise<void> {
    try {
      // A killed server has left a segment of shared memory behind, which only Postgres takes away, when it starts again.
      if (!isRunning(this.#child!)) await this.#run({ ...this.#settings, fsync: 'off' })
      await this.#end('SIGQUIT')
    } finally {
      await rm(this.dir, { recursive: true, force: true })
    }
  }

  /** SIGQUIT: at once and without writing its data down, but not without cleaning up. */
  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child !== null) await end(this.#child, signal)
    await this.#gone
  }

  async #run(settings: Settings): Promise<void> {
    const options = Object.entries({ ...settings, port: String(this.#port) })
    const args = ['-D', dataIn(this.dir), ...options.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
    const child = start(this.#programs.postgres, args, {
      ...surroundings(this.dir),
      ...this.#runAs,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    this.#gone = new Promise(resolve => child.once('close', resolve))
    try {
      await ready(child, this.output)
    } catch (error) {
      await this.#end('SIGQUIT')
      throw error
    }
  }
}

/** Resolves when the server takes connections; rejects with what it said since it was started. */
function ready(child: ChildProcess, output: string[]): Promise<void> {
  const from = output.length
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`Postgres ${why}:\n${output.slice(from).join('\n')}`))
    const late = setTimeout(() => fail(`was not ready within ${START_MS / 1000} s`), START_MS)
    child.once('error', error => fail(`could not be started (${error.message})`))
    child.once('close', code => {
      clearTimeout(late)
      fail(`ended with ${code}`)
    })
    createInterface({ input: child.stderr! }).on('line', line => {
      output.push(line)
      if (!line.includes('database system is ready to accept connections')) return
      clearTimeout(late)
      resolve()
    })
  })
}

/** The processes that `pid` has started and that are still there. */
async function childrenOf(pid: number): Promise<number[]> {
  if (process.platform === 'linux') return numbers(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'))
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,ppid='])
  const pairs = stdout.split('\n').map(numbers)
  return pairs.filter(([, parent]) => parent === pid).map(([child]) => child!)
}

const numbers = (text: string): number[] => (text.match(/\d+/g) ?? []).map(Number)
