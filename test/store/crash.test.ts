/** A process that writes is killed, or runs out of disk: what it was told is committed is there, once. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import { assertDerived, keyOf, submit } from './writer.ts'

const program = join(import.meta.dirname, 'load.ts')

/** What the child reported, line by line; `enough` says when to kill it. */
async function report(child: ChildProcess, enough: (lines: readonly string[]) => boolean): Promise<string[]> {
  const lines: string[] = []
  const ended = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout! })) {
    lines.push(line)
    if (enough(lines)) child.kill('SIGKILL')
  }
  await ended
  return lines
}

/** That every reported commit of `src` is in the log once, at most one op a document that was not, and no other. */
async function assertKept(path: string, src: string, lines: readonly string[]): Promise<void> {
  const store = openSqliteStore({ path })
  try {
    for (const id of ['a', 'b', 'c', 'd']) {
      const key = keyOf(id)
      const written = (await store.ops(key, 0, null)).filter(op => op.src === src).map(op => op.seq)
      const reported = lines.filter(line => line.startsWith(`${id} `)).map(line => Number(line.slice(2)))
      assert.deepEqual(written.slice(0, reported.length), reported)
      assert.ok(written.length <= reported.length + 1)
      const data = String((await store.snapshot(key)).data ?? '')
      for (const seq of written) assert.equal(data.split(`<${src}:${seq}>`).length, 2)
      await assertDerived(store, key)
    }
  } finally {
    await store.close()
  }
}

describe('SQLite store under a crash', () => {
  let folder: string
  let path: string
  let child: ChildProcess | undefined

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-crash-'))
    path = join(folder, 'holdfast.db')
  })
  afterEach(() => {
    // After a failure it may still be writing.
    child?.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })

  it('[S2] has every commit that was answered, once, after kill -9 while it wrote', async () => {
    for (const [round, count] of [40, 150, 333, 610].entries()) {
      child = spawn(process.execPath, [program, path, `src${round}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const lines = await report(child, ({ length }) => length >= count)
      assert.ok(lines.length >= count)
      await assertKept(path, `src${round}`, lines)
    }
  }).timeout(60_000)

  it('[S9] lives on a full disk, has what it acknowledged, and goes on when there is room', async () => {
    const command = `trap '' XFSZ; ulimit -f 800; exec "$0" "$@"`
    child = spawn('sh', ['-c', command, process.execPath, program, path, 'full'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = await report(child, () => false)
    assert.equal(child.exitCode, 0)
    assert.deepEqual(
      lines.filter(line => line.startsWith('failed')),
      Array(4).fill('failed STORE_FAILED'),
    )
    const commits = lines.filter(line => !line.startsWith('failed'))
    assert.ok(commits.length > 20 && statSync(path).size < 2 ** 20)
    await assertKept(path, 'full', commits)
    const store = openSqliteStore({ path })
    assert.equal(await submit(store, keyOf('a'), { op: ['room'] }), true)
    await store.close()
  }).timeout(60_000)
})
