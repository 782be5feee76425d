/** The real server, `node server/main.ts`, in a process of its own on a port that the system chose. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url))
/** How long a server may take to say its address, in ms. */
const START_MS = 20_000

/** All the load comes from one address, more than one may ask for; what is counted is counted all the same. */
const unlimited = { OPS_PER_SECOND: '1000000', BYTES_PER_SECOND: String(1024 * 2 ** 20) }

export interface ServerOptions {
  /** The directory of its database. */
  readonly data: string
  /** What HOLDFAST_STORE is to be: where the documents are, if not in that directory. */
  readonly store?: string
  /** 0 lets the system choose. */
  readonly port?: number
  /** Arguments for Node itself. */
  readonly node?: readonly string[]
  /** Other settings, by their names without the prefix. */
  readonly settings?: Readonly<Record<string, string>>
}

export class HoldfastServer {
  readonly child: ChildProcess
  readonly port: number

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
  }

  /** Resolves when it listens; rejects with what it printed if it ends instead. */
  static async start({
    data,
    store,
    port = 0,
    node = [],
    settings = unlimited,
  }: ServerOptions): Promise<HoldfastServer> {
    // A setting that the server does not know is an error to it, so none of ours may leak in.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_')),
    )
    const child = spawn(process.execPath, [...node, MAIN], {
      env: {
        ...env,
        HOLDFAST_DATA: data,
        ...(store !== undefined && { HOLDFAST_STORE: store }),
        HOLDFAST_PORT: String(port),
        HOLDFAST_WEB: data,
        ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`HOLDFAST_${name}`, value])),
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    return new HoldfastServer(child, await portOf(child))
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** The document as `GET /v1/docs/COLLECTION/ID` tells it. */
  async read(collection: string, id: string): Promise<{ v: number; type: string | null; data: unknown }> {
    const response = await fetch(
      `${this.url}/v1/docs/${encodeURIComponent(collection)}/${encodeURIComponent(id)}`,
    )
    if (!response.ok) throw new Error(`the server answers ${response.status} for ${collection}/${id}`)
    return (await response.json()) as { v: number; type: string | null; data: unknown }
  }

  /** Lets it drain and waits for its end. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const gone = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await gone
  }
}

/** The port in the first address that a server prints. */
async function portOf(child: ChildProcess): Promise<number> {
  const printed: string[] = []
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => reject(new Error(`the server ${reason}:\n${printed.join('\n')}`))
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      fail(`said no address in ${START_MS} ms`)
    }, START_MS)
    child.once('exit', code => {
      clearTimeout(timer)
      fail(`ended with ${code}`)
    })
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface(stream).on('line', line => {
        if (printed.length < 50) printed.push(line)
        const port = /https?:\/\/[^\s/"]*:(\d+)/.exec(line)?.[1]
        if (port === undefined) return
        clearTimeout(timer)
        resolve(Number(port))
      })
    }
  })
}
