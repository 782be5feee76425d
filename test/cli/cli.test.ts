/** The program `holdfast`, as a process. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text as textOf } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { errors } from '../../ops/errors.ts'
import { commands } from '../../server/commands.ts'
import { type StoreOptions, storeOn } from '../../server/store/enginestore.ts'
import { openSqliteEngine } from '../../server/store/sqlite/engine.ts'
import { text } from '../../types/index.ts'
import { end, start } from '../browser/harness/processes.ts'
import { keyOf, submit } from '../store/writer.ts'

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const program = path('server/cli.ts')
const launcher = path('server/holdfast.js')

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

describe('The program holdfast', function () {
  this.timeout(60_000)
  let folder: string
  const running = new Set<ChildProcess>()
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-cli-'))
  })
  afterEach(async () => {
    for (const child of running) await end(child)
    running.clear()
    rmSync(folder, { recursive: true })
  })

  const file = (name: string) => join(folder, name)

  function begin(
    args: readonly string[],
    env: Record<string, string> = {},
    node: readonly string[] = [program],
  ) {
    const child = start(process.execPath, [...node, ...args], {
      env: { ...process.env, HOLDFAST_DATA: file('data'), HOLDFAST_PORT: '0', HOLDFAST_WEB: folder, ...env },
      stdio: 'pipe',
    })
    running.add(child)
    return child
  }

  async function run(
    args: readonly string[],
    { data = 'data', input = '', node }: { data?: string; input?: string; node?: readonly string[] } = {},
  ): Promise<Ran> {
    const child = begin(args, { HOLDFAST_DATA: file(data) }, node)
    const closed = once(child, 'close')
    child.stdin!.end(input)
    const [out, err] = await Promise.all([textOf(child.stdout!), textOf(child.stderr!)])
    const [code] = (await closed) as [number | null]
    return { code, out, err }
  }

  /** Two documents in each of two collections. */
  async function write(data = 'data', options: StoreOptions = {}): Promise<void> {
    const { out } = await run(['import', '-'], { data, input: header('letters') })
    assert.match(out, /^Imported 0 documents/)
    const store = storeOn(openSqliteEngine({ path: join(file(data), 'holdfast.sqlite') }), options)
    for (const collection of ['notes', 'letters']) {
      for (const id of ['a', 'b']) {
        const key = keyOf(id, collection)
        await submit(store, key, { create: { type: text.uri, data: `${collection} ${id} \ud83d\ude00` } })
        await submit(store, key, { op: ['x'] }, { src: 'me', seq: 1 })
      }
    }
    await store.close()
  }
  const header = (collection: string) =>
    [{ holdfast: 1, kind: 'collection', collection, at: 0 }, { end: { documents: 0, ops: 0 } }]
      .map(line => `${JSON.stringify(line)}\n`)
      .join('')

  const succeeded = ({ code, out, err }: Ran, says: RegExp) => {
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, says)
    assert.equal(out.trimEnd().split('\n').length, 1)
  }

  it('[S50] verifies, backs up and restores the database of the settings', async () => {
    await write()
    succeeded(await run(['verify']), /^Sound: 4 documents, 8 ops, 0 rungs \(\d+\.\d s\)\n$/)
    succeeded(await run(['backup', file('copy')]), /^Backed up to /)
    succeeded(await run(['restore', file('copy')], { data: 'other' }), /^Restored from /)
    succeeded(await run(['verify'], { data: 'other' }), /^Sound: 4 documents, 8 ops/)
  })

  it('[S50] exports and imports a collection, by files and by standard input and output', async () => {
    await write()
    const { code, out, err } = await run(['export', 'notes'])
    assert.equal(code, 0)
    assert.match(err, /^Exported 2 documents, 4 ops \(/)
    const written = await run(['export', 'notes', file('notes.jsonl')])
    assert.deepEqual([written.code, written.out], [0, ''])
    const behindHeader = (lines: string) => lines.split('\n').slice(1)
    assert.deepEqual(behindHeader(readFileSync(file('notes.jsonl'), 'utf8')), behindHeader(out))
    succeeded(
      await run(['import', file('notes.jsonl')], { data: 'other' }),
      /^Imported 2 documents, 4 ops into notes \(/,
    )
    succeeded(
      await run(['import', '-'], { data: 'other', input: out }),
      /^Imported 0 documents, 0 ops into notes; 2 documents were there already \(/,
    )
    succeeded(
      await run(['import', '-', '--into', 'copies'], { data: 'other', input: out }),
      /4 ops into copies \(/,
    )
    const copies = await run(['export', 'copies'], { data: 'other' })
    assert.deepEqual(behindHeader(copies.out), behindHeader(out))
    succeeded(await run(['verify'], { data: 'other' }), /^Sound: 4 documents, 8 ops/)
  })

  it('[S50] serves, and backs up, verifies and exports beside the server', async () => {
    await write()
    const server = begin(['serve'])
    const [line] = (await once(createInterface(server.stdout!), 'line')) as [string]
    const url = line.match(/^Holdfast is ready at (http:\S+)$/)![1]!
    const answer = await fetch(`${url}/v1/docs/notes/a`)
    assert.deepEqual(((await answer.json()) as { data: string }).data, 'xnotes a \ud83d\ude00')
    succeeded(await run(['verify']), /^Sound: 4 documents/)
    succeeded(await run(['backup', file('copy')]), /^Backed up/)
    assert.equal((await run(['export', 'notes', file('notes.jsonl')])).code, 0)
    succeeded(
      await run(['import', file('notes.jsonl'), '--into', 'copies']),
      /2 documents, 4 ops into copies/,
    )
    const copy = await fetch(`${url}/v1/docs/copies/a`)
    assert.equal(((await copy.json()) as { v: number }).v, 2)
    server.kill('SIGTERM')
    assert.deepEqual(await once(server, 'exit'), [0, null])
  })

  it('[S50] --help lists the commands and the settings, and starts nothing', async () => {
    for (const args of [['--help'], ['-h'], ['verify', '--help']]) {
      const { code, out } = await run(args)
      assert.equal(code, 0)
      for (const [name, { takes }] of Object.entries(commands)) {
        assert.ok(out.includes(`  holdfast ${`${name} ${takes}`.trim()} `), name)
      }
      assert.match(out, /HOLDFAST_DATA .*\.\/data/)
    }
    assert.equal(existsSync(file('data')), false)
  })

  const failures: { what: string; args: string[]; says: RegExp; before?: () => unknown; input?: string }[] = [
    { what: 'no command', args: [], says: /^COMMAND_INVALID: .*--help/ },
    { what: 'a command that is none', args: ['frobnicate'], says: /^COMMAND_INVALID: .*"frobnicate"/ },
    { what: 'a command of all objects', args: ['toString'], says: /^COMMAND_INVALID: / },
    { what: 'a file too few', args: ['backup'], says: /^COMMAND_INVALID: .*holdfast backup FILE/ },
    {
      what: 'a file too many',
      args: ['export', 'a', 'b', 'c'],
      says: /^COMMAND_INVALID: .*COLLECTION \[FILE\]/,
    },
    { what: 'an option that is none', args: ['verify', '--fast'], says: /^COMMAND_INVALID: .*--fast/ },
    { what: 'an option of another command', args: ['verify', '--into', 'a'], says: /^COMMAND_INVALID: / },
    { what: 'no database to verify', args: ['verify'], says: /^STORE_MISSING: .*HOLDFAST_DATA/ },
    { what: 'no database to back up', args: ['backup', 'x'], says: /^STORE_MISSING: / },
    { what: 'no database to export', args: ['export', 'notes'], says: /^STORE_MISSING: / },
    {
      what: 'no file to import',
      args: ['import', '/no/such/file'],
      says: /^FILE_FAILED: .*\/no\/such\/file/,
    },
    {
      what: 'no file to restore',
      args: ['restore', '/no/such/file'],
      says: /^FILE_FAILED: .*\/no\/such\/file/,
    },
    { what: 'a cut file', args: ['import', '-'], input: '{}', says: /^IMPORT_INVALID: Line 1: / },
    { what: 'a name that cannot be', args: ['import', '-', '--into', '__proto__'], says: /^NAME_INVALID: / },
    {
      what: 'a collection that nobody wrote',
      args: ['export', 'no'],
      before: write,
      says: /^NOT_FOUND: .* no\./,
    },
    {
      what: 'a file that is there',
      args: ['export', 'notes', program],
      before: write,
      says: /^FILE_FAILED: .*already/,
    },
    {
      what: 'a backup that is there',
      args: ['backup', program],
      before: write,
      says: /^FILE_FAILED: .*already/,
    },
    { what: 'a backup that is none', args: ['restore', program], says: /^BACKUP_INVALID: / },
  ]
  for (const { what, args, says, before, input } of failures) {
    it(`[S51] ${what} ends it with 1 and one line that begins with a code`, async () => {
      await before?.()
      const { code, err } = await run(args, { ...(input !== undefined && { input }) })
      assert.equal(code, 1)
      assert.match(err, says)
      assert.equal(err.trimEnd().split('\n').length, 1)
      assert.ok(err.split(':')[0]! in errors)
    })
  }

  it('[S51] a database that keeps nothing is refused where something is to be kept', async () => {
    for (const args of [['verify'], ['backup', file('x')], ['restore', file('x')], ['import', '-']]) {
      const child = begin(args, { HOLDFAST_DATA: ':memory:' })
      child.stdin!.end()
      assert.match(await textOf(child.stderr!), /^STORE_MISSING: .*:memory:/)
    }
  })

  it('[S51] a database that differs ends verify with 1, named; one that is not empty ends restore', async () => {
    await write()
    await run(['backup', file('copy')])
    const full = await run(['restore', file('copy')])
    assert.deepEqual([full.code, full.err.split(':')[0]], [1, 'STORE_NOT_EMPTY'])
    const { DatabaseSync } = await import('node:sqlite')
    const db = new DatabaseSync(join(file('data'), 'holdfast.sqlite'))
    db.exec(`UPDATE ops SET body = '{"op":["y"]}' WHERE doc = 2 AND v = 1`)
    db.close()
    const { code, out, err } = await run(['verify'])
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /^STORE_CORRUPT: Document "b" of "notes", hash at version 2: /)
    const exporting = await run(['export', 'notes', file('notes.jsonl')])
    assert.deepEqual([exporting.code, existsSync(file('notes.jsonl'))], [1, false])
  })

  describe('under an older Node', () => {
    /** Makes the program believe that it runs under Node 20. */
    const older = [
      '--import',
      "data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '20.20.2' })",
    ]

    it('[S52] is the command of the package, under any Node', async () => {
      const { bin } = JSON.parse(readFileSync(path('package.json'), 'utf8')) as {
        bin: Record<string, string>
      }
      assert.equal(path(bin.holdfast!), launcher)
      for (const node of [[launcher], [...older, launcher]]) {
        const { code, out } = await run(['--help'], { node })
        assert.equal(code, 0)
        assert.match(out, /holdfast verify/)
      }
      const failed = await run(['verify'], { node: [...older, launcher] })
      assert.equal(failed.code, 1)
      assert.match(failed.err, /^STORE_MISSING/)
    })

    it('[S52] hands on signals, and ends as the other process does', async () => {
      const server = begin(['serve'], {}, [...older, launcher])
      await once(createInterface(server.stdout!), 'line')
      server.kill('SIGTERM')
      assert.deepEqual(await once(server, 'exit'), [0, null])
    })

    it('[S52] says what is missing where no newer Node was brought along', async () => {
      mkdirSync(file('server'))
      copyFileSync(launcher, file('server/holdfast.js'))
      writeFileSync(file('package.json'), '{"type": "module"}')
      const { code, err } = await run(['verify'], { node: [...older, file('server/holdfast.js')] })
      assert.equal(code, 1)
      assert.match(err, /^Holdfast needs Node 24, this is 20\.20\.2: run npm ci/)
      assert.equal(err.trimEnd().split('\n').length, 1)
    })
  })
})
