/**
 * A real Postgres for tests and benchmarks: a server of our own on a data directory of its own, which can be killed as
 * a power cut would kill it and started again on the same port and data.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { type Home, makeHome } from './home.ts'

/** Long enough to recover a large log on a busy machine. */
const START_MS = 60_000
const QUIT_MS = 10_000
/**
 * Below the ports that systems give to outgoing connections (from 32768 on Linux, 49152 elsewhere): while a killed
 * server is away nobody is given its port, and a client that tries it does not reach itself.
 */
const PORTS = [15_000, 30_000] as const
const PORT_TRIES = 20

/** Settings of postgresql.conf, `fsync: 'off'`; the defaults are Postgres's own. */
export type Settings = Readonly<Record<string, string>>

const SETTINGS: Settings = {
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

/** Starts a server without data, in some two seconds; rejects with what Postgres said if it does not start. */
export async function startPostgres(settings: Settings = {}): Promise<Postgres> {
  const server = new Server(await makeHome(), { ...SETTINGS, ...settings })
  await server.startAnywhere()
  return server
}

class Server implements Postgres {
  readonly output: string[] = []
  readonly #home: Home
  readonly #settings: Settings
  #port = 0
  #databases = 0
  /** The postmaster; none before the first start. */
  #child: ChildProcess | null = null
  /** Resolves when the last process of the server has ended: all of them hold the pipe of its log. */
  #gone: Promise<unknown> = Promise.resolve()

  constructor(home: Home, settings: Settings) {
    this.#home = home
    this.#settings = settings
  }

  get dir(): string {
    return this.#home.dir
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
    return `postgres://postgres:${this.#home.password}@127.0.0.1:${this.#port}/${database}`
  }

  /** Starts on the first port that is free. */
  async startAnywhere(): Promise<void> {
    for (let tries = 1; ; tries++) {
      this.#port = randomInt(...PORTS)
      try {
        return await this.#run(this.#settings)
      } catch (error) {
        if (tries < PORT_TRIES && /Address already in use/.test(String(error))) continue
        await this.#home.remove()
        throw error
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
    if (child !== null && isRunning(child)) {
      // Stopped first, it starts no more of them, and none of their ids can pass to a stranger. Each is the head of a
      // group of its own, so there is no killing them together.
      child.kill('SIGSTOP')
      for (const pid of await childrenOf(child.pid!)) process.kill(pid, 'SIGKILL')
      child.kill('SIGKILL')
    }
    await this.#gone
  }

  async restart(settings: Settings = {}): Promise<void> {
    await this.kill()
    await this.#run({ ...this.#settings, ...settings })
  }

  async stop(): Promise<void> {
    try {
      // A killed one has left a segment of shared memory, which only Postgres takes away, when it starts again.
      if (!isRunning(this.#child!)) await this.#run({ ...this.#settings, fsync: 'off' })
      await this.#quit()
    } finally {
      await this.#home.remove()
    }
  }

  /** At once and without writing its data down, but not without cleaning up. */
  async #quit(): Promise<void> {
    const impatient = setTimeout(() => void this.kill(), QUIT_MS)
    this.#child?.kill('SIGQUIT')
    await this.#gone
    clearTimeout(impatient)
  }

  async #run(settings: Settings): Promise<void> {
    const options = Object.entries({ ...settings, port: String(this.#port) })
    const args = ['-D', this.#home.data, ...options.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
    // A group of its own: Ctrl-C is for the tests, which then stop it.
    const how = { ...this.#home.surroundings, detached: true }
    const child = spawn(this.#home.postgres, args, { ...how, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    this.#gone = new Promise(resolve => child.once('close', resolve))
    try {
      await ready(child, this.output)
    } catch (error) {
      await this.#quit()
      throw error
    }
  }
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode === null && signalCode === null

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
