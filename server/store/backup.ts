/**
 * Backups. A backup is a SQLite file of our tables (layout.ts), whatever database it was taken of: so it can be looked
 * into, verified and moved to another engine. It is written beside its name and gets that when it is whole.
 *
 *   SQLite   copy     pages, by SQLite itself, while others write     ->  FILE
 *   others   dump     rows, as they stood at one moment               ->  FILE
 *   FILE     restore  rows, in one transaction, with a new epoch      ->  an empty database
 */

import { closeSync, existsSync, fsyncSync, mkdtempSync, openSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { type ErrorCode, HoldfastError } from '../../ops/errors.ts'
import { newEpoch } from './chain.ts'
import type { Engine, View } from './engine.ts'
import { failed } from './failed.ts'
import { openSqliteEngine } from './sqlite/engine.ts'
import { viewOfFile } from './sqlite/rows.ts'
import { newer, openDatabase, SCHEMA_VERSION, schemaVersionOf } from './sqlite/schema.ts'

/**
 * Backs up the SQLite database at `path`, as it is: of an older schema, too. Rejects with `FILE_FAILED` if `file` is there
 * or cannot be written, `STORE_FAILED`, `STORE_NEWER`.
 */
export function copy(path: string, file: string): Promise<void> {
  return whole(file, async partial => {
    const db = open('STORE_FAILED', path)
    try {
      expectKnown(db)
      await copyPages(db, partial)
    } finally {
      db.close()
    }
  })
}

/** Backs up any engine. Rejects as `copy` does. */
export function dump(engine: Engine, file: string): Promise<void> {
  return whole(file, async partial => {
    const into = makeFile(partial)
    const view = await engine.view()
    try {
      await into.fill(view, engine.epoch)
    } finally {
      await view.close()
      await into.close()
    }
  })
}

function makeFile(path: string): Engine {
  try {
    return openSqliteEngine({ path, durability: 'normal' })
  } catch (error) {
    // No failure of the database that is backed up.
    throw new Error((error as Error).message)
  }
}

/**
 * Fills an empty database from a backup, which may be of an older schema, and gives it a new epoch; all or nothing, also
 * when the process is killed. Rejects with `STORE_NOT_EMPTY`, `BACKUP_INVALID`, `STORE_NEWER`, `FILE_FAILED`, `STORE_FAILED`.
 */
export async function restore(file: string, engine: Engine): Promise<void> {
  if ((await engine.keys(null, 1)).length > 0) throw new HoldfastError('STORE_NOT_EMPTY')
  const { view, close } = await openBackup(file)
  try {
    await engine.fill(view, newEpoch())
  } catch (error) {
    throw failed('take over the backup', error)
  } finally {
    await close()
  }
}

/** All pages in one step: in several, a writer in between would make SQLite begin again, perhaps for ever. */
const ALL = 2 ** 31 - 1

async function copyPages(db: DatabaseSync, to: string): Promise<void> {
  await backup(db, to, { rate: ALL })
}

/** The rows of a backup that is sound; those of an older one in a copy that was brought up to date. */
async function openBackup(file: string): Promise<{ view: View; close(): Promise<void> }> {
  if (!existsSync(file)) throw new HoldfastError('FILE_FAILED', `There is no file ${file}.`)
  const db = open('BACKUP_INVALID', file)
  let folder: string | null = null
  try {
    expectKnown(db)
    expectSound(file, db)
    let path = file
    if (schemaVersionOf(db) < SCHEMA_VERSION) {
      folder = mkdtempSync(join(tmpdir(), 'holdfast-restore-'))
      path = join(folder, 'backup.sqlite')
      await copyPages(db, path)
      openDatabase({ path }).close()
    }
    const view = viewOfFile(path)
    return {
      view,
      async close() {
        await view.close()
        discard(folder)
      },
    }
  } catch (error) {
    discard(folder)
    throw error
  } finally {
    db.close()
  }
}

const discard = (folder: string | null) => folder !== null && rmSync(folder, { recursive: true })

function open(code: ErrorCode, path: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
    const names = db.prepare("SELECT name FROM sqlite_schema WHERE name IN ('docs', 'ops')").all()
    if (names.length === 2 && schemaVersionOf(db) > 0) return db
    throw new Error('it has not the tables of Holdfast')
  } catch (error) {
    db?.close()
    throw new HoldfastError(code, `${path} is no database of Holdfast: ${(error as Error).message}.`)
  }
}

function expectKnown(db: DatabaseSync): void {
  const version = schemaVersionOf(db)
  if (version > SCHEMA_VERSION) throw newer(version)
}

function expectSound(file: string, db: DatabaseSync): void {
  const fault = faultIn(db)
  if (fault !== null) throw new HoldfastError('BACKUP_INVALID', `${file} is damaged: ${fault}.`)
}

/** What SQLite finds wrong with a file; some damage it reports, from other damage it recoils. */
function faultIn(db: DatabaseSync): string | null {
  try {
    const [said] = db.prepare('PRAGMA integrity_check(1)').all()
    if (said?.integrity_check !== 'ok') return String(said?.integrity_check)
    const [orphan] = db.prepare('PRAGMA foreign_key_check').all()
    return orphan ? `rows of ${orphan.table} belong to no document` : null
  } catch (error) {
    return (error as Error).message
  }
}

/** Has `write` write another file, in SQLite's format, and gives it its name once it is whole and on the disk. */
async function whole(file: string, write: (partial: string) => Promise<void>): Promise<void> {
  if (existsSync(file)) {
    throw new HoldfastError('FILE_FAILED', `${file} is there already; a backup replaces no file.`)
  }
  const partial = `${file}.partial`
  try {
    remove(partial)
    await write(partial)
    settle(partial)
    renameSync(partial, file)
    sync(dirname(resolve(file)))
  } catch (error) {
    remove(partial)
    if (error instanceof HoldfastError) throw error
    throw new HoldfastError('FILE_FAILED', `${file} could not be written: ${(error as Error).message}.`)
  }
}

/** One file, with no log beside it, which can be read from where nothing can be written. */
function settle(path: string): void {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = DELETE')
  db.close()
  sync(path)
}

function sync(path: string): void {
  const handle = openSync(path, 'r')
  fsyncSync(handle)
  closeSync(handle)
}

function remove(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true })
}
