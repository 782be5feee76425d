/** Several servers on one Postgres, as the tests of the bus need them, and clients that write down what they are told. */

import assert from 'node:assert/strict'
import { OPEN_WARNING } from '../../server/access/policy.ts'
import type { BusChoice } from '../../server/bus/open.ts'
import { type RunningServer, startServer } from '../../server/server.ts'
import { readSettings, type Settings } from '../../server/settings.ts'
import { type AnyFrame, closeAll, greet, type Place, type RawClient, TEXT } from '../server/scene.ts'
import { emptySchema } from '../store/engines.ts'
import { CHECK_MS } from './redis.ts'

export interface Site {
  /** The address of the Postgres that all of its servers are on. */
  readonly store: string
  readonly reports: string[]
  start(settings?: Partial<Settings>, bus?: BusChoice): Promise<RunningServer>
  close(): Promise<void>
}

export async function openSite(): Promise<Site> {
  const store = await emptySchema()
  const reports: string[] = []
  const running: RunningServer[] = []
  return {
    store,
    reports,
    async start(settings = {}, bus) {
      const all = { ...readSettings(), PORT: 0, STORE: store, BUS_CHECK_MS: CHECK_MS, ...settings }
      const report = (what: string, error?: unknown) => {
        if (what !== OPEN_WARNING) reports.push(`${what} ${String(error ?? '')}`)
      }
      const server = await startServer(all, { report, bus })
      running.push(server)
      return server
    },
    async close() {
      await Promise.all(running.splice(0).map(server => server.close()))
    },
  }
}

/** In a `describe`: hands each of its tests a site, which is gone, with all clients, after it. */
export function useSite(take: (site: Site) => void): void {
  let site: Site | undefined
  beforeEach(async () => {
    site = await openSite()
    take(site)
  })
  afterEach(async () => {
    await closeAll()
    await site?.close()
  })
}

export interface Watcher {
  readonly client: RawClient
  /** Versions of the ops of others that came, in order. */
  readonly versions: number[]
  /** Resolves when an op of this version has come. */
  reached(v: number): Promise<void>
}

/** A client that follows a document from its first version on. */
export async function watch(server: Place, src: string, d = 'a', c = 'notes'): Promise<Watcher> {
  const client = await greet(server, src)
  const versions: number[] = []
  let look = () => {}
  client.socket.on('message', data => {
    const frame = JSON.parse(String(data)) as AnyFrame
    if (frame.a !== 'op' || frame.d !== d || frame.c !== c || frame.src === src) return
    versions.push(frame.v)
    look()
  })
  await client.ask({ a: 's', c, d, v: 0 }, { a: 's', d })
  const reached = (v: number) =>
    new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${src} has ${versions.join()}, not ${v}`)), 20_000)
      look = () => {
        if ((versions.at(-1) ?? -1) < v) return
        clearTimeout(late)
        resolve()
      }
      look()
    })
  return { client, versions, reached }
}

export interface Writer {
  /** Resolves with the version of the op once it is acknowledged. */
  write(text?: string): Promise<number>
}

/** A client that writes; the first op makes the document. */
export async function writer(server: Place, src: string, d = 'a', c = 'notes'): Promise<Writer> {
  const client = await greet(server, src)
  let seq = 0
  let v = 0
  return {
    async write(text = 'x') {
      const name = { a: 'op', c, d, src, seq: ++seq }
      const change = v === 0 ? { create: { type: TEXT, data: '' } } : { op: [text] }
      const ack = await client.ask({ ...name, v, ...change }, { a: 'op', d, src, seq })
      assert.equal(ack.error, undefined, JSON.stringify(ack.error))
      v = ack.v + 1
      return ack.v
    },
  }
}

/** Another client that writes to a document that is there at version `from`. */
export async function guest(server: Place, src: string, from = 1, d = 'a'): Promise<Writer> {
  const client = await greet(server, src)
  let seq = 0
  return {
    async write(text = 'y') {
      const name = { a: 'op', c: 'notes', d, src, seq: ++seq }
      const ack = await client.ask({ ...name, v: from, op: [text] }, { a: 'op', d, src, seq })
      assert.equal(ack.error, undefined, JSON.stringify(ack.error))
      return ack.v
    },
  }
}

export const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

/** Resolves when `is` is true: asked again after each turn of timers that may change it. */
export async function until(is: () => boolean | Promise<boolean>, what: string, ms = 20_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await is())) {
    if (Date.now() > end) assert.fail(`not within ${ms} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
