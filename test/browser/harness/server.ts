/** The real server as a process of its own: `node server/main.ts`, which a test can kill and start again. */

import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { end, start } from './processes.ts'

const MAIN = fileURLToPath(new URL('../../../server/main.ts', import.meta.url))
/** Long enough to bundle the page on a busy machine. */
const START_MS = 60_000

export interface ServerProcess {
  /** `http://127.0.0.1:PORT`; the WebSocket is at `/ws` of the same port. Both stay the same over a restart. */
  readonly origin: string
  readonly port: number
  /** The data directory. */
  readonly dir: string
  readonly pid: number
  /** What it has printed, both streams, over all restarts. */
  readonly output: readonly string[]
  /** Ends the process and waits until it is gone: SIGKILL as a crash would, SIGTERM to let it drain. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Kills it with SIGKILL if it still runs, and starts it again on the same port and data; resolves when it is ready. */
  restart(): Promise<void>
  /** Ends it, and removes the data directory unless it was handed in. */
  close(): Promise<void>
}

export interface ServerOptions {
  /** The data directory; without it a new temporary one. */
  readonly dir?: string
  /** Settings (`HOLDFAST_...`) for this server; those of the environment of the tests do not reach it. */
  readonly env?: Readonly<Record<string, string>>
  /** The user that it runs as; only root can choose. */
  readonly uid?: number
}

/** Starts the server on a port that the system chooses; resolves when it is ready, rejects with what it said if it ends. */
export async function startServerProcess(options: ServerOptions = {}): Promise<ServerProcess> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'holdfast-server-')))
  const output: string[] = []
  const run = (port: number) => spawnServer({ ...options.env, HOLDFAST_DATA: dir }, port, output, options.uid)
  const tidy = async () => {
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true })
  }
  const first = await run(0).catch(async error => {
    await tidy()
    throw error
  })
  const port = Number(first.url.port)
  let { child } = first
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    dir,
    get pid() {
      return child.pid!
    },
    output,
    kill: signal => end(child, signal),
    async restart() {
      await end(child)
      child = (await run(port)).child
    },
    async close() {
      await end(child, 'SIGTERM')
      await tidy()
    },
  }
}

async function spawnServer(
  settings: Readonly<Record<string, string>>,
  port: number,
  output: string[],
  uid: number | undefined,
): Promise<{ child: ChildProcess; url: URL }> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_'))
  const env = { ...Object.fromEntries(inherited), HOLDFAST_PORT: String(port), ...settings }
  const child = start(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'], uid })
  try {
    return { child, url: await ready(child, output) }
  } catch (error) {
    await end(child)
    throw error
  }
}

/** The address that the server prints once it is ready. */
function ready(child: ChildProcess, output: string[]): Promise<URL> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`the server ${why}:\n${output.join('\n')}`))
    const late = setTimeout(() => fail(`was not ready within ${START_MS / 1000} s`), START_MS)
    child.once('error', error => fail(`could not be started (${error.message})`))
    child.once('close', code => {
      clearTimeout(late)
      fail(`ended with ${code}`)
    })
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', line => {
        output.push(line)
        const address = /ready at (http\S+)/.exec(line)?.[1]
        if (address === undefined) return
        clearTimeout(late)
        resolve(new URL(address))
      })
    }
  })
}
