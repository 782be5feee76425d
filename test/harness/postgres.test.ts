/** Our own Postgres in the hands of a test: its life and death, and what is left of it. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, watch } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { type Postgres, startPostgres } from './postgres.ts'
import { sharedPostgres } from './shared-postgres.ts'

const OWNER = fileURLToPath(new URL('./owner.ts', import.meta.url))

/** Runs `work` on a connection that expects to be cut. */
async function connected<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(url)
  client.on('error', () => {}) // each test sees the end in the query that it is running
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const rowsOf = async (url: string, sql: string): Promise<unknown[]> =>
  connected(url, async client => (await client.query({ text: sql, rowMode: 'array' })).rows.flat())

describe('Postgres', function () {
  this.timeout(120_000)

  describe('for all tests', () => {
    it('[X11] runs as in production: durable, and sorting as people do', async () => {
      const { url } = await sharedPostgres()
      const settings = ['fsync', 'full_page_writes', 'synchronous_commit', 'server_encoding']
      const values = await Promise.all(settings.map(name => rowsOf(url, `SHOW ${name}`)))
      assert.deepEqual(values.flat(), ['on', 'on', 'on', 'UTF8'])
      const letters = await rowsOf(
        url,
        "SELECT * FROM unnest(ARRAY['B', 'a', 'Ä']) AS letter ORDER BY letter",
      )
      assert.deepEqual(letters, ['a', 'Ä', 'B'])
    })

    it('[X12] gives fresh databases, each apart from the others, of one server', async () => {
      const [one, other] = await Promise.all([fresh(), fresh()])
      assert.notEqual(one, other)
      const tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
      await rowsOf(one, 'CREATE TABLE mine (a int)')
      assert.deepEqual(await rowsOf(one, tables), ['mine'])
      assert.deepEqual(await rowsOf(other, tables), [])
      assert.equal(new URL(one).port, new URL(other).port)
    })
  })

  describe('of one test', () => {
    let server: Postgres
    before(async () => {
      server = await startPostgres()
    })
    after(() => server?.stop())

    it('[X13] has after SIGKILL what was committed, and nothing of what was not', async () => {
      const url = await server.createDatabase()
      await rowsOf(url, 'CREATE TABLE edits (name text PRIMARY KEY)')
      const { pid } = server
      const written = await writersUntil(url, 400, () => server.kill())
      assert.equal(lives(pid), false)
      await assert.rejects(rowsOf(url, 'SELECT 1'), { code: 'ECONNREFUSED' })
      await server.restart()
      assert.notEqual(server.pid, pid)
      const there = new Set(await rowsOf(url, 'SELECT name FROM edits'))
      assert.deepEqual(
        written.acknowledged.filter(name => !there.has(name)),
        [],
      )
      assert.deepEqual(
        written.uncommitted.filter(name => there.has(name)),
        [],
      )
    })

    it('[X13] can be killed and started again and again, with other settings', async () => {
      const url = await server.createDatabase()
      await rowsOf(url, 'CREATE TABLE rounds (round int)')
      for (let round = 1; round <= 3; round++) {
        await rowsOf(url, `INSERT INTO rounds VALUES (${round})`)
        await server.restart({ work_mem: `${round}MB` })
        assert.deepEqual(await rowsOf(url, 'SHOW work_mem'), [`${round}MB`])
      }
      assert.deepEqual(await rowsOf(url, 'SELECT round FROM rounds ORDER BY round'), [1, 2, 3])
    })
  })

  it('[X14] leaves nothing behind, whether it is stopped alive or killed', async () => {
    for (const killed of [false, true]) {
      const server = await startPostgres()
      const { dir, port, pid } = server
      const pids = (await rowsOf(server.url, 'SELECT pid FROM pg_stat_activity')) as number[]
      assert.ok(pids.length > 3)
      if (killed) await server.kill()
      await server.stop()
      assert.deepEqual([pid, ...pids].filter(lives), [])
      assert.equal(existsSync(dir), false)
      await assert.rejects(dial(port), { code: 'ECONNREFUSED' })
      assert.deepEqual(sharedMemoryOf(pid), [])
    }
  })

  it('[X14] leaves nothing behind when the process that started it is killed', async () => {
    const owner = spawn(process.execPath, [OWNER], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(createInterface({ input: owner.stdout }), 'line')
    const { url, dir, pid, port } = JSON.parse(line) as Pick<Postgres, 'url' | 'dir' | 'pid' | 'port'>
    const removed = removalOf(dir)
    await connected(url, async client => {
      const ended = new Promise(resolve => client.once('end', resolve))
      owner.kill('SIGKILL')
      await ended
    })
    await removed
    assert.equal(lives(pid), false)
    await assert.rejects(dial(port), { code: 'ECONNREFUSED' })
    assert.deepEqual(sharedMemoryOf(pid), [])
  })

  it('[X11] says why it did not start', async () => {
    await assert.rejects(startPostgres({ work_mem: 'none' }), /invalid value for parameter "work_mem"/)
  })
})

const fresh = async () => (await sharedPostgres()).createDatabase()

/**
 * Four writers insert rows one by one, a fifth holds a transaction open that inserts as well; `cut` is called at the
 * `count`th acknowledged row. Resolves when all connections have ended.
 */
async function writersUntil(url: string, count: number, cut: () => Promise<void>) {
  const acknowledged: string[] = []
  const uncommitted: string[] = []
  const cutting = Promise.withResolvers<void>()
  const writer = (label: string) =>
    connected(url, async client => {
      for (let i = 0; ; i++) {
        await client.query('INSERT INTO edits VALUES ($1)', [`${label}${i}`])
        if (acknowledged.push(`${label}${i}`) === count) cut().then(cutting.resolve, cutting.reject)
      }
    })
  const waverer = connected(url, async client => {
    await client.query('BEGIN')
    for (let i = 0; ; i++) {
      await client.query('INSERT INTO edits VALUES ($1)', [`open${i}`])
      uncommitted.push(`open${i}`)
    }
  })
  const ends = await Promise.allSettled([...['a', 'b', 'c', 'd'].map(writer), waverer])
  await cutting.promise
  for (const { status } of ends) assert.equal(status, 'rejected')
  assert.ok(uncommitted.length > 0)
  return { acknowledged, uncommitted }
}

/** Resolves when the folder has gone. */
function removalOf(dir: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher = watch(dirname(dir), () => {
      if (existsSync(dir)) return
      watcher.close()
      resolve()
    }).once('error', reject)
  })
}

function dial(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', resolve).once('error', reject)
    socket.once('connect', () => socket.destroy())
  })
}

/** A process that ended counts as gone, even while its entry waits for init to take note of it (state Z). */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !existsSync('/proc/self/stat') || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Segments that `pid` made and left; where there is no list of them, none is found. */
function sharedMemoryOf(pid: number): string[] {
  const list = '/proc/sysvipc/shm'
  if (!existsSync(list)) return []
  const lines = readFileSync(list, 'utf8').split('\n').slice(1)
  return lines.filter(line => line.trim().split(/\s+/)[4] === String(pid))
}
