/** A disk that is full, and a database that cannot be written: told clearly, survived, and over without a restart. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import { startServerProcess } from '../browser/harness/server.ts'
import { checkTokens } from './storm.ts'
import { TokenWriter } from './writer.ts'

describe('a disk that cannot be written', () => {
  it('[S9] when it is full the server lives, says so, and goes on by itself when there is room', async () => {
    const server = await startServerProcess()
    let wake = () => {}
    const writer = new TokenWriter(
      'doc0',
      'doc0-w0',
      () => server.origin,
      () => wake(),
    )
    const until = (condition: () => boolean) =>
      new Promise<void>(resolve => {
        wake = () => void (condition() && resolve())
        wake()
      })
    /** The largest file that the server may have: the kernel refuses the write that would pass it. */
    const limit = (bytes: number | 'unlimited') =>
      execFileSync('prlimit', ['--pid', String(server.pid), `--fsize=${bytes}:unlimited`])
    const ask = async (path: string) => {
      const response = await fetch(server.origin + path)
      return [response.status, ((await response.json()) as { error?: { code: string } }).error?.code]
    }
    try {
      writer.start()
      await until(() => writer.acked.length >= 20)
      limit(statSync(join(server.dir, 'holdfast.sqlite-wal')).size + 50_000)
      await until(() => writer.refused >= 3)
      assert.deepEqual(await ask('/health'), [200, undefined])
      assert.deepEqual(await ask('/ready'), [503, 'STORE_FAILED'])
      await checkTokens(server, [{ doc: 'doc0', writer }])
      const before = writer.acked.length
      limit('unlimited')
      await until(() => writer.acked.length >= before + 20)
      assert.deepEqual(await ask('/ready'), [200, undefined])
      await writer.stop()
      await checkTokens(server, [{ doc: 'doc0', writer }])
      assert.match(server.output.join('\n'), /STORE_FAILED/)
    } finally {
      writer.drop()
      await server.close()
    }
  }).timeout(60_000)

  it('[S12] a database that may not be written is refused at the start, in one line', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'holdfast-disk-'))
    const path = join(dir, 'holdfast.sqlite')
    try {
      await openSqliteStore({ path }).close()
      chmodSync(path, 0o444)
      chmodSync(dir, 0o555)
      // Root may write anything: the server runs as somebody who may not.
      const nobody = process.getuid?.() === 0 ? 65_534 : undefined
      if (nobody !== undefined) chownSync(dir, nobody, nobody)
      const starting = startServerProcess({ dir, ...(nobody !== undefined && { uid: nobody }) })
      await assert.rejects(
        starting,
        /STORE_FAILED: The database could not .*(readonly|read-only|unable to open)/,
      )
    } finally {
      chmodSync(dir, 0o755)
      rmSync(dir, { recursive: true })
    }
  }).timeout(30_000)
})
