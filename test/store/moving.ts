/** What holds of backups and of verifying, whatever engine the database is of. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { dump, restore } from '../../server/store/backup.ts'
import { columnsOf, tables } from '../../server/store/layout.ts'
import { backUp } from '../../server/store/open.ts'
import { verifyStore } from '../../server/store/verify.ts'
import { text } from '../../types/index.ts'
import { end, start } from '../browser/harness/processes.ts'
import type { TestEngine } from './engines.ts'
import { Places, rowsIn, rowsOf, sound, tellAll } from './everything.ts'
import { type DatabasePlace, sqlitePlace } from './place.ts'
import { keyOf, submit } from './writer.ts'

const coded = (code: string) => (error: { code?: string }) => error.code === code

/** A program of this folder, on the database of the place. */
const startIn = ({ env }: DatabasePlace, program: string, args: readonly string[] = []): ChildProcess =>
  start(process.execPath, [join(import.meta.dirname, program), ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })

/** A process that writes to the place; `round` resolves when it has written another round. */
async function busyIn(place: DatabasePlace): Promise<{ child: ChildProcess; round(): Promise<unknown> }> {
  const child = startIn(place, 'busy.ts')
  const lines = createInterface({ input: child.stdout! })
  const round = () => once(lines, 'line')
  await round()
  return { child, round }
}

