import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { end, start } from '../browser/harness/processes.ts'
import { type AnyFrame, greet, TEXT } from './scene.ts'

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url))

interface Run {
  readonly child: ChildProcess
  /** Lines of both outputs so far. */
  readonly lines: string[]
  /** The first line that matches; fails when the process ends before. */
  line(pattern: RegExp): Promise<string>
  readonly exit: Promise<number | null>
}

describe('The process', () => {
  let dir: string
  const running = new Set<ChildProcess>()

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'holdfast-'))
  })
  afterEach(async () => {
    for (const child of running) await end(child)
    running.clear()
    await rm(dir, { recursive: true })
  })

  function run(environment: Record<string, string>, args: readonly string[] = []): Run {
    const env = { ...process.env, HOLDFAST_PORT: '0', HOLDFAST_DATA: dir, HOLDFAST_WEB: dir, ...environment }
    const child = start(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    const lines: string[] = []
    let look = () => {}
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface(stream).on('line', line => {
        lines.push(line)
        look()
      })
    }
    const exit = once(child, 'close').then(([code]) => code as number | null)
    const line = (pattern: RegExp) =>
      new Promise<string>((resolve, reject) => {
        look = () => {
          const found = lines.find(each => pattern.test(each))
          if (found) resolve(found)
        }
        look()
        exit.then(code => reject(new Error(`ended with ${code}: ${lines.join('\n')}`)))
      })
    return { child, lines, line, exit }
  }

  async function ready(server: Run): Promise<{ url: string }> {
    const line = await server.line(/ready at/)
    return { url: line.match(/http:\S+/)![0] }
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`[H9] on ${signal} it finishes what runs, closes with 1012, ends with 0 and has lost nothing`, async () => {
      const server = run({})
      const client = await greet(await ready(server), 'ann')
      const name = { a: 'op', c: 'notes', d: 'a', src: 'ann' }
      await client.ask({ ...name, seq: 1, v: 0, create: { type: TEXT } }, { ...name, seq: 1 })
      const acked = new Set<number>()
      const count = (data: unknown) => {
        const frame = JSON.parse(String(data)) as AnyFrame
        if (frame.a === 'op' && !frame.error) acked.add(frame.seq)
      }
      client.socket.on('message', count)
      for (let seq = 2; seq <= 200; seq++) client.send({ ...name, seq, v: 1, op: ['x'] })
      server.child.kill(signal)
      assert.deepEqual(await client.closed, { code: 1012, reason: 'SERVER_DRAINING' })
      assert.equal(await server.exit, 0)

      const again = run({})
      const { url } = await ready(again)
      const { data, v } = (await (await fetch(`${url}/v1/docs/notes/a`)).json()) as {
        data: string
        v: number
      }
      assert.equal(v - 1, acked.size, 'what was committed was acknowledged')
      assert.equal(data.length, acked.size)
    })
  }

  it('[H9] what does not end is cut after HOLDFAST_DRAIN_MS', async () => {
    const server = run({ HOLDFAST_DRAIN_MS: '200' })
    const client = await greet(await ready(server), 'deaf')
    // It never sees our closing frame, so it never answers it.
    client.socket.pause()
    server.child.kill('SIGTERM')
    assert.equal(await server.exit, 0)
    client.close()
  })

  it('[H9] --help lists the settings and starts nothing', async () => {
    const help = run({}, ['--help'])
    assert.equal(await help.exit, 0)
    assert.match(help.lines.join('\n'), /HOLDFAST_PORT .*7007/)
  })

  const refusals: { what: string; environment: Record<string, string>; says: RegExp }[] = [
    {
      what: 'a bad value',
      environment: { HOLDFAST_PORT: 'http' },
      says: /^SETTING_INVALID: HOLDFAST_PORT .*65535/,
    },
    {
      what: 'an unknown setting',
      environment: { HOLDFAST_PROT: '1' },
      says: /^SETTING_INVALID: HOLDFAST_PROT /,
    },
    {
      what: 'an address that is not here',
      environment: { HOLDFAST_HOST: '192.0.2.1' },
      says: /^SETTING_INVALID: .*192\.0\.2\.1/,
    },
    {
      what: 'an address of a database that is none',
      environment: { HOLDFAST_STORE: 'mysql://me:hunter2@db/notes' },
      says: /^SETTING_INVALID: HOLDFAST_STORE (?!.*hunter2)/,
    },
    {
      what: 'a Postgres that is not there',
      environment: { HOLDFAST_STORE: 'postgres://me:hunter2@127.0.0.1:1/notes' },
      says: /^STORE_FAILED: (?!.*hunter2).*ECONNREFUSED/,
    },
    {
      what: 'a directory that cannot be',
      environment: { HOLDFAST_DATA: '/dev/null/data' },
      says: /^SETTING_INVALID: HOLDFAST_DATA/,
    },
  ]
  for (const { what, environment, says } of refusals) {
    it(`[H10] ${what} ends it with 1 and one clear line`, async () => {
      const server = run(environment)
      assert.equal(await server.exit, 1)
      assert.equal(server.lines.length, 1)
      assert.match(server.lines[0]!, says)
    })
  }

  it('[H10] a port that is taken ends it with 1 and one clear line', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const server = run({ HOLDFAST_PORT: String(port) })
    assert.equal(await server.exit, 1)
    assert.deepEqual(server.lines.length, 1)
    assert.match(server.lines[0]!, new RegExp(`^SETTING_INVALID: Port ${port} .*HOLDFAST_PORT`))
    other.close()
  })

  it('[H10] a file that is no database ends it with 1 and says so', async () => {
    await writeFile(join(dir, 'holdfast.sqlite'), 'this is not a database, '.repeat(1000))
    const server = run({})
    assert.equal(await server.exit, 1)
    assert.match(server.lines.join('\n'), /^STORE_FAILED: /)
  })
})