export function movingContract({ title, place: makePlace, cases }: TestEngine): void {
  describe(`moving a database: ${title}`, function () {
    this.timeout(60_000)
    let places: Places
    beforeEach(() => {
      places = new Places(makePlace)
    })
    afterEach(() => places.remove())

    it('[S40] has the tables and columns of the layout, and no other', async () => {
      const place = await places.place()
      await places.engine(place)
      const columns = await place.columns()
      assert.deepEqual(Object.keys(columns).toSorted(), tables.toSorted())
      for (const table of tables) assert.deepEqual(columns[table]!.toSorted(), columnsOf(table).toSorted())
    })

    it('[S40] [S46] shows a view as it was, whatever is written meanwhile', async () => {
      const place = await places.written(1)
      const engine = await places.engine(place)
      const before = await rowsOf(engine)
      const view = await engine.view()
      const store = await places.store(place)
      for (let i = 0; i < 40; i++) await submit(store, keyOf(`new ${i}`), { create: { type: text.uri } })
      await store.tended()
      for (const table of tables) assert.deepEqual(await rowsIn(view.rows(table)), before[table], table)
      const [doc] = before.docs as { num: number }[]
      const own = await rowsIn(view.rows('ops', doc!.num))
      assert.deepEqual(
        own,
        before.ops!.filter(row => (row as { doc: number }).doc === doc!.num),
      )
      assert.ok(own.length > 0)
      await view.close()
    })

    it('[S41] [S42] backs up and restores: the same rows, another epoch, and sound', async () => {
      for (let seed = 1; seed <= cases(8); seed++) {
        const place = await places.written(seed)
        const engine = await places.engine(place)
        const rows = await rowsOf(engine)
        const file = join(place.folder, 'backup.sqlite')
        await backUp(place.settings, file)
        const other = await places.place()
        const restored = await places.engine(other)
        await restore(file, restored)
        const again = await rowsOf(restored)
        assert.deepEqual({ ...again, facts: [] }, { ...rows, facts: [] })
        assert.match(restored.epoch, /^[0-9a-f]{32}$/)
        assert.notEqual(restored.epoch, engine.epoch)
        assert.deepEqual(
          again.facts!.filter(row => (row as { name: string }).name === 'epoch'),
          [{ name: 'epoch', value: restored.epoch }],
        )
        assert.equal(sound(await verifyStore(restored)).documents, rows.docs!.length)
        const [here, there] = [await places.store(place), await places.store(other)]
        assert.deepEqual(await tellAll(there, 'long'), await tellAll(here, 'long'))
        assert.equal(there.epoch, restored.epoch)
        assert.equal(await submit(there, keyOf('other', 'elsewhere'), { del: true }), true)
        await places.close()
      }
    })

    it('[S41] backs up as it stood at one moment, while another process writes', async () => {
      const place = await places.written(3)
      const writer = await busyIn(place)
      const files = ['a', 'b', 'c', 'd'].map(name => join(place.folder, name))
      for (const file of files) {
        await backUp(place.settings, file)
        await writer.round()
      }
      await end(writer.child)
      const changes = []
      for (const file of files) {
        const into = await places.engine(await places.place())
        await restore(file, into)
        sound(await verifyStore(into))
        const { collections } = (await rowsOf(into)) as { collections: { name: string; change: number }[] }
        changes.push(collections.find(({ name }) => name === '"notes"')!.change)
      }
      assert.deepEqual(
        changes,
        [...new Set(changes)].toSorted((a, b) => a - b),
      )
    })

    it('[S41] writes one file, which is there whole or not at all, and replaces none', async () => {
      const place = await places.written(2)
      const file = join(place.folder, 'backup.sqlite')
      writeFileSync(`${file}.partial`, 'what a killed backup left')
      await backUp(place.settings, file)
      const names = readdirSync(place.folder).filter(name => name.startsWith('backup'))
      assert.deepEqual(names, ['backup.sqlite'])
      const { mtimeMs, size } = statSync(file)
      await assert.rejects(backUp(place.settings, file), coded('FILE_FAILED'))
      assert.deepEqual([statSync(file).mtimeMs, statSync(file).size], [mtimeMs, size])
      await assert.rejects(backUp(place.settings, join(place.folder, 'no', 'such')), coded('FILE_FAILED'))
    })

    it('[S42] moves between engines: what one backs up the other restores', async () => {
      const place = await places.written(5)
      const engine = await places.engine(place)
      const rows = { ...(await rowsOf(engine)), facts: [] }
      const dumped = join(place.folder, 'dumped.sqlite')
      await dump(engine, dumped)
      const sqlite = await places.place(sqlitePlace)
      const embedded = await places.engine(sqlite)
      await restore(dumped, embedded)
      assert.deepEqual({ ...(await rowsOf(embedded)), facts: [] }, rows)
      const back = join(place.folder, 'back.sqlite')
      await backUp(sqlite.settings, back)
      const home = await places.engine(await places.place())
      await restore(back, home)
      assert.deepEqual({ ...(await rowsOf(home)), facts: [] }, rows)
      sound(await verifyStore(home))
    })

    it('[S43] restores into an empty database only', async () => {
      const place = await places.written(2)
      const file = join(place.folder, 'backup.sqlite')
      await backUp(place.settings, file)
      const engine = await places.engine(place)
      const rows = await rowsOf(engine)
      await assert.rejects(restore(file, engine), coded('STORE_NOT_EMPTY'))
      const view = await engine.view()
      await assert.rejects(engine.fill(view, 'f'.repeat(32)), coded('STORE_NOT_EMPTY'))
      await view.close()
      assert.deepEqual(await rowsOf(engine), rows)
    })

    it('[S43] has nothing of a backup, or all of it, when the process that restores is killed', async () => {
      const place = await places.written(2)
      const file = join(place.folder, 'backup.sqlite')
      await backUp(place.settings, file)
      const engine = await places.engine(place)
      const rows = await rowsOf(engine)
      const total = Object.values(rows).flat().length
      for (const count of [1, 2, 10, Math.floor(total / 2), total, total + 1]) {
        const other = await places.place()
        const child = startIn(other, 'restoring.ts', [file, `${count}`])
        assert.equal(await once(createInterface({ input: child.stdout! }), 'line').then(String), 'here')
        await end(child)
        const into = await places.engine(other)
        const empty = await rowsOf(into)
        assert.deepEqual({ ...empty, facts: [] }, Object.fromEntries(tables.map(table => [table, []])))
        await restore(file, into)
        assert.deepEqual({ ...(await rowsOf(into)), facts: [] }, { ...rows, facts: [] })
      }
      const whole = await places.place()
      assert.deepEqual(await once(startIn(whole, 'restoring.ts', [file]), 'exit'), [0, null])
      assert.deepEqual({ ...(await rowsOf(await places.engine(whole))), facts: [] }, { ...rows, facts: [] })
    }).timeout(120_000)

    it('[S44] refuses what is no backup, damaged, cut or newer, and stays empty', async () => {
      const place = await places.written(2)
      const file = join(place.folder, 'backup.sqlite')
      await backUp(place.settings, file)
      const bytes = readFileSync(file)
      const spoilt = (change: (copy: Buffer) => Uint8Array) => {
        writeFileSync(`${file}.bad`, change(Buffer.from(bytes)))
        return `${file}.bad`
      }
      const altered = (sql: string) => {
        copyFileSync(file, `${file}.bad`)
        const db = new DatabaseSync(`${file}.bad`, { enableForeignKeyConstraints: false })
        db.exec(sql)
        db.close()
        return `${file}.bad`
      }
      const cases: [code: string, make: () => string][] = [
        ['FILE_FAILED', () => join(place.folder, 'missing')],
        ['BACKUP_INVALID', () => place.folder],
        ['BACKUP_INVALID', () => spoilt(() => Buffer.from('not a database, '.repeat(999)))],
        ['BACKUP_INVALID', () => spoilt(() => Buffer.alloc(0))],
        ['BACKUP_INVALID', () => spoilt(copy => copy.subarray(0, copy.length / 2))],
        ['BACKUP_INVALID', () => spoilt(copy => copy.fill(0xaa, 3 * 4096, 20 * 4096))],
        ['BACKUP_INVALID', () => altered('DROP TABLE ops')],
        ['BACKUP_INVALID', () => altered('PRAGMA user_version = 0')],
        ['BACKUP_INVALID', () => altered('DELETE FROM docs WHERE num = 1')],
        ['STORE_NEWER', () => altered('PRAGMA user_version = 99')],
      ]
      const engine = await places.engine(await places.place())
      for (const [code, make] of cases) {
        await assert.rejects(restore(make(), engine), coded(code), `${code} ${make}`)
        assert.equal((await engine.keys(null, 1)).length, 0)
      }
      await restore(file, engine)
      assert.equal(existsSync(`${file}-wal`), false)
    })

    it('[S44] brings a backup of an older schema up to date, and leaves the file as it is', async () => {
      const place = await places.place()
      const file = join(place.folder, 'old.sqlite')
      const db = new DatabaseSync(file)
      db.exec(readFileSync(join(import.meta.dirname, 'fixtures/version1.sql'), 'utf8'))
      db.close()
      const bytes = readFileSync(file)
      const engine = await places.engine(place)
      await restore(file, engine)
      assert.deepEqual(readFileSync(file), bytes)
      const { documents, ops } = sound(await verifyStore(engine))
      assert.deepEqual([documents, ops], [4, 176])
    })

    it('[S46] finds nothing in random histories, trimmed or not, and counts what it saw', async () => {
      let [trimmed, rungs] = [0, 0]
      for (let seed = 20; seed < 20 + cases(20); seed++) {
        const place = await places.written(seed)
        const engine = await places.engine(place)
        const { docs, rungs: stored } = await rowsOf(engine)
        const told: number[] = []
        const finding = sound(await verifyStore(engine, ({ ops }) => told.push(ops)))
        const kept = docs as { v: number; horizon: number }[]
        // Of the ops before the horizon those are there that share a pack with later ones.
        const [least, most] = [
          kept.reduce((sum, d) => sum + d.v - d.horizon, 0),
          kept.reduce((sum, d) => sum + d.v, 0),
        ]
        assert.ok(finding.ops >= least && finding.ops <= most)
        assert.deepEqual([finding.documents, finding.rungs], [docs!.length, stored!.length])
        assert.ok(told.length >= docs!.length && told.at(-1) === finding.ops)
        if (kept.some(({ horizon }) => horizon > 0)) trimmed++
        rungs += finding.rungs
        await places.close()
      }
      assert.ok(trimmed >= cases(5) && rungs > cases(200), `${trimmed} ${rungs}`)
    })

    it('[S46] raises no alarm while another process writes, packs and trims', async () => {
      const place = await places.written(4)
      const engine = await places.engine(place)
      const writer = await busyIn(place)
      const seen = new Set<number>()
      for (let i = 0; i < cases(30); i++) {
        seen.add(sound(await verifyStore(engine)).ops)
        await writer.round()
      }
      await end(writer.child)
      assert.ok(seen.size >= cases(20))
      sound(await verifyStore(engine))
    })
  })
}
